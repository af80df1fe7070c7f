import type { RecordedEntry } from '../domain/entries.ts';
import type { Change } from '../domain/tables.ts';
import type { LedgerEntry } from '../ledger/entry.ts';
import type { Subtree } from '../ledger/subtrees.ts';
import type { LedgerKey } from './key-ranges.ts';
import type { OriginRows } from './projection-store.ts';
import type { Accepted, Incident, OriginRow } from './witness.ts';
import type { Found } from './poison.ts';

/** Thrown by a store for a value that it has no place for (a NUL character in a text, a number out of range): the value is at fault, not the store. */
export class Unstorable extends Error {
  override readonly name = 'Unstorable';
}

/** What entries change beyond being held. `healthy` are those that could be read and folded, in order. */
export interface Effects {
  readonly station: string;
  readonly origin: string;
  readonly changes: readonly Change[];
  readonly healthy: readonly { readonly entry: LedgerEntry; readonly recorded: RecordedEntry }[];
}

/** What an origin's row says after an upload. */
export interface Cosigned {
  readonly size: number;
  readonly frontier: Buffer;
  /** Those that the upload completed: what tiles and proofs are made of. */
  readonly subtrees: readonly Subtree[];
  readonly lastLeaf: string | null;
  readonly checkpoint: string;
  readonly cosignature: string;
}

/** One transaction of the witness. Times are Unix milliseconds. */
export interface WitnessTransaction {
  /** Reads what is held of a ledger and keeps others out of it until the transaction ends. */
  lockOrigin(origin: string): Promise<OriginRow | undefined>;
  /** The bytes of the entries `from` ≤ seq < `to`, in order. */
  heldEntries(origin: string, from: number, to: number): Promise<readonly Buffer[]>;
  projection(origin: string, size: number, refolded: number): Promise<OriginRows>;
  /** Every entry of the tree, poison too: its bytes are what auditors get. */
  insertEntries(origin: string, accepted: readonly Accepted[], nowMs: number): Promise<void>;
  saveEffects(effects: Effects, nowMs: number): Promise<void>;
  /** The keys by which the ledger has come to be signed. */
  saveRotations(origin: string, keys: readonly LedgerKey[], nowMs: number): Promise<void>;
  setAside(origin: string, found: readonly Found[], nowMs: number): Promise<void>;
  saveCosigned(origin: string, cosigned: Cosigned, nowMs: number): Promise<void>;
  /** Runs `work`; where a value of it is `Unstorable`, undoes `work` alone and gives that error. */
  attempt(work: () => Promise<void>): Promise<Unstorable | undefined>;
}

/**
 * Where the witness keeps what it saw: PostgreSQL in production (`witness-postgres.ts`), memory in the simulation. A
 * transaction is durable when `transaction` resolves, and has left nothing behind when it rejects.
 */
export interface WitnessStore {
  transaction<T>(work: (transaction: WitnessTransaction) => Promise<T>): Promise<T>;
  recordIncident(incident: Incident, nowMs: number): Promise<void>;
}
