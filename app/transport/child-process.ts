import type { ChildProcess } from 'node:child_process';
import type { Transport } from '../contract/transport.ts';
import { channel } from './channel.ts';

/** The parent's end: over the IPC channel of a forked child. Closes when the child is gone. */
export function childProcessTransport(child: ChildProcess): Transport {
  return channel((end) => {
    child.on('message', (message: unknown) => end.received(message));
    child.on('error', (error: Error) => end.closed(error.message));
    child.on('exit', (code, signal) => end.closed(signal ?? `exit ${code}`));
    child.on('disconnect', () => end.closed('disconnected'));
    return {
      send: (message) => {
        if (child.connected) child.send(message as object, (error) => error && end.closed(error.message));
      },
      close: () => {
        if (child.connected) child.disconnect();
      },
    };
  });
}

/** The child's end of the same channel. */
export function parentProcessTransport(self: NodeJS.Process): Transport {
  return channel((end) => {
    self.on('message', (message: unknown) => end.received(message));
    self.on('disconnect', () => end.closed('disconnected'));
    return {
      send: (message) => {
        if (self.connected) self.send?.(message, undefined, undefined, (error) => error && end.closed(error.message));
      },
      close: () => {
        if (self.connected) self.disconnect();
      },
    };
  });
}
