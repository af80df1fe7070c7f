/** `npm run dist`: installers by electron-builder. It fetches Electron's binary, so it needs a network that reaches it. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { bundlePrograms } from './build.ts';
import { root } from './checks.ts';

await bundlePrograms();
const built = spawnSync(process.execPath, [join(root, 'node_modules/electron-builder/cli.js'), ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' });
process.exit(built.status ?? 1);
