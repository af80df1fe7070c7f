import { openCheckpoint, type Checkpoint, type CheckpointFault } from './checkpoint.ts';
import { NO_PREVIOUS, parseEntry, type EntryFault, type HybridTime } from './entry.ts';
import { append, EMPTY_FRONTIER, leafHash, rootOf, type Frontier } from './merkle.ts';
import type { VerifierKey } from './note.ts';

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
  /** Entries taken so far. */
  readonly size: number;
  /** Compares what was taken with a signed checkpoint of it. */
  finish(note: string, key: VerifierKey): { readonly finding: LedgerFinding } | { readonly verified: VerifiedLedger };
}

/**
 * Verifies a ledger entry by entry in constant memory: bytes, chain, and at the end root and signature.
 * The entries must start at seq 0.
 */
export function startVerification(): Verification {
  let frontier: Frontier = EMPTY_FRONTIER;
  let prev = NO_PREVIOUS;
  let hlc: HybridTime | undefined;
  let firstMs: number | undefined;
  let station: string | undefined;
  let epoch: number | undefined;

  return {
    get size() {
      return frontier.size;
    },
    push(bytes) {
      const seq = frontier.size;
      const parsed = parseEntry(bytes);
      if (!parsed.ok) return { kind: 'bytes', seq, fault: parsed.reason };
      const entry = parsed.value;
      if (entry.seq !== seq) return { kind: 'chain', seq, field: 'seq' };
      if (entry.prev !== prev) return { kind: 'chain', seq, field: 'prev' };
      if (station !== undefined && entry.station !== station) return { kind: 'chain', seq, field: 'station' };
      if (epoch !== undefined && entry.epoch !== epoch) return { kind: 'chain', seq, field: 'epoch' };
      if (hlc !== undefined && !isAfter(entry.hlc, hlc)) return { kind: 'chain', seq, field: 'hlc' };
      const leaf = leafHash(bytes);
      frontier = append(frontier, leaf);
      prev = leaf.toString('hex');
      ({ hlc, station, epoch } = entry);
      firstMs ??= entry.hlc.ms;
      return undefined;
    },
    finish(note, key) {
      const checkpoint = openCheckpoint(note, key);
      if (!checkpoint.ok) return { finding: { kind: 'signature', fault: checkpoint.reason } };
      if (!covers(checkpoint.value, frontier)) return { finding: { kind: 'root', expectedSize: checkpoint.value.size, size: frontier.size } };
      return { verified: { checkpoint: checkpoint.value, firstMs, lastMs: hlc?.ms } };
    },
  };
}

const covers = (checkpoint: Checkpoint, frontier: Frontier): boolean => checkpoint.size === frontier.size && checkpoint.root.equals(rootOf(frontier));

const isAfter = (later: HybridTime, earlier: HybridTime): boolean => later.ms > earlier.ms || (later.ms === earlier.ms && later.n > earlier.n);
