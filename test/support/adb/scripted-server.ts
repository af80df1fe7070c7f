import { createServer, type Socket } from 'node:net';
import { shellPacket } from './packets.ts';
import { shellAnswer, type VirtualTablet } from './virtual-tablet.ts';

/** What stands in for the adb server where a test needs one that the real one would never be. */
export interface ScriptedServer {
  readonly port: number;
  /** Connections open now. */
  open(): number;
  /** Connections there ever were. */
  seen(): number;
  close(): Promise<void>;
}

/** Hands every service that is asked for to `serve`, with the socket to answer on. Port 0: any free one. */
export async function scriptedServer(serve: (service: string, socket: Socket) => void, port = 0): Promise<ScriptedServer> {
  const sockets = new Set<Socket>();
  let seen = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    seen += 1;
    let arrived: Buffer = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (bytes) => {
      arrived = Buffer.concat([arrived, bytes]);
      for (;;) {
        const end = 4 + Number.parseInt(arrived.toString('latin1', 0, 4), 16);
        if (!(arrived.length >= end)) return;
        const service = arrived.toString('utf8', 4, end);
        arrived = arrived.subarray(end);
        serve(service, socket);
      }
    });
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return {
    port: address.port,
    open: () => sockets.size,
    seen: () => seen,
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      return closed;
    },
  };
}

export function counted(text: string): string {
  return Buffer.byteLength(text).toString(16).padStart(4, '0') + text;
}

export interface PlayedServer extends ScriptedServer {
  /** Lists these from now on, to all that follow the list. */
  list(lines: readonly string[]): void;
  /** Stops answering, as a process that is held; connections stay open. */
  hang(): void;
}

/** A well-behaved server of virtual tablets, for what needs a held clock. Tablets that are mute never answer. */
export async function playedServer(tablets: readonly VirtualTablet[], port = 0): Promise<PlayedServer> {
  const followers = new Set<Socket>();
  const chosen = new WeakMap<Socket, VirtualTablet>();
  let listed = tablets.map(({ serial }, index) => `${serial} device usb:1-1.${index + 1} transport_id:${index + 1}`);
  let hanging = false;
  const written = () => counted(listed.map((line) => `${line}\n`).join(''));

  function serve(service: string, socket: Socket): void {
    if (hanging) return;
    const tablet = chosen.get(socket);
    const shell = /^shell,v2,raw:(.*)$/s.exec(service)?.[1];
    if (service === 'host:devices-l') socket.end(`OKAY${written()}`);
    else if (service === 'host:track-devices-l') {
      followers.add(socket);
      socket.on('close', () => followers.delete(socket));
      socket.write(`OKAY${written()}`);
    } else if (service.startsWith('host:transport:')) {
      const named = tablets.find(({ serial }) => service === `host:transport:${serial}`);
      if (named === undefined) return void socket.end(`FAIL${counted('device not found')}`);
      chosen.set(socket, named);
      socket.write('OKAY');
    } else if (tablet !== undefined && shell !== undefined) {
      tablet.asked.push(service);
      socket.write('OKAY');
      if (tablet.mute) return;
      const { output, exit } = shellAnswer(tablet, shell);
      socket.end(Buffer.concat([shellPacket('stdout', Buffer.from(output)), shellPacket('exit', Buffer.from([exit]))]));
    } else socket.end(`FAIL${counted('unknown service')}`);
  }

  const server = await scriptedServer(serve, port);
  return {
    ...server,
    list(lines) {
      listed = [...lines];
      for (const follower of followers) follower.write(written());
    },
    hang() {
      hanging = true;
    },
  };
}
