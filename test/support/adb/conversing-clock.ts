import type { HostClock } from '../../../native/clock.ts';
import { heldClock } from '../../native/held-clock.ts';
import { waitFor } from '../pcsc/wait-for.ts';

/** What the adapter gives every conversation with the adb server. */
const CONVERSATION_MS = 3_000;
/** Short of it, so that no deadline of what is asked on the way runs out before its answer can arrive. */
const STEP_MS = 2_500;

export interface ConversingClock extends HostClock {
  advance(ms: number): void;
  /** Conversations of which the deadline runs. */
  underWay(): number;
}

/** A held clock that knows how many conversations with a server wait for their answer. */
export function conversingClock(): ConversingClock {
  const held = heldClock();
  const deadlines = new Set<object>();
  return {
    ...held,
    after(ms, act) {
      if (ms !== CONVERSATION_MS) return held.after(ms, act);
      const deadline = {};
      deadlines.add(deadline);
      const cancel = held.after(ms, () => {
        deadlines.delete(deadline);
        act();
      });
      return () => {
        deadlines.delete(deadline);
        cancel();
      };
    },
    underWay: () => deadlines.size,
  };
}

/** Lets time pass in steps, between which every answer that is on its way arrives, but those of `mute` tablets. */
export async function pass(clock: ConversingClock, ms: number, mute = 0): Promise<void> {
  for (let left = ms; left > 0; left -= STEP_MS) {
    await waitFor('the answers on their way', () => clock.underWay() <= mute);
    clock.advance(Math.min(left, STEP_MS));
  }
  await waitFor('the answers on their way', () => clock.underWay() <= mute);
}
