import { expect, test } from 'vitest';
import { beginShell, startedShell } from '../support/preload-host/started-shell.ts';

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a second start on the same machine quits and opens nothing; the first comes to the front', async () => {
  const second = beginShell({ otherInstanceRuns: true });
  await settled();
  expect([second.seen.quits, second.windows.length, second.processes.length]).toEqual([1, 0, 0]);
  expect(second.events()).toEqual(['already-running']);

  const first = await startedShell();
  first.app.emit('second-instance');
  expect(first.window.focused).toBe(1);
});

test.each(['remote-debugging-port', 'inspect', 'no-sandbox', 'disable-web-security'])('an installed shell started with --%s says why it ends', async (name) => {
  const shell = beginShell({ switches: [name] });
  await settled();
  expect([shell.seen.exits, shell.windows.length]).toEqual([[64], 0]);
  expect(shell.lines).toMatchObject([{ event: 'switch-refused', facts: { refused: [name] } }]);
});

test('the development build may be debugged', async () => {
  const { window } = await startedShell({ packaged: false, switches: ['remote-debugging-port'] });
  expect(window.options.kiosk).toBe(true);
});

test('a station that crashes in a row is restarted after longer and longer waits, and quickly again once it ran a minute', async () => {
  const { processes, clock, lines } = await startedShell();
  const stations = () => processes.filter((child) => child.program.endsWith('station-node.mjs'));
  const waits = () => lines.filter(({ event }) => event === 'process-crashed').map(({ facts }) => (facts as { restartInMs: number }).restartInMs);
  for (let crash = 1; crash <= 10; crash += 1) {
    const station = stations().at(-1);
    station?.spawned(100 + crash);
    station?.ended(134);
    expect(stations()).toHaveLength(crash);
    clock.advance((waits().at(-1) ?? 0) - 1);
    expect(stations()).toHaveLength(crash);
    clock.advance(1);
    expect(stations()).toHaveLength(crash + 1);
  }
  expect(waits()).toEqual([250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  stations().at(-1)?.spawned(200);
  clock.advance(60_000);
  stations().at(-1)?.ended(1);
  expect(waits().at(-1)).toBe(250);
});

test('an exit of its own accord is told apart from a crash, and followed by a start too', async () => {
  const { processes, clock, events } = await startedShell();
  processes[0]?.spawned(100);
  processes[0]?.ended(0);
  expect(events()).toContain('process-exited');
  expect(events()).not.toContain('process-crashed');
  clock.advance(250);
  expect(processes.filter((child) => child.program.endsWith('station-node.mjs'))).toHaveLength(2);
});

const wish = { deviceHost: 'start', env: { DOCKWARD_HOST_CONFIG: '{"readers":"pcsc"}' } };

test('the station asks for a device host: it runs as the station said, and each has its end of one way', async () => {
  const { processes } = await startedShell();
  const [station] = processes;
  station?.spawned(100);
  expect(processes).toHaveLength(1);
  station?.emit('message', wish);
  const host = processes[1];
  expect([host?.program.endsWith('device-host-node.mjs'), host?.env.DOCKWARD_HOST_CONFIG]).toEqual([true, '{"readers":"pcsc"}']);
  host?.spawned(101);
  expect(station?.received).toMatchObject([{ message: { port: 'device-host' }, ports: [{ channel: 1 }] }]);
  expect(host?.received).toMatchObject([{ message: { port: 'station' }, ports: [{ channel: 1 }] }]);
});

test('the device host hangs and the station asks again: the old one is ended first', async () => {
  const { processes, events } = await startedShell();
  const [station] = processes;
  station?.spawned(100);
  station?.emit('message', wish);
  processes[1]?.spawned(101);
  station?.emit('message', wish);
  expect(processes[1]?.killed).toBe(true);
  processes[1]?.ended(143);
  expect(events()).not.toContain('process-crashed');
  processes[2]?.spawned(102);
  expect(processes[2]?.received).toMatchObject([{ message: { port: 'station' }, ports: [{ channel: 2 }] }]);
  processes[2]?.ended(139);
  expect(events()).toContain('process-crashed');
});

test('a device host that never comes up is not waited for: its end of the way closes', async () => {
  const { processes, channelEnds } = await startedShell();
  processes[0]?.spawned(100);
  processes[0]?.emit('message', wish);
  processes[1]?.ended(1);
  expect(channelEnds.map(({ closed }) => closed)).toEqual([true]);
});

test('a station that dies takes its device host with it', async () => {
  const { processes } = await startedShell();
  processes[0]?.spawned(100);
  processes[0]?.emit('message', wish);
  processes[1]?.spawned(101);
  processes[0]?.ended(139);
  expect(processes[1]?.killed).toBe(true);
});

test.each([{ PATH: '/tmp' }, { NODE_OPTIONS: '--inspect' }, { dockward_x: '1' }])('a wish for a device host with %j in its environment is not granted', async (env) => {
  const { processes, events } = await startedShell();
  processes[0]?.spawned(100);
  processes[0]?.emit('message', { deviceHost: 'start', env });
  expect(processes).toHaveLength(1);
  expect(events()).toContain('station-malformed');
});

test('the page crashes: it is loaded again, later each time in a row', async () => {
  const { page, clock } = await startedShell();
  page.emit('render-process-gone', {}, { reason: 'crashed', exitCode: 139 });
  expect(page.loaded).toHaveLength(1);
  clock.advance(250);
  expect(page.loaded).toHaveLength(2);
  page.emit('did-fail-load', {}, -2, 'FAILED', 'app://kiosk/index.html', true);
  clock.advance(499);
  expect(page.loaded).toHaveLength(2);
  clock.advance(1);
  expect(page.loaded).toEqual(Array(3).fill('app://kiosk/index.html'));
});

test('the page hangs and nobody touches it: asked and not answering, it is ended and loaded again', async () => {
  const { page, clock, events } = await startedShell();
  page.emit('did-finish-load');
  for (let round = 0; round < 5; round += 1) {
    clock.advance(5_000);
    await settled();
    clock.advance(10_000);
  }
  expect(page.crashes).toBe(0);
  page.hangs = true;
  clock.advance(5_000);
  await settled();
  clock.advance(10_000);
  expect([page.crashes, events().at(-1)]).toEqual([1, 'page-hangs']);
  clock.advance(250);
  expect(page.loaded).toHaveLength(2);
});

test('Chromium finds the page unresponsive: one end, one load', async () => {
  const { page, clock } = await startedShell();
  page.emit('unresponsive');
  page.emit('unresponsive');
  clock.advance(60_000);
  expect([page.crashes, page.loaded.length]).toEqual([1, 2]);
});

test('quitting waits until the station has ended, and starts it no more', async () => {
  const { app, processes, seen, clock } = await startedShell();
  processes[0]?.spawned(100);
  app.quit();
  await settled();
  expect([processes[0]?.killed, seen.exits]).toEqual([true, []]);
  processes[0]?.ended(0);
  await settled();
  expect(seen.exits).toEqual([0]);
  clock.advance(60_000);
  expect(processes).toHaveLength(1);
});

test('quitting waits five seconds for a station that will not end, and says so', async () => {
  const { app, processes, seen, clock, events } = await startedShell();
  processes[0]?.spawned(100);
  app.quit();
  clock.advance(4_999);
  await settled();
  expect(seen.exits).toEqual([]);
  clock.advance(1);
  await settled();
  expect([seen.exits, events().at(-1)]).toEqual([[0], 'process-would-not-stop']);
});
