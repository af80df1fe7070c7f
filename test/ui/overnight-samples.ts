import type { SlotView, Snapshot } from '../../app/contract/kiosk.ts';
import type { MorningPage, NightBoard } from '../../app/contract/night.ts';
import { AT, SLOTS, snapshotOf } from './samples.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** 02:40 of the same night, and 07:00 when the shift begins. */
const NIGHT_AT = AT - 4 * HOUR - 11 * MINUTE - 20_000;
const SHIFT = Date.UTC(2026, 10, 21, 6);

const wiping = (slot: number, done: number): SlotView => ({ slot, look: 'preparing', chargePercent: 55 + slot, progress: { done, of: 6 }, reason: 'wipe-not-confirmed', leaf: 'wipe-confirmed', sinceMs: NIGHT_AT - 6 * MINUTE });
const waiting = (slot: number): SlotView => ({ slot, look: 'waiting', chargePercent: 70, reason: 'wipe-not-requested', leaf: 'no-exposure', sinceMs: NIGHT_AT - 3 * HOUR });
const AT_NIGHT: readonly SlotView[] = SLOTS.map((slot) => (slot.slot === 3 || slot.slot === 8 ? wiping(slot.slot, slot.slot - 2 < 3 ? 1 : 4) : slot.slot === 9 || slot.slot === 14 ? waiting(slot.slot) : slot));
const readyTimes = (slots: readonly SlotView[]): NightBoard['slots'] => slots.flatMap(({ slot, look }, place) => (look === 'ready' || look === 'empty' || look === 'out-of-service' ? [] : [{ slot, readyMs: NIGHT_AT + (18 + place * 11) * MINUTE }]));

const board = (wards: NightBoard['wards'], slots = AT_NIGHT, rest: Partial<Snapshot> = {}): Snapshot =>
  snapshotOf({ kind: 'idle' }, { atMs: NIGHT_AT, theme: 'night', slots: [...slots], night: { shiftMs: SHIFT, wards, slots: readyTimes(slots) }, ...rest });

/** T-103 updates itself in slot 3; for two more an update waits that nobody here can order. */
function updating(): Snapshot {
  const slots = AT_NIGHT.map((slot): SlotView => (slot.slot === 3 ? { slot: 3, look: 'preparing', chargePercent: 58, reason: 'updating', leaf: 'standing', sinceMs: NIGHT_AT - 6 * MINUTE } : slot));
  const wards = ['7 East', '7 West', 'Day Surgery', 'Emergency Department'].map((ward) => ({ ward, needed: 3, ready: 2, byShift: 3, metMs: NIGHT_AT + 3 * HOUR }));
  return board(wards, slots, { night: { shiftMs: SHIFT, wards, slots: readyTimes(slots), updates: { running: 1, left: 2, because: 'not-orderable' } } });
}

const THIRTY_TWO: readonly SlotView[] = Array.from({ length: 32 }, (_, place): SlotView => (place % 4 === 1 ? wiping(place + 1, place % 6) : place % 7 === 3 ? waiting(place + 1) : { slot: place + 1, look: 'ready', chargePercent: 60 + place }));
const shelvesOf = (count: number): number[][] => Array.from({ length: count / 8 }, (_, row) => Array.from({ length: 8 }, (_slot, column) => row * 8 + column + 1));

const EXCEPTIONS: MorningPage['exceptions'] = [
  { slot: 13, serial: 'R52T1', asset: 'T-108', ward: '7 East', reason: 'unidentified', next: 'put-back', minutes: 1 },
  { slot: 6, serial: 'R52T2', asset: 'T-112', ward: '7 East', reason: 'sanitization-failed', suspect: 'slot', next: 'try-another-slot', minutes: 2 },
  { slot: 9, reason: 'unreadable', next: 'swap-cable', minutes: 3 },
  { slot: 12, serial: 'R52T3', asset: 'T-110', ward: '7 East', reason: 'enrolment-not-seen', next: 'wait', minutes: 5 },
  { serial: 'R52T4', asset: 'T-114', ward: '7 East', reason: 'in-hand', next: 'find-holder', minutes: 20 },
  { slot: 15, serial: 'R52T5', asset: 'T-117', ward: '7 West', reason: 'battery-low', next: 'charge', minutes: 30 },
  { slot: 5, serial: 'R52T6', asset: 'T-103', ward: '7 West', reason: 'battery-heat', suspect: 'tablet', next: 'to-service', minutes: 60 },
];
const DONE = { sanitized: 11, failed: 1, quarantined: 1, starts: 0 };
const need = (ward: string, needed: number, ready: number): MorningPage['needs'][number] => ({ ward, needed, ready, shortBy: Math.max(0, needed - ready), dueMs: SHIFT });
const morning = (page: Partial<MorningPage>, atMs = SHIFT + 4 * MINUTE): Snapshot =>
  snapshotOf({ kind: 'idle' }, { atMs, morning: { fromMs: SHIFT - 10 * HOUR, shiftMs: SHIFT, needs: [need('7 East', 8, 9)], exceptions: EXCEPTIONS, done: DONE, ...page } });

/** What the cart shows of the night and the morning after it. */
export const OVERNIGHT_SAMPLES: Readonly<Record<string, Snapshot>> = {
  'night-on-track': board([{ ward: '7 East', needed: 12, ready: 8, byShift: 12, metMs: NIGHT_AT + 3 * HOUR }]),
  'night-short': board([
    { ward: '7 East', needed: 8, ready: 6, byShift: 8, metMs: NIGHT_AT + 90 * MINUTE },
    { ward: '7 West', needed: 6, ready: 2, byShift: 4, shortBy: 2, because: 'absent' },
  ]),
  'night-offline': board([{ ward: '7 East', needed: 12, ready: 8, byShift: 8, shortBy: 4, because: 'no-network' }], AT_NIGHT, { network: { state: 'offline', sinceMs: NIGHT_AT - 40 * MINUTE, unsynced: 31, bundleAgeMs: 3 * HOUR } }),
  'night-updates': updating(),
  'night-met': board([{ ward: '7 East', needed: 8, ready: 10, byShift: 10 }], SLOTS),
  'night-nobody-asks': board([]),
  'night-32': board(
    [
      { ward: 'Intensive Care 2', needed: 10, ready: 7, byShift: 10, metMs: NIGHT_AT + 45 * MINUTE },
      { ward: 'Emergency Department', needed: 8, ready: 8, byShift: 8 },
      { ward: '7 East', needed: 6, ready: 4, byShift: 6, metMs: NIGHT_AT + 2 * HOUR },
      { ward: '7 West', needed: 4, ready: 1, byShift: 3, shortBy: 1, because: 'quarantined' },
      { ward: 'Day Surgery', needed: 3, ready: 3, byShift: 3 },
    ],
    THIRTY_TWO,
    { shelves: shelvesOf(32) },
  ),
  'morning-seven': morning({}),
  'morning-short': morning({ needs: [need('Intensive Care 2', 8, 9), need('7 West', 6, 4)] }),
  'morning-none': morning({ exceptions: [], done: { sanitized: 14, failed: 0, quarantined: 0, starts: 0 } }),
  'morning-noon': morning({}, SHIFT + 5 * HOUR),
  'morning-many': morning({
    exceptions: Array.from({ length: 32 }, (_, place) => ({ ...(EXCEPTIONS[place % EXCEPTIONS.length] ?? { reason: 'unreadable' as const, next: 'swap-cable' as const, minutes: 3 }), slot: place + 1 })),
    done: { sanitized: 19, failed: 6, quarantined: 4, starts: 3, updated: 7, notUpdated: 2 },
  }),
};
