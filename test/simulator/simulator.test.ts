import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import ward from '../../resources/demo/ward.json' with { type: 'json' };
import type { ReaderEvent, SlotEvent } from '../../native/adapters.ts';
import { createAmapi } from '../../app/central/mdm/amapi/amapi.ts';
import { serviceAccountKey } from '../../app/central/mdm/amapi/shapes.ts';
import { directory } from '../../app/simulator/directory.ts';
import { simulatedHardware } from '../../app/simulator/hardware/hardware.ts';
import { createSimulator, type Simulator } from '../../app/simulator/simulator.ts';
import { worldClock } from '../../app/simulator/world-clock.ts';
import { worldView, type WorldView } from '../../app/simulator/world-view.ts';
import { seededRandom } from '../../app/simulator/world/random.ts';

/** Waits for a fact, however slow the machine. */
const eventually = <T>(check: () => T | Promise<T>): Promise<T> => vi.waitFor(check, { timeout: 20_000, interval: 30 });
const demo = directory.parse(ward);
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function start(dataDir?: string, options: { at?: string } = {}): Promise<{ simulator: Simulator; url: string; dataDir: string; killed: number[]; stop: () => Promise<void> }> {
  const folder = dataDir ?? (await mkdtemp(join(tmpdir(), 'dockward-sim-')));
  if (dataDir === undefined) ends.push(() => rm(folder, { recursive: true, force: true }));
  const killed: number[] = [];
  const simulator = await createSimulator({
    directory: demo,
    dataDir: folder,
    port: 0,
    panelDir: join(folder, 'no-panel'),
    random: seededRandom(9),
    log: () => {},
    kill: (pid) => killed.push(pid) > 0,
    ...options,
  });
  let stopped = false;
  const stop = async (): Promise<void> => {
    if (!stopped) await simulator.stop();
    stopped = true;
  };
  ends.push(stop);
  return { simulator, url: simulator.info.url, dataDir: folder, killed, stop };
}

