import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { append, EMPTY_FRONTIER, HASH_BYTES, leafHash, nodeHash, perfectRoot, rootOf, type Hash } from '../../../app/ledger/merkle.ts';
import { createTileTree, TILE_WIDTH } from '../../../app/ledger/tiles.ts';

const EDGES = new Set([1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 65_793]);
const rootOver = (leaves: readonly Hash[]): Hash => rootOf(leaves.reduce(append, EMPTY_FRONTIER));

test('a tree kept as its unfinished tiles is the tree grown leaf by leaf, at every edge of a tile', () => {
  const tree = createTileTree();
  let frontier = EMPTY_FRONTIER;
  for (let size = 1; size <= 65_793; size += 1) {
    const bytes = Buffer.from(`entry ${size}`);
    const leaf = leafHash(bytes);
    frontier = append(frontier, leaf);
    if (tree.add(bytes) !== leaf.toString('hex')) expect.fail(`another leaf for entry ${size}`);
    // Only with its 256th hash is a tile of level 1 complete.
    if (size === 65_536) expect(tree.completed.map((tile) => [tile.length, perfectRoot(tile)])).toEqual([[TILE_WIDTH * HASH_BYTES, rootOf(frontier)]]);
    else if (tree.completed.length > 0) expect.fail(`a tile was complete at ${size}`);
    if (size === TILE_WIDTH || size === 65_536) expect(tree.partial(size === TILE_WIDTH ? 1 : 2)).toEqual(rootOf(frontier));
    if (EDGES.has(size)) expect([size, rootOf(tree.frontier())]).toEqual([size, rootOf(frontier)]);
  }
  expect([0, 1, 2, 3].map((level) => tree.partial(level).length / HASH_BYTES)).toEqual([1, 1, 1, 0]);
});

test('the root over a row is its own, however long the row before it was', () => {
  const leaves = Array.from({ length: 8 }, (_, index) => leafHash(Buffer.of(index)));
  for (const length of [8, 2, 4, 8]) expect(perfectRoot(Buffer.concat(leaves.slice(0, length)))).toEqual(rootOver(leaves.slice(0, length)));
});

test('leaves and nodes are SHA-256 with their own first byte, whatever was hashed before, and however long the entry', () => {
  const plain = (...parts: readonly Buffer[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();
  for (const length of [0, 300, 8_192, 8_193, 20_000, 5]) {
    const bytes = Buffer.alloc(length, length % 251);
    expect(leafHash(bytes)).toEqual(plain(Buffer.of(0), bytes));
    expect(nodeHash(leafHash(bytes), leafHash(Buffer.of(1)))).toEqual(plain(Buffer.of(1), leafHash(bytes), leafHash(Buffer.of(1))));
  }
});
