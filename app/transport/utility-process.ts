import type { Transport } from '../contract/transport.ts';
import { channel } from './channel.ts';
import type { LaunchHost } from './device-host-process.ts';
import { messagePortTransport, type PortLike } from './message-port.ts';

/** What Electron gives a utility process as `process.parentPort`: messages come with the ports that were sent along. */
export interface ParentPort {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (event: { readonly data: unknown; readonly ports: readonly PortLike[] }) => void): unknown;
}

/** The shell's port, where this program runs as Electron's utility process. */
export function parentPortOf(self: NodeJS.Process): ParentPort | undefined {
  return 'parentPort' in self && self.parentPort ? (self.parentPort as ParentPort) : undefined;
}

/**
 * The station's end in the desktop arrangement: over one port pass the kiosk's messages, the wish for a device host
 * (a utility process cannot start a child itself) and, with `{port: 'device-host'}`, the way to it.
 */
export function shellAsParent(parent: ParentPort, environment: Readonly<Record<string, string>>): { readonly kiosk: Transport; readonly launchHost: LaunchHost } {
  let hostPort: ((port: PortLike) => void) | undefined;
  const kiosk = channel((end) => {
    parent.on('message', ({ data, ports }) => {
      const [port] = ports;
      if (port) hostPort?.(port);
      else end.received(data);
    });
    return { send: (message) => parent.postMessage(message), close: () => end.closed('closed') };
  });
  const launchHost: LaunchHost = (heard) => {
    const transport = channel((end) => {
      let wire: Transport | undefined;
      const early: unknown[] = [];
      hostPort = (port) => {
        wire = messagePortTransport(port);
        wire.onMessage((message) => {
          heard();
          end.received(message);
        });
        wire.onClose(end.closed);
        for (const message of early.splice(0)) wire.send(message);
      };
      parent.postMessage({ deviceHost: 'start', env: environment });
      return {
        send: (message) => (wire ? wire.send(message) : early.push(message)),
        close: () => {
          wire?.close();
          end.closed('closed');
        },
      };
    });
    // The next wish ends this host: the shell keeps one at a time.
    return { transport, kill: () => transport.close() };
  };
  return { kiosk, launchHost };
}

/** The device host's end: the first message of the shell carries the way to the station. */
export function stationThroughShell(parent: ParentPort): Transport {
  return channel((end) => {
    let wire: Transport | undefined;
    const early: unknown[] = [];
    parent.on('message', ({ ports }) => {
      const [port] = ports;
      if (!port || wire) return;
      wire = messagePortTransport(port);
      wire.onMessage(end.received);
      wire.onClose(end.closed);
      for (const message of early.splice(0)) wire.send(message);
    });
    return {
      send: (message) => (wire ? wire.send(message) : early.push(message)),
      close: () => {
        wire?.close();
        end.closed('closed');
      },
    };
  });
}
