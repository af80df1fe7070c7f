import type { StaffMember } from '../contract/policy-bundle.ts';
import type { Store } from '../storage/store.ts';
import type { Clock } from './clock.ts';

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
  /** HMACs of a badge UID (upper-case hex) under every live badge key. */
  readonly badgeHmacs: (uid: string) => readonly string[];
  /** Checks a PIN against the staff member's verifier; one check at a time. */
  readonly checkPin: (pin: string, verifier: NonNullable<StaffMember['pin']>) => Promise<boolean>;
  /** Keeps the verified bundle (compact JWS) where the next start finds it, durably, before the ledger says so. */
  readonly keepBundle: (jws: string) => Promise<void>;
  readonly log: (line: { readonly level: 'info' | 'warn' | 'error'; readonly what: string; readonly [detail: string]: unknown }) => void;
  /** The unexpected: the process should end and be started again. */
  readonly onFailure: (error: unknown) => void;
}
