import type { PolicyBundle } from '../contract/policy-bundle.ts';
import type { Rekeyed } from '../contract/secrets.ts';
import type { Result } from '../domain/result.ts';
import type { Store } from '../storage/store.ts';
import type { BadgeHmac } from './badge.ts';
import type { Clock } from './clock.ts';
import type { PinChecks } from './pin.ts';

/** Where this station stands and what it calls itself; fixed at enrolment and by its configuration. */
export interface StationPlace {
  readonly tenant: string;
  readonly station: string;
  readonly ward: string;
  readonly cart: string;
  /** Slot numbers shelf by shelf, top to bottom, left to right. */
  readonly shelves: readonly (readonly number[])[];
  readonly timeZone: string;
  readonly language: string;
}

export interface StationDeps {
  readonly place: StationPlace;
  readonly store: Store;
  readonly clock: Clock;
  /** Version of the program, for the ledger. */
  readonly program: string;
  /** Unpredictable identifiers: 128 bits of lower-case hex. */
  readonly randomId: () => string;
  /** HMACs of a badge UID (upper-case hex) under every live badge key, newest first. */
  readonly badgeHmacs: (uid: string) => readonly BadgeHmac[];
  readonly pins: PinChecks;
  /** Takes a badge or PIN to the server under the newest secrets, some time; forgets it with the program. */
  readonly rekeyed: (moved: Rekeyed) => void;
  /** Keeps the verified bundle (compact JWS) where the next start finds it, durably, before the ledger says so. */
  readonly keepBundle: (jws: string, bundle: PolicyBundle) => Promise<void>;
  /**
   * Gives the ledger its next key, `meta` in the transaction of the entry that says so; nothing waits for it. Absent: the key stays.
   */
  readonly rotateLedgerKey?: (meta: Readonly<Record<string, string>>) => Promise<Result<void, string>>;
  readonly log: (line: { readonly level: 'info' | 'warn' | 'error'; readonly what: string; readonly [detail: string]: unknown }) => void;
  /** The unexpected: the process should end and be started again. */
  readonly onFailure: (error: unknown) => void;
}
