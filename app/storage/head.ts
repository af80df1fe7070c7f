import { NO_PREVIOUS, type HybridTime } from '../ledger/entry.ts';
import { EMPTY_FRONTIER, type Frontier } from '../ledger/merkle.ts';
import type { Acknowledged, SignedCheckpoint } from './store.ts';

/** Where the ledger ends: all that an append needs to know of everything before it. A few hundred bytes at any size. */
export interface Head {
  readonly frontier: Frontier;
  /** Hex leaf of the last entry. */
  readonly prev: string;
  readonly hlc: HybridTime;
  readonly checkpoint: SignedCheckpoint | undefined;
  /** Bytes of the entries that `checkpoint` does not cover yet. */
  readonly uncoveredBytes: number;
  readonly acked: Acknowledged;
}

export const EMPTY_HEAD: Head = { frontier: EMPTY_FRONTIER, prev: NO_PREVIOUS, hlc: { ms: 0, n: 0 }, checkpoint: undefined, uncoveredBytes: 0, acked: { size: 0 } };
