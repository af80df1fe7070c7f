import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../../', import.meta.url));

export interface BuiltPage {
  readonly folder: string;
  remove(): Promise<void>;
}

/** The production bundle in a folder of its own, built as `npm run build` does. */
export async function buildPage(name: 'kiosk' | 'fleet'): Promise<BuiltPage> {
  const folder = await mkdtemp(join(tmpdir(), `dockward-${name}-`));
  await promisify(execFile)(process.execPath, ['node_modules/vite/bin/vite.js', 'build', '-c', `scripts/vite.${name}.ts`, '--outDir', folder], { cwd: root, env: { ...process.env, NODE_ENV: 'production' } });
  return { folder, remove: () => rm(folder, { recursive: true }) };
}
