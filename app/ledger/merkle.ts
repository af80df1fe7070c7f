import { hash } from 'node:crypto';
import { MAX_ENTRY_BYTES } from './canonical.ts';

/** A SHA-256 hash, 32 bytes. The tree is that of RFC 6962 section 2.1. */
export type Hash = Buffer;

export const HASH_BYTES = 32;
export const EMPTY_ROOT: Hash = hash('sha256', '', 'buffer');

/** SHA-256(0x00 ‖ bytes). */
export const leafHash = (bytes: Uint8Array): Hash => Buffer.from(leafCharacters(bytes), 'latin1');

/** Writes `leafHash(bytes)` into a row of hashes. */
export const writeLeafHash = (bytes: Uint8Array, row: Buffer, at: number): void => void row.write(leafCharacters(bytes), at, 'latin1');

/** SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Hash, right: Hash): Hash {
  const pair = pairAt(0);
  pair.set(left, 1);
  pair.set(right, 1 + HASH_BYTES);
  return Buffer.from(sha256(pair), 'latin1');
}

/** The root over a row of 2, 4, … 256 hashes. */
export function perfectRoot(row: Buffer): Hash {
  let pairs = row.length / PAIR_BYTES;
  for (let pair = 0; pair < pairs; pair += 1) pairAt(pair).set(row.subarray(pair * PAIR_BYTES, (pair + 1) * PAIR_BYTES), 1);
  // Each pair gives half of one in the row above, which takes the place of a pair already done.
  for (; pairs > 1; pairs /= 2) {
    for (let pair = 0; pair < pairs; pair += 1) pairAt(Math.floor(pair / 2)).write(sha256(pairAt(pair)), 1 + (pair % 2) * HASH_BYTES, 'latin1');
  }
  return Buffer.from(sha256(pairAt(0)), 'latin1');
}

/** As 32 characters: a Buffer made for the result costs more than the hash in it. */
const sha256 = (bytes: Buffer): string => hash('sha256', bytes, 'binary');

function leafCharacters(bytes: Uint8Array): string {
  const prefixed = bytes.length < LEAF.length ? (LEAVES[bytes.length] ??= LEAF.subarray(0, bytes.length + 1)) : Buffer.alloc(bytes.length + 1);
  prefixed.set(bytes, 1);
  return sha256(prefixed);
}

/** Room for what is hashed, written over each time; the first byte, which tells leaves from nodes, stays. */
const LEAF = Buffer.alloc(1 + MAX_ENTRY_BYTES);
/** The room for a leaf by the length of its entry. */
const LEAVES = Array.from<Buffer | undefined>({ length: LEAF.length });
const PAIR_BYTES = 2 * HASH_BYTES;
const PAIRS = Array.from({ length: 128 }, () => Buffer.alloc(1 + PAIR_BYTES, 1));

function pairAt(index: number): Buffer {
  const pair = PAIRS[index];
  if (pair === undefined) throw new RangeError(`no row has a pair ${index}`);
  return pair;
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
