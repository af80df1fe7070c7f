import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, it } from 'vitest';
import { usbTestbedCommand, whyNoUsbTestbed } from './testbed.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const INNER_DEADLINE_MS = 60_000;
const TESTBED_VARIABLE = 'DOCKWARD_USB_TESTBED';

type Misfortunes = Readonly<Record<string, () => Promise<void>>>;
interface InnerReport {
  readonly testResults: readonly { readonly message?: string; readonly assertionResults: readonly { readonly title: string; readonly status: string; readonly failureMessages: readonly string[] }[] }[];
}

/**
 * A suite on a /sys and a udev of its own. The file plays two parts: outside it starts vitest on itself in the testbed and
 * reports each inner result under its own name; inside it runs the tests. Where the machine does not permit it, or lacks one of
 * the `programs`, every test is skipped with the reason in its name.
 */
export function insideUsbTestbed(suite: string, file: string, misfortunes: Misfortunes, programs: readonly string[] = []): void {
  const inside = process.env[TESTBED_VARIABLE] !== undefined;
  const reason = inside ? undefined : whyNoUsbTestbed(programs);
  describe(suite, () => {
    if (inside) {
      for (const [name, run] of Object.entries(misfortunes)) it(name, run);
      return;
    }
    if (reason !== undefined) {
      for (const name of Object.keys(misfortunes)) it.skip(`${name} (skipped: ${reason})`, () => {});
      return;
    }
    let failures = new Map<string, string | undefined>();
    beforeAll(() => {
      failures = runInside(file);
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
function runInside(file: string): Map<string, string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'dockward-usb-'));
  const report = join(folder, 'report.json');
  try {
    const vitest = [process.execPath, join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '-c', 'test/vitest.config.ts', relative(ROOT, file), '--reporter=json', `--outputFile=${report}`, '--no-color'];
    // The inner runner must not think that it is a worker of this one.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST') && name !== 'TEST'));
    const [program, ...args] = usbTestbedCommand(vitest);
    const ran = spawnSync(program, args, { cwd: ROOT, encoding: 'utf8', env: { ...env, [TESTBED_VARIABLE]: '1' }, timeout: INNER_DEADLINE_MS, killSignal: 'SIGKILL' });
    if (!existsSync(report)) throw new Error(`the testbed run left no report (${ran.error?.message ?? `exit ${ran.status}`}):\n${ran.stdout}${ran.stderr}`);
    const written = JSON.parse(readFileSync(report, 'utf8')) as InnerReport;
    const results = written.testResults.flatMap((result) => result.assertionResults);
    if (results.length === 0) throw new Error(`no test ran inside the testbed: ${written.testResults.map((result) => result.message).join('\n')}`);
    return new Map(results.map(({ title, status, failureMessages }) => [title, status === 'passed' ? undefined : `${status}: ${failureMessages.join('\n')}`]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
