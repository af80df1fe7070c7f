import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { createNetwork, delayLine, type Network } from '../../app/simulator/network.ts';

let network: Network | undefined;
let far: Server | undefined;
const near: Socket[] = [];
afterEach(async () => {
  for (const socket of near.splice(0)) socket.destroy();
  await network?.close();
  await new Promise((resolve) => (far ? far.close(resolve) : resolve(undefined)));
});

async function line(delayMs = 0): Promise<{ port: number }> {
  far = createServer((socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  far.listen(0, '127.0.0.1');
  await once(far, 'listening');
  network = await createNetwork({ port: 0, delayMs, target: { host: '127.0.0.1', port: (far.address() as AddressInfo).port } });
  return { port: network.port };
}

async function dial(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  near.push(socket);
  await once(socket, 'connect');
  return socket;
}

const failure = (socket: Socket): Promise<string> => new Promise((resolve) => socket.once('error', (error: Error & { code?: string }) => resolve(error.code ?? error.message)));

async function echo(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  let got = '';
  while (got.length < text.length) got += String((await once(socket, 'data'))[0]);
  return got;
}

describe('the network between station and server', () => {
  it('carries bytes in order, with and without delay', async () => {
    const { port } = await line();
    const socket = await dial(port);
    const long = 'abcdefghij'.repeat(50_000);
    expect(await echo(socket, long)).toBe(long);
    network?.set({ up: true, delayMs: 5 });
    expect(await echo(socket, 'slower')).toBe('slower');
  });

  it('a line that gets faster does not let the later overtake the earlier', async () => {
    let delayMs = 20;
    const later = delayLine(() => delayMs);
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      later(() => order.push('first'));
      delayMs = 0;
      later(() => order.push('second'));
      later(resolve);
    });
    expect(order).toEqual(['first', 'second']);
  });

  it('cut: an open connection breaks, a new one too, and the port stays for when it is back', async () => {
    const { port } = await line();
    const socket = await dial(port);
    await echo(socket, 'hello');
    const broken = failure(socket);
    network?.set({ up: false });
    expect(await broken).toBe('ECONNRESET');
    const refused = connect(port, '127.0.0.1');
    near.push(refused);
    expect(await failure(refused)).toBe('ECONNRESET');
    network?.set({ up: true });
    expect(await echo(await dial(port), 'again')).toBe('again');
  });

  it('nobody at the far end: the near end hears it at once', async () => {
    network = await createNetwork({ port: 0, target: { host: '127.0.0.1', port: 9 } });
    const socket = connect(network.port, '127.0.0.1');
    near.push(socket);
    expect(await failure(socket)).toBe('ECONNRESET');
  });
});
