import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { chooseArrangement } from '../../app/shell/arrangement.ts';
import { builtPage, smallSnapshot, startedShell } from '../support/preload-host/started-shell.ts';

/** A station's kiosk end on a real socket: keeps what it hears, and lets only the right token in. */
async function stationOnSocket(token: string, port = 0) {
  const heard: unknown[] = [];
  const joined: WebSocket[] = [];
  const server = new WebSocketServer({ host: '127.0.0.1', port, path: '/kiosk', verifyClient: ({ req }: { req: IncomingMessage }) => req.url === `/kiosk?token=${token}` });
  server.on('connection', (socket) => {
    joined.push(socket);
    socket.on('message', (text) => heard.push(JSON.parse(String(text))));
  });
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    for (const socket of server.clients) socket.terminate();
    await new Promise((resolve) => server.close(resolve));
  };
  onTestFinished(close);
  const address = server.address() as AddressInfo;
  return { heard, joined, close, port: address.port, url: `ws://127.0.0.1:${address.port}/kiosk?token=${token}`, push: (message: unknown) => joined.at(-1)?.send(JSON.stringify(message)) };
}

async function applianceShell(env: Record<string, string>, root = builtPage()) {
  const shell = await startedShell({ env, root });
  onTestFinished(() => {
    shell.app.quit();
  });
  const say = (message: unknown) => shell.surface.ipcMain.emit('dockward', { sender: shell.page, senderFrame: { parent: null, url: 'app://kiosk/index.html' } }, message);
  return { ...shell, say, told: () => shell.page.sent.map(({ message }) => message) };
}

test('a station that already runs is joined, not started a second time; requests and answers pass', async () => {
  const station = await stationOnSocket('t1');
  const shell = await applianceShell({ DOCKWARD_KIOSK_URL: station.url });
  await vi.waitFor(() => expect(shell.events()).toContain('station-joined'));
  expect(shell.processes).toEqual([]);
  station.push({ snapshot: smallSnapshot(5) });
  await vi.waitFor(() => expect(shell.told()).toEqual([{ snapshot: smallSnapshot(5) }]));
  shell.say({ id: 9, request: { command: 'dismiss' } });
  await vi.waitFor(() => expect(station.heard).toEqual([{ id: 1, request: { command: 'dismiss' } }]));
  station.push({ id: 1, ok: true });
  await vi.waitFor(() => expect(shell.told().at(-1)).toEqual({ id: 9, ok: true }));
});

test('the station restarts with another token: the page is loaded anew and joined to it', async () => {
  const root = builtPage();
  const file = join(root, 'kiosk-url');
  const before = await stationOnSocket('t1');
  writeFileSync(file, `${before.url}\n`);
  const shell = await applianceShell({ DOCKWARD_KIOSK_URL_FILE: file }, root);
  await vi.waitFor(() => expect(shell.events()).toContain('station-joined'));
  before.push({ snapshot: smallSnapshot(5) });
  await vi.waitFor(() => expect(shell.told()).toHaveLength(1));
  await before.close();
  await vi.waitFor(() => expect(shell.events()).toContain('station-gone'));
  expect(shell.page.reloads).toBe(1);

  const after = await stationOnSocket('t2');
  writeFileSync(file, after.url);
  await vi.waitFor(() => {
    shell.clock.advance(5_000);
    expect(after.joined).toHaveLength(1);
  });
  after.push({ snapshot: smallSnapshot(1) });
  await vi.waitFor(() => expect(shell.told().at(-1)).toEqual({ snapshot: smallSnapshot(1) }));
});

test('a wrong token is refused by the station, tried again with patience, and costs the page nothing', async () => {
  const station = await stationOnSocket('right');
  const shell = await applianceShell({ DOCKWARD_KIOSK_URL: station.url.replace('right', 'wrong') });
  await vi.waitFor(() => expect(shell.events()).toContain('station-not-reached'));
  expect(shell.clock.pending()).toEqual([200]);
  expect(shell.page.reloads).toBe(0);
});

test('a station that accepts and then says nothing is given up after five seconds', async () => {
  const { createServer } = await import('node:net');
  const silent = createServer((socket) => onTestFinished(() => void socket.destroy()));
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  onTestFinished(() => void silent.close());
  const accepted = once(silent, 'connection');
  const shell = await applianceShell({ DOCKWARD_KIOSK_URL: `ws://127.0.0.1:${(silent.address() as AddressInfo).port}/kiosk?token=t` });
  await accepted;
  expect(shell.events()).not.toContain('station-not-reached');
  shell.clock.advance(5_000);
  await vi.waitFor(() => expect(shell.events()).toContain('station-not-reached'));
});

test('no address yet: said in the log with what is expected, and looked for again', async () => {
  const root = builtPage();
  const shell = await applianceShell({ DOCKWARD_KIOSK_URL_FILE: join(root, 'not-written-yet') }, root);
  expect(shell.lines.find(({ event }) => event === 'station-address')).toMatchObject({ facts: { reason: 'unreadable' } });
  const station = await stationOnSocket('t1');
  writeFileSync(join(root, 'not-written-yet'), station.url);
  shell.clock.advance(200);
  await vi.waitFor(() => expect(station.joined).toHaveLength(1));
});

test.each([
  'ws://192.0.2.7:8080/kiosk?token=t',
  'wss://127.0.0.1/kiosk?token=t',
  'http://127.0.0.1:8080/kiosk?token=t',
  'ws://127.0.0.1:8080/?token=t',
  'ws://127.0.0.1:8080/kiosk',
  'ws://127.0.0.1.example/kiosk?token=t',
  'garbage',
])('%s is no station of this machine: not joined', (url) => {
  const arrangement = chooseArrangement({ DOCKWARD_KIOSK_URL: url });
  if (arrangement.kind !== 'appliance') throw new Error('expected the appliance arrangement');
  expect(arrangement.address()).toEqual({ ok: false, reason: 'not-a-station-address' });
});
