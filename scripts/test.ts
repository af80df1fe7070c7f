/**
 * `npm test`: static checks, then every suite. Ends with `N passed, N failed, N skipped`; what is skipped is named with
 * its reason. `--long` runs the long versions of the suites that have one.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { CHECKS, root, runCheck } from './checks.ts';

const long = process.argv.includes('--long');
const only = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));

/** Suites that start whole products or browsers run one after another, so that they do not starve each other. */
const SUITES = [
  { name: 'unit, station, server and screens', config: 'test/vitest.config.ts' },
  { name: 'the story, end to end', config: 'test/e2e/vitest.config.ts' },
  { name: 'Electron with its binary', config: 'test/electron/e2e/vitest.config.ts' },
];
const LONG_ENVIRONMENT = { DOCKWARD_HISTORIES: '1000000', DOCKWARD_SEED: '1000001', DOCKWARD_LONG: '1' };

const report = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().optional(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string(), meta: z.record(z.string(), z.unknown()).optional() })),
    }),
  ),
});

interface Tally {
  passed: number;
  failed: number;
  readonly skipped: string[];
}

const tally: Tally = { passed: 0, failed: 0, skipped: [] };
const startedAt = performance.now();
if (only.length === 0) {
  for (const check of CHECKS) {
    if (runCheck(check)) tally.passed += 1;
    else tally.failed += 1;
  }
}
for (const suite of SUITES) await runSuite(suite);

for (const line of tally.skipped) process.stdout.write(`skipped: ${line}\n`);
process.stdout.write(`in ${Math.round((performance.now() - startedAt) / 1_000)} s\n`);
process.stdout.write(`${tally.passed} passed, ${tally.failed} failed${tally.skipped.length > 0 ? `, ${tally.skipped.length} skipped` : ''}\n`);
process.exit(tally.failed === 0 && tally.passed > 0 ? 0 : 1);

async function runSuite({ name, config }: (typeof SUITES)[number]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'dockward-test-'));
  const output = join(folder, 'report.json');
  process.stdout.write(`\n== ${name}\n`);
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const args = [vitest, 'run', '--config', config, '--reporter=default', '--reporter=json', `--outputFile.json=${output}`, '--passWithNoTests', ...only];
  const code = await new Promise<number>((resolve) => {
    spawn(process.execPath, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...(long ? LONG_ENVIRONMENT : {}) } }).on('exit', (status) => resolve(status ?? 1));
  });
  const text = await readFile(output, 'utf8').catch(() => undefined);
  await rm(folder, { recursive: true });
  if (text === undefined) {
    process.stdout.write(`FAIL ${name}: the suite ended without a report\n`);
    tally.failed += 1;
    return;
  }
  const before = tally.failed;
  for (const file of report.parse(JSON.parse(text)).testResults) {
    const where = relative(root, file.name);
    if (file.assertionResults.length === 0 && file.status === 'failed') tally.failed += 1;
    for (const { fullName, status } of file.assertionResults) {
      if (status === 'passed') tally.passed += 1;
      else if (status === 'failed') tally.failed += 1;
      else tally.skipped.push(`${where}: ${fullName}`);
    }
  }
  if (code !== 0 && tally.failed === before) {
    process.stdout.write(`FAIL ${name}: the runner ended with ${code} though no test failed (an error outside the tests)\n`);
    tally.failed += 1;
  }
}
