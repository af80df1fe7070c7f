/**
 * Runs a command beside a real pcscd with N virtual readers of two slots each, in namespaces of its own:
 *
 *   node test/support/pcsc/in-namespace.ts N -- COMMAND [ARGUMENT…]
 *
 * Exits with the command's code; with 77, and the reason on standard error, where the machine does not permit it.
 */
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startPcscd } from './pcscd.ts';
import { compiled, TESTBED_VARIABLE, UNSHARE, virtualReaderDriver, whyNoTestbed, type PcscTestbed } from './testbed.ts';

/** The code by which test runners know "skipped". */
export const EXIT_NOT_PERMITTED = 77;
const EXIT_USAGE = 64;
const FIRST_PORT = 35_963;
const PORTS_APART = 100;
const SLOTS_PER_READER = 2;
const INSIDE = '--inside';

/** The command line that runs `command` in the testbed, for suites that spawn it themselves. Killing it ends everything in it. */
export function namespaceCommand(readers: number, command: readonly string[]): [string, ...string[]] {
  return ['unshare', ...UNSHARE, process.execPath, fileURLToPath(import.meta.url), INSIDE, String(readers), compiled('preload'), compiled('driver'), '--', ...command];
}

function run(command: readonly string[], env: NodeJS.ProcessEnv, signals: boolean): Promise<number> {
  return new Promise((resolve, reject) => {
    const [program = '', ...rest] = command;
    const child = spawn(program, rest, { stdio: 'inherit', env });
    // `unshare` does not pass signals on; its own end takes everything inside with it.
    if (signals) for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill('SIGKILL'));
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}

async function inside(readers: number, preload: string, pluggable: string, command: readonly string[]): Promise<number> {
  execFileSync('mount', ['-t', 'tmpfs', 'none', '/run']);
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
  const driver = virtualReaderDriver();
  if (driver === undefined) throw new Error('vsmartcard-vpcd is gone');
  const folder = '/run/pcscd/testbed';
  const configFolder = join(folder, 'readers');
  mkdirSync(configFolder, { recursive: true });
  const configured: string[] = [];
  const slots: PcscTestbed['readers'][number][] = [];
  for (let reader = 0; reader < readers; reader += 1) {
    const port = FIRST_PORT + PORTS_APART * reader;
    const hexPort = `0x${port.toString(16).toUpperCase()}`;
    // vpcd keeps one table of slots per library, so each reader loads a copy of its own.
    const library = join(folder, `reader${reader}.so`);
    copyFileSync(pluggable, library);
    copyFileSync(driver, `${library}.vpcd`);
    configured.push(`FRIENDLYNAME "Ward Reader ${reader}"`, `DEVICENAME /dev/null:${hexPort}`, `LIBPATH ${library}`, `CHANNELID ${hexPort}`, '');
    for (let slot = 0; slot < SLOTS_PER_READER; slot += 1) slots.push({ name: `Ward Reader ${reader} 00 0${slot}`, port: port + slot, unplugged: `${library}.unplugged` });
  }
  writeFileSync(join(configFolder, 'virtual'), configured.join('\n'));
  const testbed: PcscTestbed = { readers: slots, configFolder, preload, log: join(folder, 'pcscd.log'), pidFile: join(folder, 'pid') };
  await startPcscd(testbed);
  return run(command, { ...process.env, [TESTBED_VARIABLE]: JSON.stringify(testbed) }, false);
}

async function main(given: readonly string[]): Promise<number> {
  const isInside = given[0] === INSIDE;
  const split = given.indexOf('--');
  const readers = Number(given[isInside ? 1 : 0]);
  const command = given.slice(split + 1);
  if (split < 0 || command.length === 0 || !Number.isInteger(readers) || readers < 1) {
    process.stderr.write('usage: in-namespace.ts READERS -- COMMAND [ARGUMENT…]\n');
    return EXIT_USAGE;
  }
  if (isInside) return inside(readers, given[2] ?? '', given[3] ?? '', command);
  const reason = whyNoTestbed();
  if (reason !== undefined) {
    process.stderr.write(`skipped: ${reason}\n`);
    return EXIT_NOT_PERMITTED;
  }
  return run(namespaceCommand(readers, command), process.env, true);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(await main(process.argv.slice(2)));
