import type { Transport } from '../contract/transport.ts';

/** What a concrete transport reports into its channel. */
export interface ChannelEnd {
  received(message: unknown): void;
  closed(cause: string): void;
}

/**
 * The part that every transport shares: messages wait for their one listener, the close is told once to everybody,
 * nothing is sent after it.
 */
export function channel(connect: (end: ChannelEnd) => { send(message: unknown): void; close(): void }): Transport {
  const waiting: unknown[] = [];
  const closeListeners = new Set<(cause: string) => void>();
  let listener: ((message: unknown) => void) | undefined;
  let closedBy: string | undefined;
  const wire = connect({
    received: (message) => {
      if (closedBy !== undefined) return;
      if (listener) listener(message);
      else waiting.push(message);
    },
    closed: (cause) => {
      if (closedBy !== undefined) return;
      closedBy = cause;
      for (const tell of closeListeners) tell(cause);
      closeListeners.clear();
    },
  });
  return {
    send: (message) => {
      if (closedBy === undefined) wire.send(message);
    },
    onMessage: (next) => {
      if (listener) throw new Error('this transport already has a listener');
      listener = next;
      for (const message of waiting.splice(0)) next(message);
      return () => {
        if (listener === next) listener = undefined;
      };
    },
    onClose: (tell) => {
      if (closedBy !== undefined) {
        tell(closedBy);
        return () => undefined;
      }
      closeListeners.add(tell);
      return () => closeListeners.delete(tell);
    },
    close: () => {
      if (closedBy === undefined) wire.close();
    },
  };
}
