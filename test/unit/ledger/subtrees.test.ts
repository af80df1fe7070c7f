import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { append, EMPTY_FRONTIER, leafHash, nodeHash, rootOf, type Frontier, type Hash } from '../../../app/ledger/merkle.ts';
import { consistencyProof, consistencyRanges, inclusionProof, inclusionRanges, verifyConsistency, verifyInclusion } from '../../../app/ledger/proofs.ts';
import { grow, rangeRoots, rootOfTile, type TileSource } from '../../../app/ledger/subtrees.ts';
import { isWithin, TILE_WIDTH } from '../../../app/ledger/tiles.ts';

const SIZE = 65_536 + 700;
const LEAVES = Array.from({ length: SIZE }, (_, index) => leafHash(Buffer.from(`leaf ${index}`)));
const leafAt = (index: number): Hash => LEAVES[index] ?? expect.fail(`leaf ${index} was asked for`);

/** The definition, level by level and without a frontier. */
function perfectRoot(leaves: readonly Hash[]): Hash {
  let row = leaves;
  while (row.length > 1) row = Array.from({ length: row.length / 2 }, (_, at) => nodeHash(row[2 * at] ?? expect.fail(), row[2 * at + 1] ?? expect.fail()));
  return row[0] ?? expect.fail();
}
const LEVEL_1 = Array.from({ length: 258 }, (_, index) => perfectRoot(LEAVES.slice(index * 256, (index + 1) * 256)));
const LEVEL_2 = [perfectRoot(LEVEL_1.slice(0, 256))];

/** Tiles of the tree of `size` entries, and which of them were read. */
function tilesOf(size: number): { readonly tileAt: TileSource; readonly read: string[] } {
  const read: string[] = [];
  const levels = [LEAVES, LEVEL_1, LEVEL_2];
  return {
    read,
    tileAt: async (tile) => {
      if (tile.width > TILE_WIDTH || !isWithin(tile, size)) expect.fail(`the tree of ${size} entries has no tile ${JSON.stringify(tile)}`);
      read.push(`${tile.level}/${tile.index}`);
      return Buffer.concat((levels[tile.level] ?? []).slice(tile.index * TILE_WIDTH, tile.index * TILE_WIDTH + tile.width));
    },
  };
}

const rootAt = (size: number): Hash => rootOf(grow(EMPTY_FRONTIER, LEAVES.slice(0, size)));

describe('a tree grown by uploads of any length', () => {
  test('has the frontier of the tree grown leaf by leaf, and completes each subtree once', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(cuts, (lengths) => {
        let frontier: Frontier = EMPTY_FRONTIER;
        const completed: unknown[] = [];
        for (const length of lengths) {
          const { completed: fresh, ...grown } = grow(frontier, LEAVES.slice(frontier.size, frontier.size + length));
          frontier = grown;
          completed.push(...fresh);
        }
        expect(frontier).toEqual(LEAVES.slice(0, frontier.size).reduce(append, EMPTY_FRONTIER as Frontier));
        expect(completed).toEqual(LEVEL_1.slice(0, Math.floor(frontier.size / 256)).map((hash, index) => ({ level: 1, index, hash })));
      }),
      { numRuns: 30 },
    );
  });

  test('completes a subtree of level 2 with its 65,536th leaf', () => {
    const before = grow(EMPTY_FRONTIER, LEAVES.slice(0, 65_535));
    expect(before.completed).toHaveLength(255);
    expect(grow(before, LEAVES.slice(65_535, 65_536)).completed).toEqual([{ level: 1, index: 255, hash: LEVEL_1[255] }, { level: 2, index: 0, hash: LEVEL_2[0] }]);
    expect(rootOfTile(Buffer.concat(LEVEL_1.slice(0, 256)))).toEqual(LEVEL_2[0]);
  });

  test('has no frontier to grow from where hashes are missing', () => {
    expect(() => grow({ size: 1, hashes: [] }, LEAVES.slice(1, 2))).toThrow('lacks hashes');
  });
});

describe('a proof made from tiles', () => {
  test('is the one that all leaves give, at every small size', async () => {
    for (const size of [1, 2, 3, 7, 8, 9, 31, 33]) {
      for (let index = 0; index < size; index += 1) expect(await rangeRoots(inclusionRanges(index, size), size, tilesOf(size).tileAt)).toEqual(inclusionProof(index, size, leafAt));
      for (let old = 1; old <= size; old += 1) expect(await rangeRoots(consistencyRanges(old, size), size, tilesOf(size).tileAt)).toEqual(consistencyProof(old, size, leafAt));
    }
  });

  test('holds around every edge of a tile, reading two tiles of each level at most', async () => {
    for (const size of [255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 65_792, SIZE]) {
      const root = rootAt(size);
      for (const index of [0, 1, 254, 255, 256, 511, 65_535, 65_536, size - 1].filter((each) => each < size)) {
        const { tileAt, read } = tilesOf(size);
        const proof = await rangeRoots(inclusionRanges(index, size), size, tileAt);
        expect([size, index, verifyInclusion(index, size, leafAt(index), proof, root)]).toEqual([size, index, true]);
        for (const level of [0, 1, 2]) expect(read.filter((name) => name.startsWith(`${level}/`)).length).toBeLessThanOrEqual(2);
      }
      for (const old of [1, 255, 256, 257, 512, 65_536, size].filter((each) => each <= size)) {
        const proof = await rangeRoots(consistencyRanges(old, size), size, tilesOf(size).tileAt);
        expect([size, old, verifyConsistency(old, rootAt(old), size, root, proof)]).toEqual([size, old, true]);
      }
    }
  });

  test('is not made from a tile that is too short', async () => {
    await expect(rangeRoots(inclusionRanges(0, 300), 300, async () => Buffer.alloc(32))).rejects.toThrow('should hold');
  });
});
