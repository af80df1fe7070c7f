import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const inPackage = (name: string, path: string): string => join(dirname(require.resolve(`${name}/package.json`)), path);

export interface Check {
  readonly name: string;
  readonly args: readonly string[];
}

const types = (project: string): Check => ({ name: `types of ${project}`, args: [inPackage('typescript', 'bin/tsc'), '-p', join(root, project)] });

/** What must hold of the sources before anything runs. */
export const CHECKS: readonly Check[] = [
  types('app/domain/tsconfig.json'),
  types('app/contract/tsconfig.json'),
  types('tsconfig.json'),
  types('app/ui/tsconfig.json'),
  { name: 'lint', args: [inPackage('eslint', 'bin/eslint.js'), '-c', join(root, 'scripts/eslint.config.mjs'), '--max-warnings', '0', 'app', 'native', 'scripts', 'test'] },
  { name: 'dependency rules', args: [join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs'), '--config', join(root, 'scripts/dependency-rules.cjs'), '--output-type', 'err', 'app', 'native'] },
];

/** Runs one check with this Node; what it prints is shown only when it fails. */
export function runCheck({ name, args }: Check): boolean {
  const done = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  const passed = done.status === 0;
  process.stdout.write(`${passed ? 'ok  ' : 'FAIL'} ${name}\n`);
  if (!passed) process.stdout.write(`${done.stdout}${done.stderr}\n`);
  return passed;
}
