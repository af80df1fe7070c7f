import type { RecordedEntry } from './entries.ts';
import type { CartView, Change, SlotRow, SlotTrouble } from './tables.ts';

/** Trouble of two different tablets in a row speaks against the slot; that of one alone speaks against the tablet. */
export const TABLETS_AGAINST_A_SLOT = 2;
/** An open breaker lets one attempt through again after this long. */
export const BREAKER_REST_MS = 12 * 3_600_000;
/** A tablet with trouble in so many different slots is the one to look at. */
export const SLOTS_AGAINST_A_TABLET = 2;
/** What is kept of a slot's past. */
const TROUBLES_KEPT = 8;

/** What the evidence of swaps speaks against: tablets that fail here and work elsewhere, or one tablet that fails everywhere. */
export type Suspect = 'slot' | 'tablet' | 'unclear';

/** Whether the cart starts no wipe in this slot: the last troubles, with nothing going right in between, were of different tablets. */
export function isBreakerOpen(row: SlotRow | undefined, nowMs: number): boolean {
  const troubles = row?.troubles ?? [];
  const last = troubles.at(-1);
  return last !== undefined && tabletsOf(troubles) >= TABLETS_AGAINST_A_SLOT && nowMs - last.atMs < BREAKER_REST_MS;
}

/** Where to look first for a tablet that gave trouble in this slot. `rows`: every slot's. */
export function suspectOf(slot: number, serial: string, rows: Iterable<SlotRow>): Suspect {
  const all = [...rows];
  const elsewhere = all.filter((row) => row.slot !== slot && row.troubles.some((trouble) => trouble.serial === serial)).length;
  const others = tabletsOf((all.find((row) => row.slot === slot)?.troubles ?? []).filter((trouble) => trouble.serial !== serial));
  if (elsewhere + 1 >= SLOTS_AGAINST_A_TABLET && others === 0) return 'tablet';
  return others > 0 && elsewhere === 0 ? 'slot' : 'unclear';
}

/** Each tablet counts once; one that tells no serial cannot be told from another that tells none. */
const tabletsOf = (troubles: readonly SlotTrouble[]): number => new Set(troubles.map(({ serial }) => serial ?? '')).size;

/** What an entry adds to a slot's row; a completed sanitization clears it. */
export function projectSlotHealth(view: CartView, entry: RecordedEntry): readonly Change[] {
  switch (entry.type) {
    case 'sanitized':
      return entry.slot === undefined || !view.get('slot', String(entry.slot)) ? [] : [{ table: 'slot', key: String(entry.slot), row: undefined }];
    case 'dock-unreadable':
      return entry.slot === undefined ? [] : [troubled(view, entry.slot, { kind: 'unreadable', atMs: entry.atMs })];
    case 'sanitization-failed': {
      const device = view.get('device', entry.device ?? '');
      const slot = device && (device.custody.kind === 'cart' || device.custody.kind === 'rebooting') ? device.custody.slot : undefined;
      const isSlots = entry.body.reason === 'command-expired' || entry.body.reason === 'no-new-enrolment';
      return slot === undefined || !device || !isSlots ? [] : [troubled(view, slot, { kind: 'wipe-failed', serial: device.serial, atMs: entry.atMs })];
    }
    default:
      return [];
  }
}

function troubled(view: CartView, slot: number, trouble: SlotTrouble): Change {
  const before = view.get('slot', String(slot))?.troubles ?? [];
  return { table: 'slot', key: String(slot), row: { slot, troubles: [...before, trouble].slice(-TROUBLES_KEPT) } };
}
