import { append, EMPTY_FRONTIER, nodeHash, rootOf, type Hash } from './merkle.ts';

/** The leaves `start` to `end` (exclusive); their subtree's root is one hash of a proof. */
export interface LeafRange {
  readonly start: number;
  readonly end: number;
}

/** Gives the leaf hash at an index of the tree. */
export type LeafSource = (index: number) => Hash;

/** The subtrees whose roots prove that leaf `index` is in the tree of `size` (RFC 6962 2.1.1), lowest first. */
export function inclusionRanges(index: number, size: number): readonly LeafRange[] {
  assertSizes(index >= 0 && index < size, `no leaf ${index} in a tree of ${size}`);
  const ranges: LeafRange[] = [];
  let start = 0;
  let end = size;
  while (end - start > 1) {
    const middle = start + splitOf(end - start);
    if (index < middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  return ranges.reverse();
}

/** The subtrees whose roots prove that the tree of `oldSize` is a prefix of the tree of `size` (RFC 6962 2.1.2). */
export function consistencyRanges(oldSize: number, size: number): readonly LeafRange[] {
  assertSizes(oldSize > 0 && oldSize <= size, `no consistency proof from ${oldSize} to ${size}`);
  const ranges: LeafRange[] = [];
  let start = 0;
  let end = size;
  while (oldSize < end) {
    const middle = start + splitOf(end - start);
    if (oldSize <= middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  // The old tree's own last subtree is known to the verifier only where it is the whole old tree.
  if (start > 0) ranges.push({ start, end });
  return ranges.reverse();
}

/** Root of the subtree over a range of leaves. */
export function subtreeRoot(range: LeafRange, leafAt: LeafSource): Hash {
  let frontier = EMPTY_FRONTIER;
  for (let index = range.start; index < range.end; index += 1) frontier = append(frontier, leafAt(index));
  return rootOf(frontier);
}

/** Audit path of leaf `index` in the tree of `size`. Reads every other leaf once: O(size). */
export function inclusionProof(index: number, size: number, leafAt: LeafSource): readonly Hash[] {
  return inclusionRanges(index, size).map((range) => subtreeRoot(range, leafAt));
}

/** Consistency proof between two sizes of one tree. O(size). */
export function consistencyProof(oldSize: number, size: number, leafAt: LeafSource): readonly Hash[] {
  return consistencyRanges(oldSize, size).map((range) => subtreeRoot(range, leafAt));
}

/** Whether `proof` shows `leaf` at `index` of the tree with this root (RFC 9162 2.1.3.2). */
export function verifyInclusion(index: number, size: number, leaf: Hash, proof: readonly Hash[], root: Hash): boolean {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return false;
  let node = index;
  let last = size - 1;
  let computed = leaf;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      computed = nodeHash(sibling, computed);
      while (node % 2 === 0 && node !== 0) {
        node = half(node);
        last = half(last);
      }
    } else {
      computed = nodeHash(computed, sibling);
    }
    node = half(node);
    last = half(last);
  }
  return last === 0 && computed.equals(root);
}

/** Whether `proof` shows that the tree of `oldSize` is a prefix of the tree of `size` (RFC 9162 2.1.4.2). */
export function verifyConsistency(oldSize: number, oldRoot: Hash, size: number, root: Hash, proof: readonly Hash[]): boolean {
  if (!Number.isSafeInteger(oldSize) || !Number.isSafeInteger(size) || oldSize < 1 || oldSize > size) return false;
  if (oldSize === size) return proof.length === 0 && oldRoot.equals(root);
  const path = isPowerOfTwo(oldSize) ? [oldRoot, ...proof] : proof;
  const [first, ...rest] = path;
  if (first === undefined) return false;
  let node = oldSize - 1;
  let last = size - 1;
  while (node % 2 === 1) {
    node = half(node);
    last = half(last);
  }
  let fromOld = first;
  let fromNew = first;
  for (const sibling of rest) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      fromOld = nodeHash(sibling, fromOld);
      fromNew = nodeHash(sibling, fromNew);
      while (node % 2 === 0 && node !== 0) {
        node = half(node);
        last = half(last);
      }
    } else {
      fromNew = nodeHash(fromNew, sibling);
    }
    node = half(node);
    last = half(last);
  }
  return last === 0 && fromOld.equals(oldRoot) && fromNew.equals(root);
}

/** Largest power of two smaller than `width`. */
function splitOf(width: number): number {
  let split = 1;
  while (split * 2 < width) split *= 2;
  return split;
}

const half = (value: number): number => Math.floor(value / 2);

const isPowerOfTwo = (value: number): boolean => Number.isInteger(Math.log2(value)) && 2 ** Math.round(Math.log2(value)) === value;

function assertSizes(holds: boolean, message: string): void {
  if (!holds) throw new RangeError(message);
}
