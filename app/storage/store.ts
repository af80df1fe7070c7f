import type { KeyObject } from 'node:crypto';
import type { EntryDraft, RecordedEntry } from '../domain/entries.ts';
import type { Result } from '../domain/result.ts';
import type { CartView, Change } from '../domain/tables.ts';

/** Why a ledger cannot be opened. None of them changes a byte of what is on disk. `other-epoch`: it is another life of this station's ledger; `other-key`: it is signed by none of the keys given. */
export const OPEN_FAILURES = ['unreadable', 'newer-schema', 'old-sqlite', 'other-ledger', 'other-epoch', 'other-key', 'no-space', 'no-permission', 'locked'] as const;
export type OpenFailure = (typeof OPEN_FAILURES)[number];

/** Why an append did not become durable; nothing of it is in the ledger. `no-space` may heal by itself, `io` may not. */
export const APPEND_FAILURES = ['no-space', 'io'] as const;
export type AppendFailure = (typeof APPEND_FAILURES)[number];

export interface StoreClock {
  /** Unix milliseconds of the wall clock. */
  wallMs(): number;
  /** Milliseconds since boot, suspend included; never goes back within one `bootId`. */
  monoMs(): number;
  readonly bootId: string;
}

/** The domain's fold: the rows that change when `entry` is recorded on top of `view`. Pure; if it throws, the append is refused with that error. */
export type Project = (view: CartView, entry: RecordedEntry) => readonly Change[];

export interface StoreOptions {
  /** Database file; its folder must exist. */
  readonly path: string;
  readonly station: string;
  readonly epoch: number;
  /** C2SP origin, `<tenant>/station/<station>/e<epoch>`; also the name of the signing key. */
  readonly origin: string;
  /** Ed25519 private key. */
  readonly signingKey: KeyObject;
  /** The key that was made to take its place: the ledger itself says whether it has. */
  readonly nextKey?: KeyObject | undefined;
  readonly project: Project;
  readonly clock: StoreClock;
  /** Told once when the database can no longer be trusted to hold what memory shows (a failed rollback); every later call is refused with `io`. */
  readonly onFatal?: (error: Error) => void;
}

export interface AppendOptions {
  /** Metadata written in the same transaction as the entries. */
  readonly meta?: Readonly<Record<string, string>>;
}

/** A checkpoint of this ledger over its first `size` entries: a C2SP signed note. */
export interface SignedCheckpoint {
  readonly size: number;
  readonly note: string;
}

/** A ledger key (C2SP vkey) that signs checkpoints of more than `from` entries, until the next one does. */
export interface StoredRange {
  readonly vkey: string;
  readonly from: number;
}

/** How far the server has cosigned: the acknowledgement of sync. `atMs` is the cosignature's own time. */
export interface Acknowledged {
  readonly size: number;
  readonly cosignature?: string;
  readonly atMs?: number;
}

export interface StoredBytes {
  readonly seq: number;
  /** The canonical bytes, exactly as they were hashed. */
  readonly bytes: Buffer;
}

export interface Store {
  /**
   * Records all drafts or none, in order, and resolves only when they are durable. Concurrent calls share transactions.
   * A throwing fold or an unrepresentable draft rejects this call alone.
   */
  append(drafts: readonly EntryDraft[], options?: AppendOptions): Promise<Result<readonly RecordedEntry[], AppendFailure>>;
  /** The projections as committed: never shows what is not yet durable. */
  readonly view: CartView;
  /** Committed entries; the next `seq`. */
  size(): number;
  /** Calls `heard` after each transaction that added entries, until the function that it returns is called. */
  onGrowth(heard: () => void): () => void;
  /** RFC 6962 root over the committed entries, hex. */
  root(): string;
  latestCheckpoint(): SignedCheckpoint | undefined;
  /** The newest stored checkpoint over at most `size` entries: what an upload of a part of the ledger goes with. */
  checkpointUpTo(size: number): Promise<SignedCheckpoint | undefined>;
  /** Signs and stores a checkpoint over everything committed; the one that stands if nothing was added since. */
  checkpoint(): Promise<Result<SignedCheckpoint, AppendFailure>>;
  /** By rising `from`; the last one signs now. */
  keyRanges(): readonly StoredRange[];
  /**
   * Records that `next` signs from here on, signed by both keys, with a checkpoint by the new one in the same transaction. The
   * caller keeps `next` durably before and drops the old key after.
   */
  rotateKey(next: KeyObject, options?: AppendOptions): Promise<Result<RecordedEntry, AppendFailure>>;
  /** Up to `limit` entries from `from` on, in order. */
  entries(from: number, limit: number): Promise<readonly StoredBytes[]>;
  recorded(from: number, limit: number): Promise<readonly RecordedEntry[]>;
  /** The newest `limit` entries that name this serial, oldest first. */
  forDevice(serial: string, limit: number): Promise<readonly RecordedEntry[]>;
  /** RFC 6962 audit path of entry `seq` in the tree of the first `size` entries; its cost: `prover.ts`. Throws a RangeError where there is no such entry. */
  inclusionProof(seq: number, size: number): Promise<readonly Buffer[]>;
  acked(): Acknowledged;
  setAcked(size: number, cosignature: string, atMs: number): Promise<Result<void, AppendFailure>>;
  getMeta(key: string): string | undefined;
  setMeta(values: Readonly<Record<string, string>>): Promise<Result<void, AppendFailure>>;
  /** Waits for what was already submitted, then closes and gives up the lock. */
  close(): Promise<void>;
}
