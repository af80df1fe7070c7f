import { z } from 'zod';
import { GATE_LEAVES, REFUSAL_REASONS, UNPROVEN_REASONS } from '../domain/terms.ts';
import { slotNumber } from './device-host.ts';
import { morningPage, nightBoard } from './night.ts';

/** How a slot is drawn. Shape, word and number carry it; colour repeats it. */
export const SLOT_LOOKS = ['ready', 'preparing', 'waiting', 'charging', 'out-of-service', 'empty', 'unknown'] as const;
export type SlotLook = (typeof SLOT_LOOKS)[number];

export const slotView = z.strictObject({
  slot: slotNumber,
  look: z.enum(SLOT_LOOKS),
  /** `take`: somebody is asked to pull it now. `back`: its tablet must come back here. */
  mark: z.enum(['take', 'back']).optional(),
  chargePercent: z.int().min(0).max(100).optional(),
  /** Steps of the sanitization done so far and in all, for the ring. */
  progress: z.strictObject({ done: z.int().min(0), of: z.int().min(1) }).optional(),
  /** The first missing leaf and why, while not ready. */
  reason: z.enum(UNPROVEN_REASONS).optional(),
  leaf: z.enum(GATE_LEAVES).optional(),
  /** Since when it has waited for that leaf (domain/waiting-since.ts). */
  sinceMs: z.int().optional(),
});
export type SlotView = z.infer<typeof slotView>;

const session = z.string().max(64);
/** "Maria K.": never more of a name than this leaves the station. */
const shortName = z.string().max(40);
const untilMs = z.int();

/** The one message of the moment. Times are Unix milliseconds of the station's clock (`atMs` of the snapshot). */
export const kioskMessage = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('idle') }),
  z.strictObject({ kind: z.literal('pin'), session, name: shortName, wrong: z.boolean(), checking: z.boolean(), ofCard: z.boolean(), triesLeft: z.int().min(0).max(5), untilMs }),
  z.strictObject({ kind: z.literal('take'), session, name: shortName, slot: slotNumber, chargePercent: z.int().min(0).max(100), provenAtMs: z.int(), fromMs: z.int(), untilMs }),
  z.strictObject({ kind: z.literal('taken'), name: shortName, slot: slotNumber, untilMs }),
  z.strictObject({ kind: z.literal('returned'), slot: slotNumber, name: shortName.optional(), how: z.enum(['return', 'put-back', 'found']), waitsForNetwork: z.boolean(), untilMs }),
  z.strictObject({
    kind: z.literal('refusal'),
    reason: z.enum(REFUSAL_REASONS),
    name: shortName.optional(),
    /** Minutes until it may work (a lockout's end, the next tablet), where known. */
    minutes: z.int().min(0).optional(),
    /** For `no-device-ready`: the commonest reason among the ward's tablets. */
    because: z.enum(UNPROVEN_REASONS).optional(),
    untilMs,
  }),
  /** Somebody pulled `pulled` while theirs is `yours`. Clean: it is theirs now. Not clean: it must go back. */
  z.strictObject({ kind: z.literal('wrong-slot'), pulled: slotNumber, yours: slotNumber.optional(), name: shortName.optional(), clean: z.boolean(), reason: z.enum(UNPROVEN_REASONS).optional(), untilMs: untilMs.optional() }),
  /** A tablet left without an offer: put it back, or tap to say it is yours. */
  z.strictObject({ kind: z.literal('unidentified'), slot: slotNumber, fromMs: z.int(), untilMs }),
  z.strictObject({ kind: z.literal('foreign'), slot: slotNumber, standing: z.enum(['unknown', 'other-ward', 'lost', 'retired']), untilMs }),
  z.strictObject({ kind: z.literal('unreadable'), slot: slotNumber }),
  /** A label was scanned: `said-back` of one that is out and has no power to tell so itself. `asset` is what the label says where nothing is known. */
  z.strictObject({ kind: z.literal('label'), asset: z.string().max(64), what: z.enum(['said-back', 'in-cart', 'not-out', 'unknown']), slot: slotNumber.optional(), name: shortName.optional(), untilMs }),
]);
export type KioskMessage = z.infer<typeof kioskMessage>;

export const PARTS = ['readers', 'slots', 'device-host', 'ledger'] as const;

/** The whole of what the page shows. The page draws it and computes no rule. */
export const snapshot = z.strictObject({
  revision: z.int().min(0),
  atMs: z.int(),
  place: z.strictObject({ ward: z.string(), cart: z.string() }),
  /** IANA zone and BCP 47 tag for times and words. */
  timeZone: z.string(),
  language: z.string(),
  theme: z.enum(['day', 'night']),
  /** Slot numbers as the cart's shelves stand, top to bottom, left to right. */
  shelves: z.array(z.array(slotNumber).min(1)).min(1),
  slots: z.array(slotView),
  counts: z.strictObject({ ready: z.int().min(0), preparing: z.int().min(0), waiting: z.int().min(0), outOfService: z.int().min(0), out: z.int().min(0) }),
  message: kioskMessage,
  /** Others being served at the same moment, first come first. */
  others: z.array(z.strictObject({ name: shortName, slot: slotNumber.optional() })).max(20),
  /** `unsynced`: entries without the server's cosignature; `unsyncedSinceMs`: when the oldest of them was written. */
  network: z.discriminatedUnion('state', [
    z.strictObject({ state: z.literal('online'), unsynced: z.int().min(0), unsyncedSinceMs: z.int().optional() }),
    z.strictObject({ state: z.literal('offline'), sinceMs: z.int(), unsynced: z.int().min(0), unsyncedSinceMs: z.int().optional(), bundleAgeMs: z.int().min(0).optional() }),
  ]),
  /** Age class of the staff list (DESIGN "Policy bundle"). */
  ladder: z.enum(['fresh', 'stale', 'break-glass-only', 'none']),
  clockUnsure: z.boolean(),
  /** Parts that do not work now; what still works is the page's to say. */
  degraded: z.array(z.enum(PARTS)),
  /** While the cart prepares the morning. */
  night: nightBoard.optional(),
  /** From the start of the shift until the next night. */
  morning: morningPage.optional(),
});
export type Snapshot = z.infer<typeof snapshot>;

/** What a page may ask. Badge events are not among it. */
export const kioskCommand = z.discriminatedUnion('command', [
  z.strictObject({ command: z.literal('enter-pin'), session, pin: z.string().regex(/^\d{4,12}$/) }),
  z.strictObject({ command: z.literal('cancel'), session }),
  z.strictObject({ command: z.literal('dismiss') }),
]);
export type KioskCommand = z.infer<typeof kioskCommand>;
export const KIOSK_REFUSALS = ['malformed', 'no-session', 'pin-wrong', 'pin-locked', 'busy', 'ledger-unavailable'] as const;
export type KioskRefusal = (typeof KIOSK_REFUSALS)[number];

export const kioskRequest = z.strictObject({ id: z.int().min(1), request: kioskCommand });
export const kioskReply = z.union([z.strictObject({ id: z.int().min(0), ok: z.literal(true) }), z.strictObject({ id: z.int().min(0), ok: z.literal(false), reason: z.enum(KIOSK_REFUSALS) })]);
/** Station → page: replies to its requests (id 0: a request too malformed to have an id), and whole snapshots. */
export const kioskPush = z.union([z.strictObject({ snapshot }), kioskReply]);
export type KioskPush = z.infer<typeof kioskPush>;
