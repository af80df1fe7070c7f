import { z } from 'zod';
import { ASSURANCES } from '../domain/terms.ts';

/**
 * Why a card in the field is no tap. The last four are of PIV cards that were asked to prove themselves: the key does not fit the
 * certificate (a copy); revoked; not valid now; from no authority of the policy bundle.
 */
export const UNREADABLE_CAUSES = ['mute', 'removed', 'random-uid', 'protocol', 'uid-length', 'card-forged', 'card-revoked', 'card-expired', 'card-untrusted'] as const;

/** Upper-case hex of a badge's bytes. It crosses from host to station in memory and is never stored. */
const hexBytes = z.string().regex(/^(?:[0-9A-F]{2}){4,32}$/);
export const slotNumber = z.int().min(1).max(99);
/** USB serial as the tablet reports it. */
export const usbSerial = z.string().min(1).max(64).regex(/^[\x21-\x7e]+$/);

/** Printable ASCII, trimmed. */
export const assetLabel = z.string().min(1).max(64).regex(/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/);

export const slotState = z.strictObject({
  slot: slotNumber,
  /** True while something is enumerated or draws current in the slot. */
  present: z.boolean(),
  /** Absent while the tablet has not told its serial (not enumerated, charge-only, broken cable). */
  serial: usbSerial.optional(),
  /**
   * Names this stay on the bus: another one after each detachment within a boot of the machine, also after one that nobody
   * watched. Absent where the platform tells nothing of the kind.
   */
  attachment: z.string().min(1).max(32).regex(/^[\x21-\x7e]+$/).optional(),
  /** Whole per cent, from the hub or the tablet; `atMs` of the host's monotonic clock. */
  battery: z.strictObject({ percent: z.int().min(0).max(100), monoMs: z.int().min(0) }).optional(),
});
export type SlotState = z.infer<typeof slotState>;

/** Where a fact about a tablet comes from. */
export const FACT_SOURCES = ['adb', 'lockdown'] as const;
/** Why a tablet that is there tells nothing: it does not trust this cart, it is not ready (rebooting, asleep), or it does not answer. */
export const TABLET_STANDINGS = ['read', 'unauthorised', 'offline', 'unreadable', 'gone'] as const;
const shortText = z.string().min(1).max(120);
/** What a tablet tells of itself; what it does not tell is left out. A hardened one tells nothing. */
export const BATTERY_HEALTH = ['good', 'overheated', 'cold', 'dead', 'over-voltage'] as const;

export const tabletFacts = z.strictObject({
  manufacturer: shortText.optional(),
  model: shortText.optional(),
  osVersion: shortText.optional(),
  build: shortText.optional(),
  /** Android's patch level, YYYY-MM-DD. */
  securityPatch: z.string().regex(/^\d{4}-\d\d-\d\d$/).optional(),
  /** Android Verified Boot: green is the maker's own system behind a locked bootloader. */
  verifiedBoot: z.enum(['green', 'yellow', 'orange', 'red']).optional(),
  /** The setup assistant is done. */
  provisioned: z.boolean().optional(),
  /** Apple's activation state: `Activated`, `Unactivated`… */
  activation: shortText.optional(),
  batteryPercent: z.int().min(0).max(100).optional(),
  charging: z.boolean().optional(),
  /** Of the battery itself, rounded towards zero. */
  batteryCelsius: z.int().min(-50).max(150).optional(),
  /** As the tablet's own battery controller judges it. */
  batteryHealth: z.enum(BATTERY_HEALTH).optional(),
});
export type TabletFacts = z.infer<typeof tabletFacts>;

/** What a hub measures at one slot's port; what it cannot measure is left out. */
export const portReading = z.strictObject({
  milliamps: z.int().min(0).max(20_000).optional(),
  /** Since the device in it was attached. */
  milliwattHours: z.int().min(0).optional(),
  celsius: z.int().min(-50).max(150).optional(),
  batteryPercent: z.int().min(0).max(100).optional(),
  /** The hub has switched the port off, or says that it is broken: over-current, under-voltage… */
  fault: shortText.optional(),
  power: z.enum(['charge', 'sync', 'off']).optional(),
});
export type PortReading = z.infer<typeof portReading>;

