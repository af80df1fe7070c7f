import { z } from 'zod';
import type { AppendOptions } from '../storage/store.ts';
import type { StationContext } from './state.ts';

/** Written with the entry that says what stands in the slot, so that none is in the ledger without the stay it speaks of. */
const ATTACHMENTS_META = 'attachments';

const keptAttachments = z.strictObject({ bootId: z.string(), slots: z.record(z.string(), z.string()) });

/** Which stay on the bus each slot was last judged by: the bus counts them also while nobody watches, and while the station is not running. */
export interface Attachments {
  /** Whether what is in the slot has left it since; false where the platform does not tell, or nothing is kept of this boot. */
  changed(slot: number): boolean;
  /** For the transaction that records what stands in the slot now; nothing where that is kept already. */
  toKeep(slot: number): AppendOptions | undefined;
}

export function createAttachments({ deps: { clock, store }, state }: StationContext): Attachments {
  const kept = (): Readonly<Record<string, string>> => {
    const text = store.getMeta(ATTACHMENTS_META);
    if (text === undefined) return {};
    const { bootId, slots } = keptAttachments.parse(JSON.parse(text));
    return bootId === clock.bootId ? slots : {};
  };
  return {
    changed: (slot) => {
      const [before, now] = [kept()[slot], state.slots.get(slot)?.attachment];
      return before !== undefined && now !== undefined && before !== now;
    },
    toKeep: (slot) => {
      const now = state.slots.get(slot)?.attachment;
      const before = kept();
      if (now === undefined || before[slot] === now) return undefined;
      return { meta: { [ATTACHMENTS_META]: JSON.stringify({ bootId: clock.bootId, slots: { ...before, [slot]: now } }) } };
    },
  };
}
