import { z } from 'zod';
import { usbSerial } from './device-host.ts';

/** Times on this wire are ISO 8601, UTC. Every bound is in the server's clock; what is left out is not known and is never guessed. */
const instant = z.string();

/** Where a fact stands: the entry `seq` of the ledger `origin`; `leaf` is hex SHA-256(0x00‖bytes). */
export const evidence = z.strictObject({ origin: z.string(), seq: z.int().min(0), leaf: z.string().regex(/^[0-9a-f]{64}$/) });
export type Evidence = z.infer<typeof evidence>;

/** When an entry was made: what the cart's own clock claimed, and between which two moments it must have been. */
export const boundedTime = z.strictObject({ claimed: instant, notBefore: instant.optional(), notAfter: instant.optional() });
export type BoundedTime = z.infer<typeof boundedTime>;

/** Who answers for a tablet. `name` is from the directory. */
export const holder = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('person'), name: z.string() }),
  z.strictObject({ kind: z.literal('unidentified') }),
  z.strictObject({ kind: z.literal('ward') }),
]);
export type Holder = z.infer<typeof holder>;

const place = z.strictObject({ station: z.string(), cart: z.string(), slot: z.int().optional() });

/**
 * One end of an interval. `how`: `returned` and `put-in` (into a slot), `taken` (out of it), `elsewhere` (it was put into the cart
 * `at`), `out-of-sight` (the cart stopped seeing its slots; the tablet may have stayed), `away-for-wipe`, `seen-again`, `passing`
 * (put into a cart that does not know it).
 */
export const intervalEnd = z.strictObject({
  how: z.enum(['put-in', 'returned', 'taken', 'elsewhere', 'out-of-sight', 'away-for-wipe', 'seen-again', 'passing']),
  time: boundedTime,
  evidence,
  at: place.optional(),
  /** False: by the bounds it may also have been in the other order. */
  certain: z.boolean(),
});

/** What happened to the tablet inside an interval, beside its two ends. */
export const touch = z.strictObject({ type: z.string(), time: boundedTime, evidence, slot: z.int().optional(), person: z.string().optional(), text: z.string() });

/** `held`: from a removal to the next time it was put in, at whichever cart. `docked`: watched in a slot. `unwatched`: last seen in a slot, and no cart was looking. */
export const custodyInterval = z.strictObject({
  kind: z.enum(['held', 'docked', 'unwatched']),
  /** The cart whose ledger tells it; for `held` the slot it was taken from. */
  place,
  holder: holder.optional(),
  release: z.string().optional(),
  opened: intervalEnd,
  /** Left out: it goes on, as far as the server knows. */
  closed: intervalEnd.optional(),
  /** Whether it was so at some moment of the span beyond doubt, or only by what the bounds allow. */
  overlap: z.enum(['certain', 'possible']),
  touches: z.array(touch),
});
export type CustodyInterval = z.infer<typeof custodyInterval>;

/** One of two ledgers that claim the same serial at the same time. */
export const conflictSide = z.strictObject({ place, opened: intervalEnd, closed: intervalEnd.optional() });
export type ConflictSide = z.infer<typeof conflictSide>;

/** Two carts say that they had the tablet at the same time, beyond every clock error: two tablets answer to one serial, or a ledger is not true. */
export const custodyConflict = z.strictObject({
  id: z.int().min(1),
  device: z.string(),
  asset: z.string().optional(),
  sides: z.tuple([conflictSide, conflictSide]),
  /** How often these two ledgers contradicted each other since; `sides` are the first time. */
  count: z.int().min(1),
  foundAt: instant,
  lastAt: instant,
  closed: z.strictObject({ at: instant, by: z.string(), reason: z.string() }).optional(),
});
export type CustodyConflict = z.infer<typeof custodyConflict>;

/** GET /api/custody?device=&from=&to= → every interval that may have overlapped the span, in order of its opening. */
export const custodyAnswer = z.strictObject({
  device: z.string(),
  asset: z.string().optional(),
  from: instant,
  to: instant,
  at: instant,
  intervals: z.array(custodyInterval),
  conflicts: z.array(custodyConflict),
  /** More overlapped than one answer holds: ask for a shorter span. */
  truncated: z.boolean(),
});
export type CustodyAnswer = z.infer<typeof custodyAnswer>;

/** POST /api/conflicts/:id/close (administrators). */
export const closeConflictRequest = z.strictObject({ reason: z.string().trim().min(3).max(500) });

/** One ledger of a station as it stood at an instant. */
export const ledgerState = z.strictObject({
  origin: z.string(),
  /** Entries below this are in the state. */
  size: z.int().min(0),
  /** The last of them. */
  last: z.strictObject({ time: boundedTime, evidence }).optional(),
  /** Entries that may or may not have been made by then, by their bounds; those claimed by then are in the state. */
  uncertain: z.strictObject({ fromSeq: z.int().min(0), toSeq: z.int().min(0), count: z.int().min(1) }).optional(),
  policyVersion: z.int().optional(),
  slots: z.array(z.strictObject({ slot: z.int(), device: z.string(), since: instant, offered: z.boolean() })),
  /** Who holds what, and what is nobody's. */
  out: z.array(z.strictObject({ device: z.string(), holder, release: z.string(), since: instant, slot: z.int().optional(), owed: z.boolean() })),
  offers: z.array(z.strictObject({ offer: z.string(), release: z.string(), device: z.string(), slot: z.int(), person: z.string(), until: instant })),
  devices: z.array(z.strictObject({ device: z.string(), asset: z.string(), ward: z.string(), standing: z.string(), custody: z.string(), exposed: z.boolean(), quarantine: z.string().optional() })),
});
export type LedgerState = z.infer<typeof ledgerState>;

/** GET /api/stations/:id/state?at= → each ledger that had begun by then, oldest epoch first; the last one was in use. */
export const stationState = z.strictObject({ station: z.string(), cart: z.string(), at: instant, ledgers: z.array(ledgerState) });
export type StationStateAnswer = z.infer<typeof stationState>;

/** Both spans of a question are read by these. */
export const custodyQuery = z.strictObject({ device: usbSerial, from: z.iso.datetime({ offset: true }), to: z.iso.datetime({ offset: true }) });
export const stateQuery = z.strictObject({ at: z.iso.datetime({ offset: true }) });
