import { hash } from 'node:crypto';

/** A SHA-256 hash, 32 bytes. The tree is that of RFC 6962 section 2.1. */
export type Hash = Buffer;

export const HASH_BYTES = 32;
export const EMPTY_ROOT: Hash = hash('sha256', '', 'buffer');

/** SHA-256(0x00 ‖ bytes). */
export function leafHash(bytes: Uint8Array): Hash {
  const prefixed = Buffer.allocUnsafe(bytes.length + 1);
  prefixed[0] = 0;
  prefixed.set(bytes, 1);
  return hash('sha256', prefixed, 'buffer');
}

/** SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Hash, right: Hash): Hash {
  const prefixed = Buffer.allocUnsafe(1 + 2 * HASH_BYTES);
  prefixed[0] = 1;
  prefixed.set(left, 1);
  prefixed.set(right, 1 + HASH_BYTES);
  return hash('sha256', prefixed, 'buffer');
}

/**
 * The compact form of a growing tree: the roots of its perfect subtrees, largest first, one per set bit of the size.
 * Immutable: appending gives a new frontier, so that a half-made step is forgotten by dropping it.
 */
export interface Frontier {
  readonly size: number;
  readonly hashes: readonly Hash[];
}

export const EMPTY_FRONTIER: Frontier = { size: 0, hashes: [] };

/** The frontier after one more leaf; amortized two hashes. */
export function append(frontier: Frontier, leaf: Hash): Frontier {
  const hashes = frontier.hashes.slice();
  let right = leaf;
  // Each trailing one-bit of the size is a perfect subtree that the new leaf completes. (Sizes outgrow 32-bit operators.)
  for (let rest = frontier.size; rest % 2 === 1; rest = (rest - 1) / 2) {
    const left = hashes.pop();
    if (left === undefined) throw new Error(`a frontier of size ${frontier.size} lacks hashes`);
    right = nodeHash(left, right);
  }
  hashes.push(right);
  return { size: frontier.size + 1, hashes };
}

/** The RFC 6962 root over everything appended. */
export function rootOf(frontier: Frontier): Hash {
  const { hashes } = frontier;
  let root = hashes.at(-1);
  if (root === undefined) return EMPTY_ROOT;
  for (let index = hashes.length - 2; index >= 0; index -= 1) {
    const left = hashes[index];
    if (left !== undefined) root = nodeHash(left, root);
  }
  return root;
}

/** The frontier as bytes: its hashes one after another. */
export const frontierBytes = (frontier: Frontier): Buffer => Buffer.concat(frontier.hashes);

/** Reads `frontierBytes` back; undefined where the bytes cannot be a frontier of that size. */
export function frontierFrom(size: number, bytes: Uint8Array): Frontier | undefined {
  let ones = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2;
  if (bytes.length !== ones * HASH_BYTES) return undefined;
  const hashes: Hash[] = [];
  for (let at = 0; at < bytes.length; at += HASH_BYTES) hashes.push(Buffer.from(bytes.subarray(at, at + HASH_BYTES)));
  return { size, hashes };
}
