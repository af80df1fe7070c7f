import type { Transport } from '../contract/transport.ts';
import { channel } from './channel.ts';

/** The common part of Node's MessagePort, Electron's MessagePortMain and a utility process's parentPort. */
export interface PortLike {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
  start?(): void;
  close?(): void;
}

/** Over a message port. Electron wraps what arrives in `{data}`; Node does not. */
export function messagePortTransport(port: PortLike): Transport {
  return channel((end) => {
    port.on('message', (message) => end.received(isWrapped(message) ? message.data : message));
    port.on('close', () => end.closed('closed'));
    port.start?.();
    return {
      send: (message) => port.postMessage(message),
      close: () => {
        port.close?.();
        end.closed('closed');
      },
    };
  });
}

function isWrapped(message: unknown): message is { readonly data: unknown } {
  return typeof message === 'object' && message !== null && 'data' in message && 'ports' in message;
}
