/** `npm run build`: the pages and the shell are built by the time this runs; it bundles the programs for installers. */
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { root } from './checks.ts';

/** Native modules and what finds them stay outside the bundles; electron-builder ships them unpacked. */
const EXTERNAL = [/^node:/, 'sqlite3', 'bindings', 'node-hid', 'pcsclite', 'usb', 'electron'];

export async function bundlePrograms(out = join(root, 'dist')): Promise<void> {
  for (const name of ['station', 'device-host']) {
    const input = join(root, `app/entrypoints/${name === 'station' ? 'station-node' : name}.ts`);
    const bundle = await rolldown({ input, platform: 'node', external: EXTERNAL, tsconfig: join(root, 'tsconfig.json') });
    await bundle.write({ dir: join(out, name), format: 'esm', entryFileNames: `${name}-node.mjs`, chunkFileNames: '[name]-[hash].mjs' });
    await bundle.close();
  }
}

if (import.meta.main) {
  await bundlePrograms();
  process.stdout.write('built: dist/kiosk dist/fleet dist/panel dist/shell dist/preload dist/station dist/device-host\n');
}
