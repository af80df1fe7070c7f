import type { KioskMessage, SlotView, Snapshot } from '../../app/contract/kiosk.ts';

/** 2026-11-21 06:51:20 in Berlin. */
export const AT = Date.UTC(2026, 10, 21, 5, 51, 20);

const ready = (slot: number, chargePercent: number): SlotView => ({ slot, look: 'ready', chargePercent });
export const SLOTS: readonly SlotView[] = [
  ready(1, 92),
  ready(2, 88),
  { slot: 3, look: 'empty' },
  ready(4, 100),
  { slot: 5, look: 'preparing', chargePercent: 61, progress: { done: 4, of: 6 }, reason: 'enrolment-not-seen', leaf: 'enrolment-new', sinceMs: AT - 95_000 },
  { slot: 6, look: 'out-of-service' },
  ready(7, 94),
  { slot: 8, look: 'empty' },
  { slot: 9, look: 'waiting', chargePercent: 83, reason: 'enrolment-not-seen', leaf: 'enrolment-new', sinceMs: AT - 250_000 },
  ready(10, 76),
  ready(11, 81),
  { slot: 12, look: 'preparing', chargePercent: 40, progress: { done: 2, of: 6 }, reason: 'wipe-not-confirmed', leaf: 'wipe-confirmed', sinceMs: AT - 40_000 },
  ready(13, 67),
  ready(14, 90),
  { slot: 15, look: 'charging', chargePercent: 22, reason: 'battery-low', leaf: 'battery', sinceMs: AT - 1_500_000 },
  ready(16, 58),
];

export function snapshotOf(message: KioskMessage, rest: Partial<Snapshot> = {}): Snapshot {
  const slots = rest.slots ?? SLOTS;
  const count = (look: SlotView['look']): number => slots.filter((slot) => slot.look === look).length;
  return {
    revision: 1,
    atMs: AT,
    place: { ward: 'Ward 7 East', cart: 'Cart A' },
    timeZone: 'Europe/Berlin',
    language: 'en',
    theme: 'day',
    shelves: [
      [1, 2, 3, 4, 5, 6, 7, 8],
      [9, 10, 11, 12, 13, 14, 15, 16],
    ],
    slots: [...slots],
    counts: { ready: count('ready'), preparing: count('preparing'), waiting: count('waiting'), outOfService: count('out-of-service'), out: 3 },
    message,
    others: [],
    network: { state: 'online', unsynced: 0 },
    ladder: 'fresh',
    clockUnsure: false,
    degraded: [],
    ...rest,
  };
}

/** The sample cart with one slot different. */
export const withSlot = (changed: SlotView): SlotView[] => SLOTS.map((slot) => (slot.slot === changed.slot ? changed : slot));

const untilMs = AT + 4000;
const offline = { state: 'offline', sinceMs: AT - 40 * 60_000, unsynced: 12, bundleAgeMs: 3 * 3_600_000 } as const;
const take = (slot: number): KioskMessage => ({ kind: 'take', session: 's1', name: 'Maria K.', slot, chargePercent: 94, provenAtMs: AT - 99 * 60_000, fromMs: AT - 10_000, untilMs: AT + 20_000 });

