import { spawn } from 'node:child_process';
import { existsSync, openSync, closeSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { PCSCD, type PcscTestbed } from './testbed.ts';
import { waitFor } from './wait-for.ts';

const POLL_US = '20000';
const SOCKET = '/run/pcscd/pcscd.comm';
const LISTENING = '0A';

/** Starts the testbed's pcscd; resolves when its socket and every virtual slot are there. Only inside the testbed. */
export async function startPcscd(testbed: PcscTestbed): Promise<void> {
  const log = openSync(testbed.log, 'a');
  const daemon = spawn(PCSCD, ['--foreground', '--config', testbed.configFolder], {
    stdio: ['ignore', log, log],
    detached: true,
    env: { ...process.env, LD_PRELOAD: testbed.preload, DOCKWARD_PCSCD_POLL_US: POLL_US },
  });
  closeSync(log);
  daemon.unref();
  if (daemon.pid === undefined) throw new Error('pcscd did not start');
  writeFileSync(testbed.pidFile, String(daemon.pid));
  await waitFor('pcscd and its readers', () => existsSync(SOCKET) && testbed.readers.every(({ port }) => isListening(port))).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${readFileSync(testbed.log, 'utf8')}`);
  });
}

export const pcscdPid = (testbed: PcscTestbed): number => Number(readFileSync(testbed.pidFile, 'utf8'));

/** SIGKILL, as a crash would; resolves when it is gone. */
export async function killPcscd(testbed: PcscTestbed): Promise<void> {
  const pid = pcscdPid(testbed);
  process.kill(pid, 'SIGKILL');
  await waitFor('the end of pcscd', () => isGone(pid));
}

/** Takes the reader of a slot off its cable, with both its slots: nothing in it can be reached. */
export function unplugReader({ unplugged }: PcscTestbed['readers'][number]): void {
  writeFileSync(unplugged, '');
}

export function plugReader({ unplugged }: PcscTestbed['readers'][number]): void {
  rmSync(unplugged, { force: true });
}

/** Gone altogether: a zombie still counts as a running pcscd to the next one. */
function isGone(pid: number): boolean {
  return !existsSync(`/proc/${pid}`);
}

/** From the kernel's table, because connecting to a slot would be the insertion of a card. */
function isListening(port: number): boolean {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return ['/proc/net/tcp', '/proc/net/tcp6']
    .filter((table) => existsSync(table))
    .flatMap((table) => readFileSync(table, 'utf8').split('\n'))
    .map((line) => line.trim().split(/\s+/))
    .some(([, local, , state]) => local?.endsWith(wanted) === true && state === LISTENING);
}
