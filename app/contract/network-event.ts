import type { BundleRefusal, StatementRefusal } from '../domain/terms.ts';
import type { PolicyBundle } from './policy-bundle.ts';
import type { CustodyClaims, StatementClaims } from './statement.ts';

/** A statement as sync hands it over: its signature was checked, or it was refused and says why. `digest`: SHA-256 of the JWS, hex. */
export type ReceivedStatement = { readonly digest: string; readonly claims: StatementClaims } | { readonly digest: string; readonly custody: CustodyClaims } | { readonly digest: string; readonly refusal: StatementRefusal };
/**
 * A bundle that was refused though the server signed it for this tenant (it has expired, or is for other stations) still says
 * whom it revokes: `version` is its own, `actors` the hashes of the staff ids.
 */
export interface Revocations {
  readonly version: number;
  readonly actors: readonly string[];
}
export type ReceivedBundle = { readonly digest: string; readonly jws: string; readonly bundle: PolicyBundle } | { readonly digest: string; readonly refusal: BundleRefusal; readonly revoked?: Revocations };

/** What sync submits to the station: news from the network, already verified or refused. */
export type NetworkEvent =
  | { readonly kind: 'statements'; readonly statements: readonly ReceivedStatement[]; readonly cursor: number }
  | { readonly kind: 'bundle'; readonly bundle: ReceivedBundle }
  /** The server cosigned; `atMs` is its clock at that moment. */
  | { readonly kind: 'cosigned'; readonly atMs: number }
  | { readonly kind: 'online' }
  | { readonly kind: 'offline' };

/** Where the station keeps how far the server's statements have been taken, in the transaction of the entries they made. */
export const CURSOR_META = 'downlink-cursor';
