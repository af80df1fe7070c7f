import type { AddressInfo, Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

export interface Network {
  readonly port: number;
  /** Where the cable leads. */
  lead(target: { host: string; port: number }): void;
  /** `up: false` breaks every connection and refuses new ones; `delayMs` is added each way. */
  set(wanted: { up: boolean; delayMs?: number }): void;
  state(): { up: boolean; delayMs: number; connections: number; target?: { host: string; port: number } };
  close(): Promise<void>;
}

/** The network between station and central server: a TCP proxy on loopback that can be cut. */
export async function createNetwork(wanted: { port: number; up?: boolean; delayMs?: number; target?: { host: string; port: number } }): Promise<Network> {
  const sockets = new Set<Socket>();
  let up = wanted.up ?? true;
  let delayMs = wanted.delayMs ?? 0;
  let target = wanted.target;

  const server = createServer({ allowHalfOpen: true }, (near) => {
    if (!up || !target) {
      near.on('error', () => {});
      near.resetAndDestroy();
      return;
    }
    const far = connect({ ...target, allowHalfOpen: true });
    join(near, far);
    join(far, near);
  });

  function join(from: Socket, to: Socket): void {
    sockets.add(from);
    from.setNoDelay(true);
    const later = delayLine(() => delayMs);
    from.on('data', (chunk: Buffer) => later(() => void (to.destroyed || to.write(chunk))));
    from.on('end', () => later(() => void (to.destroyed || to.end())));
    from.on('error', () => to.resetAndDestroy());
    from.on('close', () => {
      sockets.delete(from);
      later(() => to.destroy());
    });
  }

  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };

  await listen(server, wanted.port);
  return {
    port: (server.address() as AddressInfo).port,
    lead: (to) => void (target = to),
    set(now) {
      up = now.up;
      delayMs = now.delayMs ?? delayMs;
      if (!up) cut();
    },
    state: () => ({ up, delayMs, connections: Math.ceil(sockets.size / 2), ...(target ? { target } : {}) }),
    close() {
      cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Runs acts in the order they came, each `delay()` milliseconds later; with no delay and nothing waiting, at once. */
export function delayLine(delay: () => number): (act: () => void) => void {
  const waiting: { dueMs: number; act: () => void }[] = [];
  const run = (): void => {
    for (let first = waiting[0]; first && first.dueMs <= performance.now(); first = waiting[0]) {
      waiting.shift();
      first.act();
    }
    const next = waiting[0];
    if (next) setTimeout(run, Math.max(1, next.dueMs - performance.now()));
  };
  return (act) => {
    if (delay() === 0 && waiting.length === 0) return act();
    waiting.push({ dueMs: performance.now() + delay(), act });
    if (waiting.length === 1) setTimeout(run, delay());
  };
}

/** Listens on loopback at the wanted port; where it is taken and was only remembered, at any free one. */
export async function listen(server: Server, port: number): Promise<void> {
  const attempt = (at: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const failed = (error: Error): void => {
        server.off('listening', listening);
        reject(error);
      };
      const listening = (): void => {
        server.off('error', failed);
        resolve();
      };
      server.once('error', failed);
      server.once('listening', listening);
      server.listen(at, '127.0.0.1');
    });
  try {
    await attempt(port);
  } catch (error) {
    if (port === 0 || !(error instanceof Error) || !('code' in error) || error.code !== 'EADDRINUSE') throw error;
    await attempt(0);
  }
}