const post = async (url: string, path: string, body: unknown): Promise<{ status: number; body: unknown }> => {
  const answer = await fetch(url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  return { status: answer.status, body: await answer.json() };
};
const world = async (url: string): Promise<WorldView> => worldView.parse(await (await fetch(`${url}/api/world`)).json());

function plugIn(url: string): { reader: ReaderEvent[]; slots: SlotEvent[]; running: ReturnType<ReturnType<typeof simulatedHardware>['slots']['start']> } {
  const hardware = simulatedHardware({ url, log: () => {} });
  const reader: ReaderEvent[] = [];
  const slots: SlotEvent[] = [];
  const runningReader = hardware.readers.start((event) => reader.push(event));
  const running = hardware.slots.start((event) => slots.push(event));
  ends.push(async () => {
    await runningReader.stop();
    await running.stop();
  });
  return { reader, slots, running };
}

describe('a device host at the virtual cart', () => {
  it('sees the whole cart first, then a pull, a return, a tap and a random card', async () => {
    const { url } = await start();
    const host = plugIn(url);
    await eventually(() => expect(host.running.snapshot()).toHaveLength(16));
    expect(host.slots.find((event) => event.event === 'slots')).toBeDefined();
    expect(host.running.snapshot()?.[5]).toEqual({ slot: 6, present: true, attachment: '0' });
    const pulled = await post(url, '/api/undock', { slot: 7 });
    expect(pulled).toEqual({ status: 200, body: { serial: 'R52TECZN11H' } });
    await eventually(() => expect(host.running.snapshot()?.[6]).toEqual({ slot: 7, present: false }));
    await post(url, '/api/dock', { serial: 'R52TECZN11H', slot: 8 });
    await eventually(() => expect(host.running.snapshot()?.[7]).toMatchObject({ slot: 8, serial: 'R52TECZN11H', battery: { percent: 94 } }));
    expect((await post(url, '/api/tap', { staff: 's1001' })).body).toEqual({ heard: true });
    await eventually(() => expect(host.reader).toContainEqual({ event: 'tap', reader: 'Simulated badge reader', assurance: 'uid', uid: '04A4C123B1612D' }));
    await eventually(() => expect(host.reader).toContainEqual({ event: 'card-removed', reader: 'Simulated badge reader' }));
    await post(url, '/api/tap', { uid: '08AABBCC' });
    await eventually(() => expect(host.reader).toContainEqual({ event: 'tap-unreadable', reader: 'Simulated badge reader', cause: 'random-uid' }));
  });

  it('lights and port power reach the world; a slot that is not there is refused', async () => {
    const { url } = await start();
    const host = plugIn(url);
    await eventually(() => expect(host.running.snapshot()).toBeDefined());
    expect(await host.running.command({ command: 'light', slot: 7, light: 'take' })).toEqual({ ok: true });
    expect(await host.running.command({ command: 'port-power', slot: 1, on: false })).toEqual({ ok: true });
    await eventually(() => expect(host.running.snapshot()?.[0]?.present).toBe(false));
    expect((await world(url)).slots[6]?.light).toBe('take');
    expect(await host.running.command({ command: 'light', slot: 77, light: 'take' })).toEqual({ ok: false, reason: 'no-slot' });
  });

  it('a simulator that goes away leaves the slots unknown, not empty, and is found again', async () => {
    const first = await start();
    const port = Number(new URL(first.url).port);
    const host = plugIn(first.url);
    await eventually(() => expect(host.running.snapshot()).toBeDefined());
    await first.stop();
    await eventually(() => expect(host.running.snapshot()).toBeUndefined());
    expect(await host.running.command({ command: 'light', slot: 7, light: 'take' })).toEqual({ ok: false, reason: 'adapter-failing' });
    expect(host.reader).toContainEqual({ event: 'reader', reader: 'Simulated badge reader', state: 'gone' });
    const again = await createSimulator({ directory: demo, dataDir: first.dataDir, port, panelDir: '/nowhere', random: seededRandom(9), log: () => {}, kill: () => true });
    ends.push(() => again.stop());
    await eventually(() => expect(host.running.snapshot()).toHaveLength(16));
  });

  it('the button kills the process that said hello, and says so when there is none', async () => {
    const { url, killed } = await start();
    expect(await post(url, '/api/device-host/kill', {})).toMatchObject({ status: 409, body: { reason: 'no-process' } });
    plugIn(url);
    await eventually(async () => expect((await world(url)).deviceHost.pid).toBe(process.pid));
    expect((await post(url, '/api/device-host/kill', {})).status).toBe(200);
    expect(killed).toEqual([process.pid]);
  });

  it('an unplugged reader hears nothing', async () => {
    const { url } = await start();
    const host = plugIn(url);
    await eventually(() => expect(host.reader).toContainEqual({ event: 'reader', reader: 'Simulated badge reader', state: 'present' }));
    await post(url, '/api/readers', { present: false });
    await eventually(() => expect(host.reader).toContainEqual({ event: 'reader', reader: 'Simulated badge reader', state: 'gone' }));
    expect(await post(url, '/api/tap', { staff: 's1001' })).toMatchObject({ status: 409, body: { reason: 'no-reader' } });
  });
});

describe('the simulator is killed and started again', () => {
  it('every tablet is found where it was, and the key file is the owner’s alone', async () => {
    const first = await start();
    await post(first.url, '/api/undock', { slot: 4, staff: 's1003' });
    await post(first.url, '/api/network', { up: false });
    await post(first.url, '/api/clock/advance', { ms: 3_600_000 });
    const file = join(first.dataDir, 'world.json');
    // What a SIGKILL now would leave: the file as it lies on the disk.
    await eventually(async () => expect(await readFile(file, 'utf8')).toContain('"advancedMs":3600000'));
    const onDisk = await readFile(file, 'utf8');
    const before = await world(first.url);
    await first.stop();
    expect(JSON.parse(onDisk)).toMatchObject({ cart: { hands: { R52TMGYA1DP: 's1003' } } });
    expect((await stat(first.simulator.info.mdm.serviceAccountFile)).mode & 0o777).toBe(0o600);
    const again = await start(first.dataDir);
    const after = await world(again.url);
    expect(after.slots.map((slot) => slot.serial)).toEqual(before.slots.map((slot) => slot.serial));
    expect(after.network.up).toBe(false);
    expect(again.simulator.info.mdm.baseUrl).toBe(first.simulator.info.mdm.baseUrl);
    expect(again.simulator.info.network.port).toBe(first.simulator.info.network.port);
    expect(Date.parse(after.at)).toBeGreaterThanOrEqual(Date.parse(before.at));
  });

  it('a state file that cannot be read is named, not overwritten', async () => {
    const first = await start();
    await first.stop();
    const file = join(first.dataDir, 'world.json');
    await (await import('node:fs/promises')).writeFile(file, '{"version":1,');
    await expect(start(first.dataDir)).rejects.toThrow(file);
    expect(await readFile(file, 'utf8')).toBe('{"version":1,');
  });
});

describe('the world’s clock', () => {
  it('shows the wanted time of day at first, jumps when told, and never goes back', async () => {
    const { url } = await start(undefined, { at: '06:50' });
    const clock = await worldClock(url);
    ends.push(async () => clock.close());
    const shown = new Date(clock.wallMs());
    expect([shown.getHours(), shown.getMinutes()]).toEqual([6, 50]);
    expect(clock.wallMs()).toBeLessThanOrEqual(Date.now());
    const mono = clock.monoMs();
    const wall = clock.wallMs();
    await post(url, '/api/clock/advance', { ms: 86_400_000 });
    await eventually(() => expect(clock.wallMs() - wall).toBeGreaterThanOrEqual(86_400_000));
    expect(clock.monoMs() - mono).toBeGreaterThanOrEqual(86_400_000);
    expect(clock.bootId).not.toBe('');
  });

  it('nobody there: says so instead of inventing a time', async () => {
    await expect(worldClock('http://127.0.0.1:9')).rejects.toThrow();
  });
});

describe('the HTTP API', () => {
  it.each([
    ['/api/tap', {}, 400, 'malformed'],
    ['/api/tap', { staff: 's1001', uid: '04AABBCC' }, 400, 'malformed'],
    ['/api/tap', { staff: 'nobody' }, 404, 'unknown-staff'],
    ['/api/tap', { uid: 'xyz' }, 400, 'malformed'],
    ['/api/undock', { slot: 0 }, 400, 'malformed'],
    ['/api/undock', { slot: 3 }, 409, 'slot-empty'],
    ['/api/undock', { slot: 50 }, 404, 'unknown-slot'],
    ['/api/dock', { serial: 'R52TGNPY77Z', slot: 3 }, 409, 'tablet-docked'],
    ['/api/dock', { serial: 'R52TGNPY77Z', slot: 3, extra: 1 }, 400, 'malformed'],
    ['/api/break', { slot: 3, fault: 'rooted' }, 400, 'malformed'],
    ['/api/network', { up: 'yes' }, 400, 'malformed'],
    ['/api/clock/advance', { ms: -5 }, 400, 'malformed'],
    ['/api/mdm/misbehave', { fault: 'nothing-known' }, 400, 'malformed'],
    ['/api/mdm/misbehave', { fault: 'throttled', serial: 'NOBODY' }, 404, 'unknown-tablet'],
    ['/api/station/kill', {}, 409, 'no-process'],
    ['/api/nothing', {}, 404, 'not-found'],
    ['/api/tap', [], 400, 'malformed'],
    ['/api/tap', null, 400, 'malformed'],
  ])('%s %j → %i %s', async (path, body, status, reason) => {
    const { url } = await start();
    const answer = await post(url, path, body);
    expect(answer).toEqual({ status, body: { reason, message: expect.stringMatching(/.{20}/) } });
    expect(JSON.stringify(answer.body)).not.toMatch(/\.ts:|node_modules/);
  });

  it('broken JSON, too much of it, another type: refused in the same words', async () => {
    const { url } = await start();
    const raw = async (body: string, type: string): Promise<unknown> => (await fetch(`${url}/api/tap`, { method: 'POST', headers: { 'content-type': type }, body })).json();
    expect(await raw('{', 'application/json')).toMatchObject({ reason: 'malformed' });
    expect(await raw(JSON.stringify({ staff: 'x'.repeat(20_000) }), 'application/json')).toMatchObject({ reason: 'malformed' });
    expect(await raw('{"staff":"s1001"}', 'text/plain')).toMatchObject({ reason: 'malformed' });
  });

  it('a page of another site cannot tap badges', async () => {
    const { url } = await start();
    const answer = await fetch(`${url}/api/tap`, { method: 'POST', headers: { 'content-type': 'application/json', origin: 'http://evil.example' }, body: '{"staff":"s1001"}' });
    expect(answer.status).toBe(403);
  });

  it('describes itself, and every path it describes answers', async () => {
    const { url } = await start();
    const document = (await (await fetch(`${url}/openapi.json`)).json()) as { paths: Record<string, unknown> };
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining(['/api/world', '/api/tap', '/api/undock', '/api/dock', '/api/break', '/api/network', '/api/clock/advance', '/api/mdm/misbehave', '/api/readers', '/api/device-host/kill', '/api/station/kill']),
    );
  });
});

