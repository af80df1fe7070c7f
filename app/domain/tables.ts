import type { DeviceStanding, ExposureCause, Grade, QuarantineReason, SanitizationFailure, UpdateFailure, UpdateStanding } from './terms.ts';

/** Somebody scanned its label at the cart: it is said to be back, and cannot tell so itself before it has power. Who had it answers for it until then. */
interface SaidBack {
  readonly saidBackMs?: number;
}

/** Who answers for a device, as the ledger tells it. */
export type Custody =
  | { readonly kind: 'cart'; readonly slot: number; readonly sinceMs: number }
  /** `owed`: pulled though not proven clean; it must come back to this slot. */
  | ({ readonly kind: 'person'; readonly actor: string; readonly release: string; readonly sinceMs: number; readonly slot: number; readonly owed: boolean } & SaidBack)
  | ({ readonly kind: 'unidentified'; readonly release: string; readonly slot: number; readonly sinceMs: number; readonly claimUntilMs: number } & SaidBack)
  | ({ readonly kind: 'ward'; readonly release: string; readonly sinceMs: number } & SaidBack)
  /** Away during an open sanitization or OS update, within the time a reboot may take. */
  | { readonly kind: 'rebooting'; readonly slot: number; readonly sinceMs: number; readonly request: string }
  /** The server stated that it was put into the cart of `station`; nobody here answers for it any more. */
  | { readonly kind: 'elsewhere'; readonly station: string; readonly release: string; readonly sinceMs: number }
  | { readonly kind: 'unseen' };

/** The last time the device was, or may have been, out of the cart's sight. `leaf` is what a sanitization must cite. */
export interface Exposure {
  readonly leaf: string;
  readonly seq: number;
  readonly cause: ExposureCause;
  readonly atMs: number;
}

/** The latest sanitization request; evidence counts only for this one. */
export interface SanitizationRequest {
  readonly request: string;
  readonly nonce: string;
  readonly leaf: string;
  /** Leaf of the exposure that it answers. */
  readonly exposure: string;
  readonly atMs: number;
  readonly attempt: number;
  /** Sequence number of this request, or of the device's last reappearance during it: a new enrolment must be later. */
  readonly settledSeq: number;
  readonly failure?: SanitizationFailure;
  readonly failedAtMs?: number;
  /** What became of its port's power, which is switched off and on before a second attempt. */
  readonly cycled?: 'cycled' | 'refused';
}

/** Leaf facts stated by the server about the current request. `atMs`: when the statement was issued, trusted time. */
export interface Evidence {
  readonly wipe?: { readonly atMs: number; readonly enrolment: string; readonly command: string; readonly issuedMdmMs: number; readonly confirmedMdmMs: number };
  /** `fresh` was judged when it arrived: the enrolment had never been seen for this device before. */
  readonly enrolment?: { readonly atMs: number; readonly enrolment: string; readonly previous: string; readonly command: string; readonly issuedMdmMs: number; readonly enrolledMdmMs: number; readonly unseenAtSize: number; readonly fresh: boolean };
  readonly revocation?: { readonly atMs: number; readonly previous: string };
  readonly queue?: { readonly atMs: number; readonly enrolment: string; readonly unlockTokenKept: boolean };
  readonly profile?: { readonly atMs: number; readonly enrolment: string; readonly profile: string };
  readonly posture?: { readonly atMs: number; readonly enrolment: string; readonly osAtFloor: boolean; readonly compliant: boolean; readonly rooted: boolean; readonly adbEnabled: boolean; readonly update?: UpdateStanding };
}

/** The latest OS update asked for. What it may change, the profile and the posture, is stated anew once it is over. */
export interface OsUpdate {
  readonly request: string;
  readonly nonce: string;
  readonly seq: number;
  readonly atMs: number;
  /** Sequence number of its last return from an absence that the update was to explain. */
  readonly backSeq?: number;
  /** Left out while it is open. */
  readonly outcome?: 'updated' | UpdateFailure;
  /** The station's wall clock. */
  readonly endedAtMs?: number;
}

