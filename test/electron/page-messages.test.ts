import { expect, test } from 'vitest';
import { smallSnapshot, startedShell } from '../support/preload-host/started-shell.ts';

const cancel = { command: 'cancel', session: 's1' };

/** A desktop shell whose station runs, and a page that speaks through the true IPC. */
async function withStation() {
  const shell = await startedShell();
  const station = shell.processes[0];
  if (station === undefined) throw new Error('no station was started');
  station.spawned(100);
  const say = (message: unknown, from: object = {}) =>
    shell.surface.ipcMain.emit('dockward', { sender: shell.page, senderFrame: { parent: null, url: 'app://kiosk/index.html' }, ...from }, message);
  return { ...shell, station, say, asked: () => station.received.filter(({ ports }) => ports.length === 0).map(({ message }) => message), told: () => shell.page.sent.map(({ message }) => message) };
}

test('a request reaches the station and its answer the page, under the page\'s own number', async () => {
  const { station, say, asked, told } = await withStation();
  say({ id: 41, request: cancel });
  expect(asked()).toEqual([{ id: 1, request: cancel }]);
  station.emit('message', { id: 1, ok: false, reason: 'no-session' });
  expect(told()).toEqual([{ id: 41, ok: false, reason: 'no-session' }]);
});

test.each([
  ['another window', { sender: {} }],
  ['a frame inside the page', { senderFrame: { parent: {}, url: 'app://kiosk/index.html' } }],
  ['a frame that is gone', { senderFrame: null }],
  ['another site', { senderFrame: { parent: null, url: 'https://kiosk/index.html' } }],
  ['a look-alike host', { senderFrame: { parent: null, url: 'app://kiosk.example/index.html' } }],
  ['an empty page', { senderFrame: { parent: null, url: 'about:blank' } }],
])('a message from %s is dropped without an answer', async (_who, from) => {
  const { say, asked, told, events } = await withStation();
  say({ id: 1, request: cancel }, from);
  expect([asked(), told()]).toEqual([[], []]);
  expect(events()).toContain('ipc-stranger');
});

test.each([
  ['text', 'open the cart', 0],
  ['nothing', undefined, 0],
  ['an unknown command', { id: 3, request: { command: 'tap', badge: '04A1' } }, 3],
  ['a field too many', { id: 3, request: { ...cancel, admin: true } }, 3],
  ['a number that is none', { id: -1, request: cancel }, 0],
  ['a PIN with letters', { id: 4, request: { command: 'enter-pin', session: 's1', pin: '12a456' } }, 4],
])('a malformed message (%s) is dropped, answered and logged without its content', async (_what, message, id) => {
  const { say, asked, told, lines } = await withStation();
  say(message);
  expect(asked()).toEqual([]);
  expect(told()).toEqual([{ id, ok: false, reason: 'malformed' }]);
  const line = lines.find(({ event }) => event === 'ipc-malformed');
  expect(line).toBeDefined();
  expect(JSON.stringify(line)).not.toMatch(/12a456|04A1|open the cart/);
});

test('the page reloads while an answer is under way: its successor, which counts from 1 again, does not get it', async () => {
  const { station, say, page, told } = await withStation();
  say({ id: 1, request: cancel });
  page.emit('dom-ready');
  say({ id: 1, request: { command: 'dismiss' } });
  station.emit('message', { id: 1, ok: true });
  expect(told()).toEqual([]);
  station.emit('message', { id: 2, ok: false, reason: 'busy' });
  expect(told()).toEqual([{ id: 1, ok: false, reason: 'busy' }]);
});

test('a page that reloads is shown the latest snapshot at once', async () => {
  const { station, page, told } = await withStation();
  station.emit('message', { snapshot: smallSnapshot(1) });
  station.emit('message', { snapshot: smallSnapshot(2) });
  page.emit('dom-ready');
  expect(told()).toEqual([1, 2, 2].map((revision) => ({ snapshot: smallSnapshot(revision) })));
});

test('the station dies: the page is loaded anew and is not shown the dead one\'s snapshot; what it asked is refused', async () => {
  const { station, say, page, told } = await withStation();
  station.emit('message', { snapshot: smallSnapshot(1) });
  say({ id: 7, request: cancel });
  station.ended(139);
  expect(told().at(-1)).toEqual({ id: 7, ok: false, reason: 'ledger-unavailable' });
  expect(page.reloads).toBe(1);
  const before = told().length;
  page.emit('dom-ready');
  expect(told()).toHaveLength(before);
  say({ id: 1, request: cancel });
  expect(told().at(-1)).toEqual({ id: 1, ok: false, reason: 'ledger-unavailable' });
});

test('a station that speaks out of contract is not passed on', async () => {
  const { station, told, events } = await withStation();
  station.emit('message', { snapshot: { revision: 'one' } });
  station.emit('message', { run: 'alert(1)' });
  expect(told()).toEqual([]);
  expect(events().filter((event) => event === 'station-malformed')).toHaveLength(2);
});
