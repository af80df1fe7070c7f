import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, it } from 'vitest';
import { namespaceCommand } from './in-namespace.ts';
import { currentTestbed, whyNoTestbed, type PcscTestbed } from './testbed.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const INNER_DEADLINE_MS = 60_000;

type Misfortunes = Readonly<Record<string, (testbed: PcscTestbed) => Promise<void>>>;
interface InnerReport {
  readonly testResults: readonly { readonly message?: string; readonly assertionResults: readonly { readonly title: string; readonly status: string; readonly failureMessages: readonly string[] }[] }[];
}

/**
 * A suite whose tests need real pcscd. pcsclite must run inside the namespaces, so the same file plays two parts: outside it
 * starts vitest on itself in the testbed and reports each inner result under its own name; inside it runs the tests.
 * Where the machine does not permit it every test is skipped with the reason in its name.
 */
export function insidePcscTestbed(suite: string, file: string, readers: number, misfortunes: Misfortunes): void {
  const testbed = currentTestbed();
  const reason = testbed === undefined ? whyNoTestbed() : undefined;
  describe(suite, () => {
    if (testbed !== undefined) {
      for (const [name, run] of Object.entries(misfortunes)) it(name, () => run(testbed));
      return;
    }
    if (reason !== undefined) {
      for (const name of Object.keys(misfortunes)) it.skip(`${name} (skipped: ${reason})`, () => {});
      return;
    }
    let failures = new Map<string, string | undefined>();
    beforeAll(() => {
      failures = runInside(file, readers);
    }, INNER_DEADLINE_MS);
    for (const name of Object.keys(misfortunes)) {
      it(name, () => {
        if (!failures.has(name)) throw new Error('did not run inside the testbed');
        const failure = failures.get(name);
        if (failure !== undefined) throw new Error(`inside the testbed: ${failure}`);
      });
    }
  });
}

/** By name of the test: why it failed, undefined for a pass. */
function runInside(file: string, readers: number): Map<string, string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'dockward-pcsc-'));
  const report = join(folder, 'report.json');
  try {
    const vitest = [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '-c', 'test/vitest.config.ts', relative(ROOT, file)];
    const [program, ...command] = namespaceCommand(readers, [process.execPath, ...vitest, '--reporter=json', `--outputFile=${report}`, '--no-color']);
    // The inner runner must not think that it is a worker of this one.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST') && name !== 'TEST'));
    const ran = spawnSync(program, command, { cwd: ROOT, encoding: 'utf8', env, timeout: INNER_DEADLINE_MS, killSignal: 'SIGKILL' });
    const written = readReport(report);
    if (written === undefined) throw new Error(`the testbed run left no report (${ran.error?.message ?? `exit ${ran.status}`}):\n${ran.stdout}${ran.stderr}`);
    const results = written.testResults.flatMap((result) => result.assertionResults);
    if (results.length === 0) throw new Error(`no test ran inside the testbed: ${written.testResults.map((result) => result.message).join('\n')}`);
    return new Map(results.map(({ title, status, failureMessages }) => [title, status === 'passed' ? undefined : `${status}: ${failureMessages.join('\n')}`]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readReport(path: string): InnerReport | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as InnerReport;
  } catch {
    return undefined;
  }
}
