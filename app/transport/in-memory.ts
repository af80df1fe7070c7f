import type { Transport } from '../contract/transport.ts';
import { channel, type ChannelEnd } from './channel.ts';

/** Two connected ends in one process. Messages are cloned as a wire would, and arrive in a later microtask. */
export function inMemoryPair(): readonly [Transport, Transport] {
  const ends: { left?: ChannelEnd; right?: ChannelEnd } = {};
  const closeBoth = (): void => {
    queueMicrotask(() => {
      ends.left?.closed('closed');
      ends.right?.closed('closed');
    });
  };
  const side = (own: 'left' | 'right', other: 'left' | 'right'): Transport =>
    channel((end) => {
      ends[own] = end;
      return {
        send: (message) => {
          const copy: unknown = structuredClone(message);
          queueMicrotask(() => ends[other]?.received(copy));
        },
        close: closeBoth,
      };
    });
  return [side('left', 'right'), side('right', 'left')];
}
