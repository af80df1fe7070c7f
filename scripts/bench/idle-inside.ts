/** Run by `idle.ts` beside a real pcscd, on a /sys and a udev of its own: prints the idle processor time of a station, its device host and two bare Node processes as its last line. */
import { execFileSync, fork, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { announcedBus } from '../../test/support/usb/announced-bus.ts';
import { childProcessTransport } from '../../app/transport/child-process.ts';

/** Start-up is over by then: code compiled, first bundle taken. */
const SETTLE_MS = 8_000;
const WATCH_MS = 30_000;
const SLOTS = Array.from({ length: 16 }, (_, n) => n + 1);

const portOf = (slot: number): string => `1-1.${slot}`;
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const bus = await announcedBus();
bus.plug('1-1', { hub: true });
for (const slot of SLOTS) bus.plug(portOf(slot), { serial: `IDLE-${slot}` });
await bus.announced();
const data = await mkdtemp(join(tmpdir(), 'bench-idle-'));
const central = fork(here('./central-child.ts'), ['0']);
const server = await new Promise<{ url: string; code: string }>((resolve, reject) => {
  central.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  childProcessTransport(central).onMessage((message) => resolve(z.object({ url: z.string(), code: z.string() }).parse(message)));
});
const config = join(data, 'station.json');
await writeFile(config, JSON.stringify({ readers: 'pcsc', slots: 'usb', shelves: [SLOTS.slice(0, 8), SLOTS.slice(8)], ports: Object.fromEntries(SLOTS.map((slot) => [slot, portOf(slot)])) }));
const station = spawn(process.execPath, [here('../../app/entrypoints/station-node.ts'), '--data', data, '--config', config, '--central', server.url, '--code', server.code], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, LOG_LEVEL: 'error' } });
const bare = [1, 2].map(() => spawn(process.execPath, ['--eval', 'setInterval(() => {}, 1e9)']));
try {
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: station.stdout }).on('line', (line) => line.startsWith('station ') && resolve());
    station.once('exit', (code) => reject(new Error(`the station ended with ${code}`)));
  });
  await pause(SETTLE_MS);
  const watched = { station: [station.pid ?? 0], host: await childrenOf(station.pid ?? 0), bare: bare.map(({ pid }) => pid ?? 0) };
  if (watched.host.length !== 1) throw new Error(`the station has ${watched.host.length} children instead of its device host`);
  const before = await Promise.all(Object.values(watched).map(ticksOf));
  await pause(WATCH_MS);
  const after = await Promise.all(Object.values(watched).map(ticksOf));
  const tick = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  const percents = Object.keys(watched).map((name, index) => [name, (((after[index] ?? 0) - (before[index] ?? 0)) / tick / (WATCH_MS / 1_000)) * 100]);
  process.stdout.write(`${JSON.stringify(Object.fromEntries(percents))}\n`);
} finally {
  for (const each of bare) each.kill();
  if (station.exitCode === null) {
    const stopped = new Promise((resolve) => station.once('exit', resolve));
    station.kill('SIGTERM');
    await stopped;
  }
  const ended = new Promise((resolve) => central.once('exit', resolve));
  central.send('stop');
  await ended;
  await bus.end();
  await rm(data, { recursive: true });
}
process.exit(0);

async function childrenOf(parent: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const parents = await Promise.all(pids.map(async (pid) => Number((await fieldsOf(pid))[1])));
  return pids.filter((_, index) => parents[index] === parent);
}

/** User and system time of all threads, in clock ticks (proc_pid_stat(5), fields 14 and 15). */
async function ticksOf(pids: readonly number[]): Promise<number> {
  const fields = await Promise.all(pids.map(fieldsOf));
  return fields.reduce((sum, each) => sum + Number(each[11]) + Number(each[12]), 0);
}

/** From the third field on: what stands before may hold spaces. Empty for one that has ended. */
async function fieldsOf(pid: number): Promise<string[]> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}