/** What the device host tells the station. Every event carries the host's monotonic time in whole milliseconds. */
export const hostEvent = z.discriminatedUnion('event', [
  z.strictObject({ event: z.literal('hello'), monoMs: z.int().min(0), version: z.string(), pid: z.int(), adapters: z.array(z.strictObject({ name: z.string(), state: z.enum(['working', 'absent', 'failing']), detail: z.string().max(300).optional() })) }),
  z.strictObject({ event: z.literal('heartbeat'), monoMs: z.int().min(0) }),
  z.strictObject({ event: z.literal('adapter'), monoMs: z.int().min(0), name: z.string(), state: z.enum(['working', 'absent', 'failing']), detail: z.string().max(300).optional() }),
  z.strictObject({ event: z.literal('reader'), monoMs: z.int().min(0), reader: z.string().max(200), state: z.enum(['present', 'gone']) }),
  z.strictObject({
    event: z.literal('tap'),
    monoMs: z.int().min(0),
    /** Unique per run of the host. */
    tap: z.string().max(64),
    reader: z.string().max(200),
    assurance: z.enum(ASSURANCES),
    uid: hexBytes,
  }),
  /** A card was in the field and could not be read. */
  z.strictObject({ event: z.literal('tap-unreadable'), monoMs: z.int().min(0), reader: z.string().max(200), cause: z.enum(UNREADABLE_CAUSES) }),
  z.strictObject({ event: z.literal('card-removed'), monoMs: z.int().min(0), reader: z.string().max(200) }),
  /** A bar code that was scanned and may be an asset label. What it names, if anything, the station finds out. */
  z.strictObject({ event: z.literal('label'), monoMs: z.int().min(0), scanner: z.string().max(200), label: assetLabel }),
  /** The whole cart, sent after every (re)connection and on demand; replaces all the station knew of the slots. */
  z.strictObject({ event: z.literal('slots'), monoMs: z.int().min(0), slots: z.array(slotState).max(99) }),
  z.strictObject({ event: z.literal('slot'), monoMs: z.int().min(0), ...slotState.shape }),
  /** A hub went, and with it at one moment every slot that hangs on it; or it is back. Told before the slots' own changes. */
  z.strictObject({ event: z.literal('hub'), monoMs: z.int().min(0), hub: z.string().max(64), state: z.enum(['present', 'gone']), slots: z.array(slotNumber).max(99) }),
  /** Told on every change that matters and at least once a minute while the hub is seen. `readMonoMs`: when it was measured. */
  z.strictObject({ event: z.literal('port'), monoMs: z.int().min(0), slot: slotNumber, readMonoMs: z.int().min(0), reading: portReading }),
  /** By USB serial, never by slot. `facts` hold what has just been read, at `readMonoMs`; empty unless `read`. */
  z.strictObject({ event: z.literal('tablet'), monoMs: z.int().min(0), serial: usbSerial, source: z.enum(FACT_SOURCES), standing: z.enum(TABLET_STANDINGS), readMonoMs: z.int().min(0), facts: tabletFacts }),
]);
export type HostEvent = z.infer<typeof hostEvent>;

/**
 * What a host needs to prove PIV cards: the station passes it on from its policy bundle, each time the host starts and each time it
 * changes. Until then, and where `authorities` is empty, cards are read by their UID alone.
 */
export const badgeTrust = z.strictObject({
  /** X.509 certificates, base64 DER: roots and what stands between them and the cards. */
  authorities: z.array(z.base64()).max(32),
  /** Serial numbers (upper-case hex, no leading zeros) of certificates that are no longer valid, under the authority that issued them: the SHA-256 of its certificate, hex. */
  revoked: z.array(z.strictObject({ authority: z.string().regex(/^[0-9a-f]{64}$/), serials: z.array(z.string().regex(/^[1-9A-F][0-9A-F]{0,39}$/)).max(100_000) })).max(32),
  /** Trusted time when it was sent, Unix milliseconds. */
  nowMs: z.int(),
});
export type BadgeTrust = z.infer<typeof badgeTrust>;
/** The same as a policy bundle carries it. */
export const cardTrust = badgeTrust.omit({ nowMs: true });
export type CardTrust = z.infer<typeof cardTrust>;

export const LIGHTS = ['off', 'take', 'put-back', 'attention'] as const;
export const hostCommand = z.discriminatedUnion('command', [
  z.strictObject({ command: z.literal('light'), slot: slotNumber, light: z.enum(LIGHTS) }),
  z.strictObject({ command: z.literal('port-power'), slot: slotNumber, on: z.boolean() }),
  z.strictObject({ command: z.literal('slots') }),
  z.strictObject({ command: z.literal('badge-trust'), trust: badgeTrust }),
  /** The holder's PIN for the card of this tap (PIV key 9A), which must still be there. Never logged. */
  z.strictObject({ command: z.literal('card-pin'), tap: z.string().max(64), pin: z.string().regex(/^\d{6,8}$/) }),
]);
export type HostCommand = z.infer<typeof hostCommand>;

/** Commands are answered with the same id; a refusal names why, nothing hangs. */
export const hostRequest = z.strictObject({ id: z.int().min(1), request: hostCommand });
export const HOST_REFUSALS = ['no-light', 'no-power-control', 'no-slot', 'adapter-failing', 'card-gone', 'card-pin-wrong', 'card-pin-blocked', 'card-has-no-pin'] as const;
export const hostReply = z.union([
  z.strictObject({ id: z.int().min(1), ok: z.literal(true) }),
  z.strictObject({ id: z.int().min(1), ok: z.literal(false), reason: z.enum(HOST_REFUSALS) }),
]);
/** Everything a host sends is one of these two. */
export const hostMessage = z.union([hostEvent, hostReply]);
