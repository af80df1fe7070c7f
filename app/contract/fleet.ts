import { z } from 'zod';
import { DEVICE_STANDINGS, GRADES, ROLES, SANITIZATION_FAILURES } from '../domain/terms.ts';
import { custodyConflict, holder } from './custody.ts';
import { morningNotice } from './morning.ts';

/** People → central, JSON under /api, cookie session. Errors: status + `{reason, message}`. */
export const signInRequest = z.strictObject({ user: z.string().min(1).max(120), password: z.string().min(1).max(200) });
export const me = z.strictObject({ user: z.string(), roles: z.array(z.enum(ROLES)) });

export const fleetDevice = z.strictObject({
  serial: z.string(),
  asset: z.string(),
  model: z.string(),
  ward: z.string(),
  standing: z.enum(DEVICE_STANDINGS),
  /** Where the ledgers last put it. */
  where: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('cart'), station: z.string(), cart: z.string(), slot: z.int() }),
    z.strictObject({ kind: z.literal('person'), name: z.string(), since: z.string() }),
    z.strictObject({ kind: z.literal('unidentified'), since: z.string() }),
    /**
     * More than one cart claims it: `overlap` where both cannot be true, `undecided` where the order of the two cannot be told
     * from the clocks. `sides`: what each of them says, newest claim first.
     */
    z.strictObject({
      kind: z.literal('conflict'),
      because: z.enum(['overlap', 'undecided']),
      sides: z.array(z.strictObject({ station: z.string(), cart: z.string(), slot: z.int().optional(), holder: holder.optional(), since: z.string() })).min(1),
    }),
    z.strictObject({ kind: z.literal('unknown') }),
  ]),
  /** Present while a conflict about this serial is open (`conflicts`). */
  conflict: z.literal(true).optional(),
  state: z.enum(['proven', 'preparing', 'waiting', 'out', 'quarantined', 'unknown']),
  grade: z.enum(GRADES),
  /** While waiting: the next leaf that is missing; while quarantined: why. */
  reason: z.string().optional(),
  /** Since when it has waited for that. */
  reasonSince: z.string().optional(),
  since: z.string().optional(),
});
export type FleetDevice = z.infer<typeof fleetDevice>;

export const fleetStation = z.strictObject({
  id: z.string(),
  ward: z.string(),
  cart: z.string(),
  shelves: z.array(z.array(z.int())),
  /** Cosigned size of its ledger and when that was; ISO 8601. */
  size: z.int().min(0),
  lastSyncAt: z.string().optional(),
  syncAgeMs: z.int().min(0).optional(),
  certificateUntil: z.string(),
  denied: z.boolean(),
});
export type FleetStation = z.infer<typeof fleetStation>;

export const fleetEvent = z.strictObject({ at: z.string(), station: z.string(), seq: z.int().min(0), type: z.string(), device: z.string().optional(), person: z.string().optional(), slot: z.int().optional(), text: z.string() });
export type FleetEvent = z.infer<typeof fleetEvent>;

const count = z.int().min(0);

/** A cart that was not heard for so long is out of contact: nobody here knows how its night goes. */
export const OUT_OF_CONTACT_MS = 15 * 60_000;

/**
 * The night that is on in a ward's carts, by what their ledgers told: the cart plans, the server does not. Each need counts once: one that
 * names a cart is met there, and more in another cart do not make up for it; one that names none is the ward's, and its carts meet it
 * together. Times are ISO 8601.
 */
export const wardNight = z.strictObject({
  /** The latest of the ward's due times. */
  due: z.string(),
  /** The ward's need, or those of its carts where these are more. */
  needed: count,
  /** The ward's tablets that stand in these carts and are ready now. */
  clean: count,
  /** At least so many will be ready when they are due: of each cart what it was asked for less what it told to be short, or whatever is ready now. */
  expected: count,
  /** So many more, in the carts that lack them, and every need would be met. */
  shortBy: count,
  /** What each cart was asked for, and when its night began. `together`: the need is the ward's, and the other carts prepare it too. */
  carts: z.array(z.strictObject({ station: z.string(), cart: z.string(), needed: count, together: z.literal(true).optional(), began: z.string() })).min(1),
  /** What was told of the ward in this night, oldest first; it stays though it may have been made good since. `madeUp`: the other carts have what it lacks. */
  told: z.array(z.strictObject({ station: z.string(), cart: z.string(), notice: morningNotice, madeUp: z.literal(true).optional() })),
  /** Carts that told something which only a newer server can read: what they expect is not known. */
  unread: z.array(z.string()),
});
export type WardNight = z.infer<typeof wardNight>;

/** GET /api/fleet */
export const fleetView = z.strictObject({
  at: z.string(),
  wards: z.array(z.strictObject({ id: z.string(), name: z.string(), proven: z.int(), preparing: z.int(), waiting: z.int(), out: z.int(), quarantined: z.int(), night: wardNight.optional() })),
  devices: z.array(fleetDevice),
  stations: z.array(fleetStation),
  quarantine: z.array(z.strictObject({ serial: z.string(), asset: z.string(), reason: z.string(), failure: z.enum(SANITIZATION_FAILURES).optional(), since: z.string() })),
  /** Open conflicts, newest first, at most 100. */
  conflicts: z.array(custodyConflict),
});
export type FleetView = z.infer<typeof fleetView>;
/** GET /api/history?device=&limit= → newest first. */
export const fleetHistory = z.strictObject({ events: z.array(fleetEvent) });
