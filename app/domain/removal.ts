import type { EntryDraft } from './entries.ts';
import type { DeviceRow, OfferRow } from './tables.ts';
import type { UnprovenReason } from './terms.ts';

export interface RemovalFacts {
  readonly device: DeviceRow;
  readonly slot: number;
  /** What the gate missed while the device was still in its slot. */
  readonly unproven: readonly UnprovenReason[];
  readonly openOffers: readonly OfferRow[];
  /** The sanitization or OS update that is under way and may restart the device (`os-update.ts`). */
  readonly restarts: string | undefined;
  readonly claimUntilMs: number;
  readonly nowMs: number;
  /** Identifier for the release that this removal may begin. */
  readonly release: string;
}

export type Removal =
  | { readonly kind: 'released'; readonly draft: EntryDraft; readonly actor: string }
  | { readonly kind: 'other-clean'; readonly draft: EntryDraft; readonly actor: string; readonly offeredSlot: number }
  | { readonly kind: 'wrong-pull'; readonly draft: EntryDraft; readonly actor: string; readonly offeredSlot: number }
  | { readonly kind: 'unidentified'; readonly draft: EntryDraft }
  | { readonly kind: 'rebooting'; readonly draft: EntryDraft };

/**
 * What it means that a docked device has left its slot (R1.2, R1.3, R1.8). A pull is somebody's only when it is the
 * device offered to them, or when exactly one person is being served; otherwise it is unidentified.
 */
export function judgeRemoval(facts: RemovalFacts): Removal {
  const { device, slot, unproven, openOffers, release } = facts;
  const common = { device: device.serial, slot };
  const own = openOffers.find((offer) => offer.serial === device.serial && offer.slot === slot);
  if (own) {
    return { kind: 'released', actor: own.actor, draft: { type: 'released', ...common, actor: own.actor, body: { release: own.release, offer: own.offer, how: 'offered', offeredSlot: own.slot } } };
  }
  if (facts.restarts !== undefined) {
    return { kind: 'rebooting', draft: { type: 'absent', ...common, body: { request: facts.restarts, sinceMs: facts.nowMs } } };
  }
  const only = openOffers.length === 1 ? openOffers[0] : undefined;
  if (only && unproven.length === 0) {
    return {
      kind: 'other-clean',
      actor: only.actor,
      offeredSlot: only.slot,
      draft: { type: 'released', ...common, actor: only.actor, body: { release: only.release, offer: only.offer, how: 'other-clean', offeredSlot: only.slot } },
    };
  }
  if (only) {
    return {
      kind: 'wrong-pull',
      actor: only.actor,
      offeredSlot: only.slot,
      draft: { type: 'wrong-pull', ...common, actor: only.actor, body: { offer: only.offer, offeredSlot: only.slot, release, reasons: unproven } },
    };
  }
  return { kind: 'unidentified', draft: { type: 'unidentified-removal', ...common, body: { release, claimUntilMs: facts.claimUntilMs } } };
}
