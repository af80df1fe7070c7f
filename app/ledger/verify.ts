import { openCheckpoint, type Checkpoint, type CheckpointFault } from './checkpoint.ts';
import { NO_PREVIOUS, parseEntry, type EntryFault, type LedgerEntry } from './entry.ts';
import { rootOf, type Hash } from './merkle.ts';
import type { VerifierKey } from './note.ts';
import { createTileTree } from './tiles.ts';

/** What can be wrong with a ledger. `seq` names the first bad entry; root and signature are findings about the whole. */
export type LedgerFinding =
  | { readonly kind: 'bytes'; readonly seq: number; readonly fault: EntryFault }
  | { readonly kind: 'chain'; readonly seq: number; readonly field: ChainField }
  | { readonly kind: 'root'; readonly expectedSize: number; readonly size: number }
  | { readonly kind: 'signature'; readonly fault: CheckpointFault };

/** The field by which an entry fails to follow the one before it. */
export type ChainField = 'seq' | 'prev' | 'station' | 'epoch' | 'hlc';

export interface VerifiedLedger {
  readonly checkpoint: Checkpoint;
  readonly firstMs: number | undefined;
  readonly lastMs: number | undefined;
}

export interface Verification {
  /** Takes the bytes of the next entry; the finding, if any, ends the verification: the first bad entry is the answer. */
  push(bytes: Uint8Array): LedgerFinding | undefined;
  /** The same for an entry that has been read and hashed before. */
  pushRead(entry: ReadEntry): LedgerFinding | undefined;
  /** Entries taken so far. */
  readonly size: number;
  /** The entry taken last. */
  readonly last: VerifiedEntry | undefined;
  /** Milliseconds of the first entry's clock. */
  readonly firstMs: number | undefined;
  /** RFC 6962 root over what was taken. */
  root(): Hash;
  /** The unfinished tile of a level (C2SP tlog-tiles). */
  partialTile(level: number): Buffer;
  /** Compares what was taken with a signed checkpoint of it. */
  finish(note: string, key: VerifierKey): { readonly finding: LedgerFinding } | { readonly verified: VerifiedLedger };
}

export interface ReadEntry {
  readonly parsed: ReturnType<typeof parseEntry>;
  readonly leaf: Uint8Array;
  /** Where it is the last of a full tile: the hash of that tile. */
  readonly tileRoot: Uint8Array | undefined;
}

export interface VerifiedEntry {
  readonly entry: LedgerEntry;
  /** Hex. */
  readonly leaf: string;
  /** The tiles of level 1 and above that its leaf completed, lowest first. */
  readonly tiles: readonly Buffer[];
}

/**
 * Verifies a ledger entry by entry in constant memory: bytes, chain, and at the end root and signature.
 * The entries must start at seq 0.
 */
export function startVerification(): Verification {
  const tree = createTileTree();
  let prev = NO_PREVIOUS;
  let last: VerifiedEntry | undefined;
  let firstMs: number | undefined;

  const take = (parsed: ReturnType<typeof parseEntry>, add: () => string): LedgerFinding | undefined => {
    const seq = tree.size;
    if (!parsed.ok) return { kind: 'bytes', seq, fault: parsed.reason };
    const entry = parsed.value;
    const field = entry.seq !== seq ? 'seq' : entry.prev !== prev ? 'prev' : last && unlike(entry, last.entry);
    if (field !== undefined) return { kind: 'chain', seq, field };
    prev = add();
    last = { entry, leaf: prev, tiles: tree.completed };
    firstMs ??= entry.hlc.ms;
    return undefined;
  };

  return {
    get size() {
      return tree.size;
    },
    get last() {
      return last;
    },
    get firstMs() {
      return firstMs;
    },
    root: () => rootOf(tree.frontier()),
    partialTile: (level) => tree.partial(level),
    push: (bytes) => take(parseEntry(bytes, prev), () => tree.add(bytes)),
    pushRead: ({ parsed, leaf, tileRoot }) => take(parsed, () => tree.addHashed(leaf, tileRoot)),
    finish(note, key) {
      const checkpoint = openCheckpoint(note, key);
      if (!checkpoint.ok) return { finding: { kind: 'signature', fault: checkpoint.reason } };
      const { size, root } = checkpoint.value;
      if (size !== tree.size || !root.equals(rootOf(tree.frontier()))) return { finding: { kind: 'root', expectedSize: size, size: tree.size } };
      return { verified: { checkpoint: checkpoint.value, firstMs, lastMs: last?.entry.hlc.ms } };
    },
  };
}

/** What an entry must share with the one before it, and the clock that must have risen. */
function unlike(entry: LedgerEntry, before: LedgerEntry): ChainField | undefined {
  if (entry.station !== before.station) return 'station';
  if (entry.epoch !== before.epoch) return 'epoch';
  return entry.hlc.ms > before.hlc.ms || (entry.hlc.ms === before.hlc.ms && entry.hlc.n > before.hlc.n) ? undefined : 'hlc';
}