it('the whole loop: pulled, used, returned, wiped through the MDM’s HTTP, clean', async () => {
  const { url, simulator } = await start();
  const { mdm } = simulator.info;
  const serial = 'R52TGNPY77Z';
  await post(url, '/api/undock', { slot: 1, staff: 's1001' });
  await post(url, '/api/dock', { serial, slot: 3 });
  const tablet = async () => (await world(url)).tablets.find((one) => one.serial === serial);
  expect(await tablet()).toMatchObject({ residueOf: 's1001', clean: false, slot: 3 });
  const adapter = createAmapi({ enterprise: mdm.enterprise, baseUrl: mdm.baseUrl, serviceAccount: serviceAccountKey.parse(JSON.parse(await readFile(mdm.serviceAccountFile, 'utf8'))), now: Date.now });
  const enrolment = await adapter.findEnrolment(serial);
  if (!enrolment.ok) throw new Error(enrolment.reason.detail);
  expect((await adapter.wipe({ request: 'r1', serial, enrolment: enrolment.value.enrolment, expiresInMs: 600_000 })).ok).toBe(true);
  await eventually(async () => expect(await tablet()).toMatchObject({ clean: true, residueOf: null }));
  const texts = (await world(url)).log.map((line) => line.text);
  expect(texts).toContain('T-101 is erasing itself');
  expect(texts).toContain('T-101 has enrolled again');
});
