import { existsSync, readFileSync, rmSync } from 'node:fs';
import { memoryFile } from './memory-file.ts';
import { handles, processes } from './processes.ts';

const READINGS = 5;
const BETWEEN_READINGS_MS = 200;
const COLLECTED_DEADLINE_MS = 10_000;

/** What one process holds: resident memory and what JavaScript holds, in bytes, after a garbage collection; handles, threads. */
export interface Held {
  readonly rss: number;
  readonly heldBytes: number;
  readonly handles: number;
  readonly threads: number;
}

/** All that may grow; processes and threads are those of the whole testbed. */
export interface Measured {
  readonly station: Held;
  readonly host: Held;
  readonly pcscdHandles: number;
  readonly processes: number;
  readonly threads: number;
}

/** Only while nothing is under way. Memory is the median of five readings, each after a garbage collection. */
export async function measure({ stationPid, hostPid, pcscdPid }: { readonly stationPid: number; readonly hostPid: number; readonly pcscdPid: number }): Promise<Measured> {
  const [station, host] = [await held(stationPid), await held(hostPid)];
  const all = processes();
  return { station, host, pcscdHandles: handles(pcscdPid).length, processes: all.length, threads: all.reduce((sum, { threads }) => sum + threads, 0) };
}

async function held(pid: number): Promise<Held> {
  const readings: { rss: number; heldBytes: number }[] = [];
  while (readings.length < READINGS) {
    readings.push(await collected(pid));
    await pause(BETWEEN_READINGS_MS);
  }
  return {
    rss: median(readings.map(({ rss }) => rss)),
    heldBytes: median(readings.map(({ heldBytes }) => heldBytes)),
    handles: handles(pid).length,
    threads: processes().find((each) => each.pid === pid)?.threads ?? 0,
  };
}

async function collected(pid: number): Promise<{ rss: number; heldBytes: number }> {
  const file = memoryFile(pid);
  rmSync(file, { force: true });
  process.kill(pid, 'SIGUSR2');
  for (let waitedMs = 0; !existsSync(file); waitedMs += 10) {
    if (waitedMs > COLLECTED_DEADLINE_MS) throw new Error(`process ${pid} did not say what it holds`);
    await pause(10);
  }
  return JSON.parse(readFileSync(file, 'utf8')) as { rss: number; heldBytes: number };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
