import { z } from 'zod';
import { DEVICE_STANDINGS, GATE_LEAVES, PLATFORMS, ROLES } from '../domain/terms.ts';
import { cardTrust, usbSerial } from './device-host.ts';

const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/);

const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/);
const percent = z.int().min(0).max(100);

/**
 * How many tablets of a ward stand ready at a time of day. With `cart`, named as where it was enrolled, it is that cart's alone. Without, it
 * is the ward's, wherever its tablets stand: the carts of the ward meet it together, and so the server counts it once. A cart knows of no
 * other, so each prepares as much of it as it can, and says short of what it lacks alone: where a ward has more than one cart, name the cart.
 * Older stations refuse a bundle that has `cart`; what older bundles and ledgers name is the ward's.
 */
const wardNeed = z.strictObject({ ward: z.string().min(1).max(64), cart: z.string().min(1).max(80).optional(), count: z.int().min(0).max(999), due: timeOfDay });

/** How a cart prepares the morning; what it means stands in domain/rules and domain/night-problem. */
export const overnightRules = z.strictObject({
  from: timeOfDay,
  shift: timeOfDay,
  needs: z.array(wardNeed),
  limits: z.strictObject({ watts: z.number().positive(), megabytesPerSecond: z.number().positive(), tabletMegabytesPerSecond: z.number().positive(), wipes: z.int().min(1).max(99), updates: z.int().min(0).max(99) }),
  band: z.strictObject({ floorPercent: percent, upperPercent: percent, morningPercent: percent }),
  estimate: z.strictObject({ wipeMs: z.int().positive(), wipeMegabytes: z.number().min(0), wipeWatts: z.number().min(0), updateWatts: z.number().min(0), chargeWatts: z.number().min(0), chargePercentPerHour: z.number().positive() }),
  /** Left out: the cart asks for no updates. */
  update: z.strictObject({ megabytes: z.number().min(0), installMs: z.int().positive() }).optional(),
  wipeBoundsMs: z.strictObject({ least: z.int().positive(), most: z.int().positive() }),
});

/** Rules a tenant sets. Durations in milliseconds unless the name says otherwise. */
export const rules = z.strictObject({
  mandatoryLeaves: z.array(z.enum(GATE_LEAVES)),
  batteryFloorPercent: z.int().min(0).max(100),
  /** A tablet loses at most this much of its charge per hour off the charger; used to age a reading. */
  batteryDriftPercentPerHour: z.int().min(0).max(100),
  evidenceMaxAgeMs: z.int().positive(),
  offerMs: z.int().positive(),
  claimMs: z.int().positive(),
  graceMs: z.int().min(0),
  devicesPerPerson: z.int().min(1).max(10),
  pinLockoutMs: z.int().positive(),
  gapMaxMs: z.int().min(0),
  rebootMaxMs: z.int().min(0),
  sanitizationOverdueMs: z.int().positive(),
  rolesThatMayTake: z.array(z.enum(ROLES)),
  nightFrom: z.string().regex(/^\d\d:\d\d$/),
  nightTo: z.string().regex(/^\d\d:\d\d$/),
  /** A station's ledger key that is older than this is rotated. */
  ledgerKeyLifeMs: z.int().positive().default(90 * 86_400_000),
  /** A card that proved itself owes its own PIN (PIV key 9A) too, outside the grace period. */
  cardPin: z.boolean().default(false),
  overnight: overnightRules.optional(),
});
export type Rules = z.infer<typeof rules>;

/** HMAC-SHA-256 under a badge key, over the upper-case hex of the badge's UID. */
export const badgeNumberHmac = sha256Hex;
/** scrypt N=2^17 r=8 p=1 of PIN ‖ pepper. */
export const pinVerifier = z.strictObject({ salt: z.string().regex(/^[0-9a-f]{32}$/), hash: sha256Hex, pepperVersion: z.int().min(1) });
export type PinVerifier = z.infer<typeof pinVerifier>;

export const staffMember = z.strictObject({
  /** SHA-256(salt ‖ staff id): what the ledger calls this person. */
  actor: sha256Hex,
  /** "Maria K." */
  name: z.string().min(1).max(40),
  roles: z.array(z.enum(ROLES)).min(1),
  wards: z.array(z.string()),
  /** A badge may stand here under each of two live versions of the badge key. */
  badges: z.array(z.strictObject({ hmac: badgeNumberHmac, badgeKeyVersion: z.int().min(1) })),
  /** Absent: no PIN set. */
  pin: pinVerifier.optional(),
  revoked: z.boolean(),
});
export type StaffMember = z.infer<typeof staffMember>;

export const bundleDevice = z.strictObject({
  serial: usbSerial,
  /** The number or name on its back. */
  asset: z.string().max(40),
  ward: z.string(),
  model: z.string().max(80),
  platform: z.enum(PLATFORMS),
  profile: z.string().max(120),
  standing: z.enum(DEVICE_STANDINGS),
});
export type BundleDevice = z.infer<typeof bundleDevice>;

export const serverJwk = z.strictObject({ kid: z.string(), x: z.string(), kty: z.literal('OKP'), crv: z.literal('Ed25519') });

/** Payload of the bundle: a compact JWS (EdDSA), `typ: dockward-bundle+jwt`. */
export const policyBundle = z.strictObject({
  tenant: z.string().max(64),
  stations: z.array(z.string().max(64)),
  version: z.int().min(1),
  issuedAtMs: z.int(),
  expiresAtMs: z.int(),
  /** Of the badge keys and peppers that are live: a station that keeps older ones asks for these (GET /v1/secrets). */
  secretsVersion: z.int().min(1),
  wards: z.array(z.strictObject({ id: z.string(), name: z.string() })),
  staff: z.array(staffMember),
  devices: z.array(bundleDevice),
  rules,
  keys: z.strictObject({
    /** JWKs (OKP Ed25519, public) that sign statements and bundles: while one takes the place of another, both. */
    server: z.array(serverJwk).min(1),
    /** Those that once did. Stations believe them no longer; an auditor reads old bundles with them. */
    formerServer: z.array(serverJwk).default([]),
    /** C2SP vkey of the witness: `<name>+<hex id>+<base64 key>`. */
    witness: z.string(),
    /** Vkeys by which the witness signed before, with the Unix milliseconds when each one stopped. */
    formerWitnesses: z.array(z.strictObject({ vkey: z.string(), untilMs: z.int() })).default([]),
  }),
  /** Whose cards stations believe, and which of them no longer. */
  cards: cardTrust.default({ authorities: [], revoked: [] }),
  /** Ledger keys (C2SP vkeys; a key's name is its ledger's origin) that an administrator wants replaced. A station that signs with one of them rotates it. */
  rotateKeys: z.array(z.strictObject({ vkey: z.string() })).default([]),
  /** Ledger keys of stations on the deny-list: entries from `afterSize` on were never witnessed and are suspect, whoever signed them. `time`: Unix seconds. */
  revokedKeys: z.array(z.strictObject({ origin: z.string(), vkey: z.string(), afterSize: z.int().min(0), time: z.int() })).default([]),
});
export type PolicyBundle = z.infer<typeof policyBundle>;
