import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { worldView } from '../../app/simulator/world-view.ts';

const PROGRAM = fileURLToPath(new URL('../../app/entrypoints/simulator-node.ts', import.meta.url));
let folder = '';
const children: ChildProcess[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dockward-sim-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await rm(folder, { recursive: true, force: true });
});

function run(...flags: string[]): { child: ChildProcess; errors: () => string; exit: Promise<number | null> } {
  const child = fork(PROGRAM, flags, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  children.push(child);
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => (errors += String(chunk)));
  return { child, errors: () => errors, exit: once(child, 'exit').then(([code]) => code as number | null) };
}

async function ready(child: ChildProcess): Promise<{ url: string; network: { port: number } }> {
  if (!child.stdout) throw new Error('no stdout');
  for await (const line of createInterface(child.stdout)) {
    if (line.startsWith('simulator ')) return JSON.parse(line.slice('simulator '.length)) as { url: string; network: { port: number } };
  }
  throw new Error('the simulator ended without being ready');
}

const undock = async (url: string, slot: number): Promise<unknown> => (await fetch(`${url}/api/undock`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ slot }) })).json();

/** Waits for a fact, however slow the machine. */
const eventually = <T>(check: () => T | Promise<T>): Promise<T> => vi.waitFor(check, { timeout: 20_000, interval: 30 });

it('SIGKILL: what was saved is found again where it was', async () => {
  const first = run('--data', folder, '--parent-ipc');
  const { url } = await ready(first.child);
  await undock(url, 4);
  await eventually(async () => expect(await readFile(join(folder, 'world.json'), 'utf8')).toContain('"hands":{"R52TMGYA1DP"'));
  first.child.kill('SIGKILL');
  await first.exit;
  const second = run('--data', folder, '--parent-ipc');
  const again = await ready(second.child);
  const world = worldView.parse(await (await fetch(`${again.url}/api/world`)).json());
  expect(world.slots.find((slot) => slot.slot === 4)?.serial).toBeNull();
  expect(world.tablets.find((tablet) => tablet.serial === 'R52TMGYA1DP')?.inHandOf).toBe('');
});

it('ends when its parent goes, and hears from it where the network leads and who the station is', async () => {
  const { child, exit } = run('--data', folder, '--parent-ipc');
  const { url, network } = await ready(child);
  child.send({ stationPid: 4_194_000 });
  await eventually(async () => expect(worldView.parse(await (await fetch(`${url}/api/world`)).json()).station.pid).toBe(4_194_000));
  child.send({ network: { host: '127.0.0.1', port: Number(new URL(url).port) } });
  await eventually(async () => expect((await fetch(`http://127.0.0.1:${network.port}/clock`)).status).toBe(200));
  const refusal = (await (await fetch(`${url}/api/station/kill`, { method: 'POST' })).json()) as { reason: string };
  expect(refusal.reason).toBe('no-process');
  child.disconnect();
  expect(await exit).toBe(0);
});

it('a port in use, a wrong time, no folder: one clear line and exit 1', async () => {
  const taken = createServer();
  taken.listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const inUse = run('--data', folder, '--port', String(port));
  expect(await inUse.exit).toBe(1);
  expect(inUse.errors()).toMatch(new RegExp(`^simulator: port ${port} is in use .*--port`));
  await new Promise((resolve) => taken.close(resolve));
  const wrongTime = run('--data', folder, '--at', '25:00');
  expect(await wrongTime.exit).toBe(1);
  expect(wrongTime.errors()).toContain('--at HH:MM');
  const noFolder = run();
  expect(await noFolder.exit).toBe(1);
  expect(noFolder.errors()).toContain('--data');
});