/** One snapshot per thing the page can say, named for screenshots and tests. */
export const SAMPLES: Readonly<Record<string, Snapshot>> = {
  idle: snapshotOf({ kind: 'idle' }),
  'idle-12': snapshotOf({ kind: 'idle' }, { counts: { ready: 12, preparing: 2, waiting: 1, outOfService: 1, out: 0 } }),
  'idle-none': snapshotOf({ kind: 'idle' }, { slots: SLOTS.map(({ slot, look }) => (look === 'ready' ? { slot, look: slot % 3 === 0 ? 'empty' : 'preparing', progress: { done: slot % 5, of: 6 } } : { slot, look })) }),
  'idle-offline': snapshotOf({ kind: 'idle' }, { network: offline }),
  'idle-stale': snapshotOf({ kind: 'idle' }, { network: { ...offline, sinceMs: AT - 30 * 3_600_000 }, ladder: 'stale', clockUnsure: true }),
  'idle-no-reader': snapshotOf({ kind: 'idle' }, { degraded: ['readers'] }),
  'idle-no-ledger': snapshotOf({ kind: 'idle' }, { degraded: ['ledger'] }),
  'idle-no-slots': snapshotOf({ kind: 'idle' }, { degraded: ['slots'], slots: SLOTS.map(({ slot }) => ({ slot, look: 'unknown' })) }),
  'idle-emergency-only': snapshotOf({ kind: 'idle' }, { ladder: 'break-glass-only', network: { ...offline, sinceMs: AT - 9 * 86_400_000 } }),
  pin: snapshotOf({ kind: 'pin', session: 's1', name: 'Maria K.', wrong: false, checking: false, ofCard: false, triesLeft: 5, untilMs }),
  'pin-of-card': snapshotOf({ kind: 'pin', session: 's1', name: 'Maria K.', wrong: false, checking: false, ofCard: true, triesLeft: 5, untilMs }),
  'pin-wrong': snapshotOf({ kind: 'pin', session: 's1', name: 'Maria K.', wrong: true, checking: false, ofCard: false, triesLeft: 3, untilMs }),
  'pin-checking': snapshotOf({ kind: 'pin', session: 's1', name: 'Maria K.', wrong: false, checking: true, ofCard: false, triesLeft: 5, untilMs }),
  take: snapshotOf(take(7), { slots: withSlot({ slot: 7, look: 'ready', chargePercent: 94, mark: 'take' }) }),
  'take-14-busy': snapshotOf(take(14), {
    slots: SLOTS.map((slot) => ([14, 4, 1].includes(slot.slot) ? { ...slot, mark: 'take' } : slot)),
    others: [{ name: 'Jonas T.', slot: 4 }, { name: 'Aylin Ö.', slot: 1 }, { name: 'Ben A.' }, { name: 'Chi W.' }],
    network: offline,
  }),
  taken: snapshotOf({ kind: 'taken', name: 'Maria K.', slot: 7, untilMs }, { slots: withSlot({ slot: 7, look: 'empty' }) }),
  returned: snapshotOf({ kind: 'returned', slot: 3, name: 'Maria K.', how: 'return', waitsForNetwork: false, untilMs }, { slots: withSlot({ slot: 3, look: 'preparing', progress: { done: 0, of: 6 }, chargePercent: 31 }) }),
  'returned-offline': snapshotOf({ kind: 'returned', slot: 3, name: 'Maria K.', how: 'return', waitsForNetwork: true, untilMs }, { slots: withSlot({ slot: 3, look: 'waiting', chargePercent: 31 }), network: offline }),
  'returned-put-back': snapshotOf({ kind: 'returned', slot: 9, how: 'put-back', waitsForNetwork: false, untilMs }),
  'refusal-badge-unknown': snapshotOf({ kind: 'refusal', reason: 'badge-unknown', untilMs }),
  'refusal-no-device-ready': snapshotOf({ kind: 'refusal', reason: 'no-device-ready', name: 'Maria K.', minutes: 4, because: 'enrolment-not-seen', untilMs }),
  'refusal-limit-reached': snapshotOf({ kind: 'refusal', reason: 'limit-reached', name: 'Maria K.', untilMs }),
  'refusal-pin-locked': snapshotOf({ kind: 'refusal', reason: 'pin-locked', name: 'Maria K.', minutes: 15, untilMs }),
  'refusal-ledger-unavailable': snapshotOf({ kind: 'refusal', reason: 'ledger-unavailable', untilMs }, { degraded: ['ledger'] }),
  'wrong-keep': snapshotOf({ kind: 'wrong-slot', pulled: 4, yours: 7, name: 'Maria K.', clean: true, untilMs }, { slots: withSlot({ slot: 4, look: 'empty' }) }),
  'wrong-back': snapshotOf({ kind: 'wrong-slot', pulled: 9, yours: 7, name: 'Maria K.', clean: false, reason: 'enrolment-not-seen' }, { slots: withSlot({ slot: 9, look: 'empty', mark: 'back' }) }),
  unidentified: snapshotOf({ kind: 'unidentified', slot: 13, fromMs: AT - 20_000, untilMs: AT + 40_000 }, { slots: withSlot({ slot: 13, look: 'empty', mark: 'back' }) }),
  'foreign-unknown': snapshotOf({ kind: 'foreign', slot: 3, standing: 'unknown', untilMs }, { slots: withSlot({ slot: 3, look: 'unknown' }) }),
  'foreign-lost': snapshotOf({ kind: 'foreign', slot: 3, standing: 'lost', untilMs }, { slots: withSlot({ slot: 3, look: 'out-of-service' }) }),
  unreadable: snapshotOf({ kind: 'unreadable', slot: 8 }, { slots: withSlot({ slot: 8, look: 'unknown' }) }),
  'label-said-back': snapshotOf({ kind: 'label', what: 'said-back', asset: 'T-114', name: 'Maria K.', untilMs }),
  'label-in-cart': snapshotOf({ kind: 'label', what: 'in-cart', asset: 'T-108', slot: 8, untilMs }),
  'label-unknown': snapshotOf({ kind: 'label', what: 'unknown', asset: '4006381333931', untilMs }),
};
