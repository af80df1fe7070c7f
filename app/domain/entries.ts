import type { Assurance, BundleRefusal, DeviceStanding, EpochCause, ExposureCause, GateLeafName, Grade, QuarantineReason, RefusalReason, SanitizationFailure, StatementKind, StatementRefusal, UnprovenReason, UpdateFailure } from './terms.ts';
import type { MorningException } from './morning-sheet.ts';
import type { ShortReason } from './night-problem.ts';
import type { NightTally } from './tables.ts';

/** Plain JSON as the ledger can hold it: integers only, no null, no floats (RFC 8785, restricted). */
export type LedgerValue = string | number | boolean | readonly LedgerValue[] | { readonly [key: string]: LedgerValue };

/**
 * Everything a station can record: one row per entry type, with the body it carries.
 * Times inside bodies are Unix milliseconds of the station's wall clock and are evidence, never order.
 * `device` (a USB serial), `actor` (hash of a staff id) and `place` (slot) stand in the envelope, not the body.
 */
export interface EntryBodies {
  'station-started': { program: string; observedGapMs?: number };
  /** First entry of a ledger that took the place of another. */
  'epoch-began': { cause: EpochCause };
  /** Checkpoints of more entries than stand before this one are signed by the key `to`. Keys are C2SP vkeys; what both sign is in ledger/key-rotation.ts. */
  'ledger-key-rotated': { from: string; to: string; oldSignature: string; newSignature: string };
  'clock-stepped': { fromMs: number; toMs: number };
  'host-lost': { cause: string };
  'host-restored': { gapMs: number };
  /** A hub went, and with it at one moment every tablet in its slots; what that means for each is judged and follows. `hub` is its USB port path. */
  'hub-lost': { hub: string; slots: readonly number[] };
  'hub-restored': { hub: string };
  /** The ledger could not be written for so long; what happened meanwhile is found by comparing the slots, in the entries that follow. */
  'recording-resumed': { gapMs: number };
  'bundle-accepted': { version: number; issuedAtMs: number; expiresAtMs: number; digest: string };
  'bundle-refused': { reason: BundleRefusal; digest: string };
  /** A bundle that could not be used was signed by the server all the same and revokes this person: that much of it is believed. */
  'staff-revoked': { bundleVersion: number };
  'device-admitted': { asset: string; ward: string; model: string; profile: string; bundleVersion: number };
  'device-standing': { standing: DeviceStanding; bundleVersion: number };
  'tap-refused': { reason: RefusalReason; assurance: Assurance; reader: string; count: number };
  'pin-attempted': { attempt: number };
  'pin-accepted': { attempt: number };
  'pin-refused': { attempt: number; locked: boolean; lockedUntilMs: number };
  offered: { offer: string; release: string; assurance: Assurance; stale: boolean; request: string; chargePercent: number; untilMs: number };
  'offer-lapsed': { offer: string; cause: 'not-pulled' | 'cancelled' | 'restart' | 'slot-lost' };
  released: { release: string; offer: string; how: 'offered' | 'other-clean'; offeredSlot: number };
  'wrong-pull': { offer: string; offeredSlot: number; release: string; reasons: readonly UnprovenReason[] };
  'unidentified-removal': { release: string; claimUntilMs: number };
  'removal-claimed': { release: string; owed: boolean };
  'removal-unclaimed': { release: string };
  /**
   * The server stated that the device was put into another cart, and so that this release is over; `seq` and `leaf` name that
   * cart's entry in the ledger `origin`. `claimedMs` is that cart's clock, the bounds and `issuedAtMs` the server's.
   */
  'returned-elsewhere': { release: string; atStation: string; origin: string; seq: number; leaf: string; claimedMs: number; notBeforeMs?: number; notAfterMs?: number; issuedAtMs: number; digest: string };
  returned: { release?: string; how: 'return' | 'put-back' | 'found' | 'unheld'; fault?: string };
  /** Its label was scanned at the cart while it was out: it is said to be back and has no power to say so. It ends nothing; its own serial in a slot does. */
  'return-stated': { release: string; label: string };
  'foreign-docked': { standing: 'unknown' | 'other-ward' | 'lost' | 'retired' };
  'dock-unreadable': { waitedMs: number };
  absent: { request: string; sinceMs: number };
  reappeared: { request: string; absenceMs: number };
  /** `gapMs` is left out where the length of the gap cannot be known (another boot). */
  exposed: { cause: ExposureCause; gapMs?: number };
  'sanitization-requested': { request: string; nonce: string; exposure: string; attempt: number };
  'statement-accepted': { kind: StatementKind; request: string; digest: string; issuedAtMs: number; facts: { readonly [key: string]: LedgerValue } };
  'statement-refused': { reason: StatementRefusal; digest: string };
  'sanitization-failed': { request: string; reason: SanitizationFailure };
  /**
   * All that policy wants proven of the wipe `request` is proven: the certificate of sanitization (NIST SP 800-88) is over this entry.
   * `asked` and `exposure` are the leaves of the request and of the exposure that it answers; `proven` names what holds, policy or not.
   */
  sanitized: { request: string; nonce: string; asked: string; exposure: string; attempt: number; grade: Grade; proven: readonly GateLeafName[]; command: string; previous: string; enrolment?: string; confirmedMdmMs: number; enrolledMdmMs?: number };
  quarantined: { reason: QuarantineReason };
  /** The cart asks that a tablet's operating system be updated: nobody is offered it until there is an outcome. */
  'update-requested': { request: string; nonce: string };
  /** The server stated that it is: the versions before and after in the words of the MDM. */
  updated: { request: string; before: string; after: string; issuedAtMs: number; digest: string };
  /** Stated by the server, or found by the cart, which waits no longer (`timed-out`) or no longer has the tablet (`interrupted`). */
  'update-failed': { request: string; reason: UpdateFailure };
  /** The power of a slot's port was taken and given again, so that a tablet that does not answer begins anew. It follows the request that is tried again. */
  'port-cycled': { request: string; outcome: 'cycled' | 'refused' };
  /** The window opened in which the cart prepares the morning. `shiftMs`: when it has to be ready. */
  'night-began': { shiftMs: number; needs: readonly WardNeed[]; owed: number };
  /** By the plan a ward will be short in the morning: told once a night and ward, to a person who can act. */
  'need-threatened': { ward: string; shortBy: number; dueMs: number; because: ShortReason };
  /** The morning sheet as the cart gave it at the start of the shift; `more`: exceptions that had no room in the entry. */
  'night-ended': { fromMs: number; shiftMs: number; needs: readonly (WardNeed & { readonly ready: number })[]; exceptions: readonly MorningException[]; more: number; done: NightTally };
}

/** `cart`: the need is this cart's alone, by name; left out, the ward's. */
export type WardNeed = { readonly ward: string; readonly cart?: string; readonly count: number; readonly dueMs: number };

export type EntryType = keyof EntryBodies;

/** What the rules ask the ledger to record. `covered` demands a signed checkpoint over it in the same transaction. */
export type EntryDraft = {
  [T in EntryType]: {
    readonly type: T;
    readonly body: EntryBodies[T];
    /** USB serial of the device concerned. */
    readonly device?: string;
    /** SHA-256(salt ‖ staff id), hex. */
    readonly actor?: string;
    readonly slot?: number;
    readonly covered?: boolean;
  };
}[EntryType];

/** An entry as recorded: `leaf` is hex SHA-256(0x00‖bytes), `atMs` the wall clock of the hybrid logical clock. */
export type RecordedEntry = EntryDraft & { readonly seq: number; readonly leaf: string; readonly atMs: number; readonly station: string };
