import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { MessageChannel } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { Transport } from '../../app/contract/transport.ts';
import { childProcessTransport } from '../../app/transport/child-process.ts';
import { inMemoryPair } from '../../app/transport/in-memory.ts';
import { messagePortTransport } from '../../app/transport/message-port.ts';
import { webSocketTransport } from '../../app/transport/web-socket.ts';

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

/** Near end, with a far end that echoes and closes on 'close yourself'. */
function echo(far: Transport): void {
  far.onMessage((message) => (message === 'close yourself' ? far.close() : far.send(message)));
}
const wires: Record<string, () => Promise<Transport>> = {
  'in memory': async () => {
    const [near, far] = inMemoryPair();
    echo(far);
    return near;
  },
  'message port': async () => {
    const { port1, port2 } = new MessageChannel();
    cleanUps.push(() => port1.close());
    echo(messagePortTransport(port2));
    return messagePortTransport(port1);
  },
  'web socket': async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    cleanUps.push(() => server.close());
    await once(server, 'listening');
    server.on('connection', (socket) => echo(webSocketTransport(socket)));
    return webSocketTransport(new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`));
  },
  'child process': async () => {
    const child = fork(fileURLToPath(new URL('../support/echo-child.ts', import.meta.url)));
    cleanUps.push(() => child.kill('SIGKILL'));
    return childProcessTransport(child);
  },
};

describe.each(Object.entries(wires))('%s', (_name, open) => {
  it('keeps order', async () => {
    const near = await open();
    for (let n = 0; n < 200; n += 1) near.send({ n });
    const got: unknown[] = [];
    await new Promise<void>((resolve) => near.onMessage((message) => got.push(message) === 200 && resolve()));
    expect(got).toEqual(Array.from({ length: 200 }, (_, n) => ({ n })));
  });

  it('hands over a copy, never the sender’s own object', async () => {
    const near = await open();
    const sent = { slots: [{ slot: 7, words: 'Take 7 ☂' }] };
    near.send(sent);
    sent.slots.length = 0;
    const got = await new Promise((resolve) => near.onMessage(resolve));
    expect(got).toEqual({ slots: [{ slot: 7, words: 'Take 7 ☂' }] });
  });

  it('tells a close that the far end made, once, also to a late listener; later sends are dropped', async () => {
    const near = await open();
    let told = 0;
    const closed = new Promise<void>((resolve) => near.onClose(() => { told += 1; resolve(); }));
    near.send('close yourself');
    await closed;
    near.send({ after: 'the end' });
    await new Promise<void>((resolve) => near.onClose(() => resolve()));
    expect(told).toBe(1);
  });

  it('refuses a second listener instead of splitting the messages between two', async () => {
    const near = await open();
    near.onMessage(() => undefined);
    expect(() => near.onMessage(() => undefined)).toThrow(/already has a listener/);
  });
});

it('a child that is killed is a close with its signal, not a hang', async () => {
  const child: ChildProcess = fork(fileURLToPath(new URL('../support/echo-child.ts', import.meta.url)));
  const near = childProcessTransport(child);
  const cause = new Promise<string>((resolve) => near.onClose(resolve));
  near.send('die');
  expect(await cause).toMatch(/SIGKILL|disconnected/);
});

it('a frame that is not JSON ends the connection instead of the process', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  cleanUps.push(() => server.close());
  await once(server, 'listening');
  const served = new Promise<Transport>((resolve) => server.on('connection', (socket) => resolve(webSocketTransport(socket))));
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await once(client, 'open');
  const closed = (await served);
  const cause = new Promise<string>((resolve) => closed.onClose(resolve));
  client.send('{"half":');
  expect(await cause).toBe('closed 1007');
});