export interface DeviceRow {
  readonly serial: string;
  readonly asset: string;
  readonly ward: string;
  readonly model: string;
  readonly profile: string;
  readonly standing: DeviceStanding;
  readonly custody: Custody;
  readonly exposure?: Exposure;
  readonly request?: SanitizationRequest;
  readonly evidence: Evidence;
  /** The request whose proof is complete and recorded, and the entry that says so. */
  readonly sanitized?: { readonly request: string; readonly leaf: string; readonly seq: number; readonly atMs: number; readonly grade: Grade };
  readonly update?: OsUpdate;
  readonly quarantine?: { readonly reason: QuarantineReason; readonly atMs: number };
}

/** An authorization still open: made, not yet pulled, lapsed or superseded. */
export interface OfferRow {
  readonly offer: string;
  readonly release: string;
  readonly serial: string;
  readonly slot: number;
  readonly actor: string;
  readonly untilMs: number;
}

/** One person's PIN standing at this cart. */
export interface PersonRow {
  readonly actor: string;
  /** Attempts since the last accepted PIN. */
  readonly attempts: number;
  readonly lockedUntilMs?: number;
  readonly lastPinAtMs?: number;
  /** Revoked by a bundle that could not be used otherwise; a bundle accepted at this version or a later one decides anew. */
  readonly revokedInVersion?: number;
}

/** The enrolments last stated for a device, at most `ENROLMENTS_KEPT`, the newest last; an older one is refused by its time and by the server, which keeps all. */
export interface EnrolmentRow {
  readonly serial: string;
  readonly stated: readonly { readonly enrolment: string; readonly request: string }[];
}
export const ENROLMENTS_KEPT = 32;

/** What went wrong in one slot since something last went right there. */
export interface SlotRow {
  readonly slot: number;
  /** Oldest first. */
  readonly troubles: readonly SlotTrouble[];
}

export interface SlotTrouble {
  readonly kind: 'wipe-failed' | 'unreadable';
  /** Absent where it told none. */
  readonly serial?: string;
  readonly atMs: number;
}

/** How long the last sanitizations of a model took, from the request to the complete proof, milliseconds, newest last. */
export interface ModelRow {
  readonly model: string;
  readonly tookMs: readonly number[];
}

export interface NightTally {
  readonly sanitized: number;
  readonly failed: number;
  readonly quarantined: number;
  readonly starts: number;
  /** Left out: none. */
  readonly updated?: number;
  readonly notUpdated?: number;
}

/** One night's preparation of the morning. */
export interface NightRow {
  readonly beganAtMs: number;
  readonly beganSeq: number;
  readonly shiftMs: number;
  readonly needs: readonly { readonly ward: string; readonly cart?: string; readonly count: number; readonly dueMs: number; readonly ready?: number }[];
  /** Wards of which it was told that they will be short. */
  readonly threatened: readonly string[];
  /** Counted while it lasts. `starts`: of the station's program, so power cuts and crashes. */
  readonly tally: NightTally;
  readonly endedAtMs?: number;
}

/** One row, key `cart`. */
export interface CartRow {
  /** The night that is on, or the last one. */
  readonly night?: NightRow;
  readonly bundle?: { readonly version: number; readonly issuedAtMs: number; readonly expiresAtMs: number; readonly digest: string };
}

export interface Tables {
  readonly device: DeviceRow;
  readonly offer: OfferRow;
  readonly person: PersonRow;
  readonly enrolment: EnrolmentRow;
  readonly cart: CartRow;
  readonly slot: SlotRow;
  readonly model: ModelRow;
}
export type TableName = keyof Tables;
export const TABLE_NAMES = ['device', 'offer', 'person', 'enrolment', 'cart', 'slot', 'model'] as const satisfies readonly TableName[];

/** What the fold reads: the tables as they stand after every entry before this one. */
export interface CartView {
  get<T extends TableName>(table: T, key: string): Tables[T] | undefined;
  all<T extends TableName>(table: T): Iterable<Tables[T]>;
}

/** One row written or removed by the fold; storage applies it in the transaction of the entry. */
export type Change = { readonly [T in TableName]: { readonly table: T; readonly key: string; readonly row: Tables[T] | undefined } }[TableName];
