import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createDisk } from '../support/write-log/disk.ts';
import { parseRecord, type Operation } from '../support/write-log/record.ts';
import { recordedEnvironment } from '../support/write-log/recorder.ts';

const STATION = fileURLToPath(new URL('recorded-station.ts', import.meta.url));

export const LEDGER = 'ledger.db';
export type Synchronous = 'FULL' | 'NORMAL' | 'OFF';

export interface Session {
  readonly rounds: number;
  readonly end: 'close' | 'kill';
  /** Of metadata in one transaction per round: what fills the WAL up to its checkpoint. */
  readonly metadataBytes: number;
  /** Kills the station in the middle of this call that changes the disk, counted from 1; it may end before that. */
  readonly killAtCall?: number;
}

/** Crashed disks are made by the hundred: in memory where there is such a place. Nothing here asks the real disk for durability. */
export const scratch = (): Promise<string> => mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'dockward-fault-'));

/** Runs the station, session after session on one folder, and returns the log of all that it wrote. */
export async function recordStation(sessions: readonly Session[], synchronous: Synchronous): Promise<Buffer> {
  const place = await scratch();
  try {
    const folder = join(place, 'station');
    await mkdir(folder);
    const places = { folder, log: join(place, 'log'), marks: join(place, 'marks') };
    for (const [index, { rounds, end, metadataBytes, killAtCall }] of sessions.entries()) {
      const args = [STATION, join(folder, LEDGER), places.marks, `s${index}`, String(rounds), synchronous, end, String(metadataBytes), String(killAtCall ?? 0)];
      const child = spawn(process.execPath, args, { env: recordedEnvironment(places), stdio: ['ignore', 'inherit', 'inherit'] });
      const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
      const killed = signal === 'SIGKILL' && (end === 'kill' || killAtCall !== undefined);
      if (!killed && (code !== 0 || end === 'kill')) throw new Error(`the recorded station ended with ${code ?? signal}`);
    }
    const log = await readFile(places.log);
    await assertComplete(parseRecord(log), folder);
    return log;
  } finally {
    await rm(place, { recursive: true });
  }
}

/** Played back whole, a record must give the very files that the station left: what it missed, no crash would show. */
async function assertComplete(operations: readonly Operation[], folder: string): Promise<void> {
  const disk = createDisk();
  for (const operation of operations) disk.apply(operation);
  const files = disk.survives();
  const left = (await readdir(folder)).filter((name) => !name.endsWith('-shm')).sort();
  if (left.join() !== [...files.keys()].sort().join()) throw new Error(`the station left ${left.join()}, the record ${[...files.keys()].join()}`);
  for (const [name, bytes] of files) if (!bytes.equals(await readFile(join(folder, name)))) throw new Error(`${name}: the record is not what the station wrote`);
}
