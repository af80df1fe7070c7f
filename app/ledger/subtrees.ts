import { append, EMPTY_FRONTIER, HASH_BYTES, nodeHash, rootOf, type Frontier, type Hash } from './merkle.ts';
import type { LeafRange } from './proofs.ts';
import { TILE_WIDTH, type TileName } from './tiles.ts';

/** The root over a full tile of the level below: one hash of a tile of `level` ≥ 1, the `index`-th of that level from the left. */
export interface Subtree {
  readonly level: number;
  readonly index: number;
  readonly hash: Hash;
}

/** A frontier, and the subtrees that were completed on the way to it, in the order in which they were. */
export interface GrownFrontier extends Frontier {
  readonly completed: readonly Subtree[];
}

/** Binary levels of one level of tiles: 2^8 = 256. */
const TILE_HEIGHT = 8;

/** The frontier after more leaves. Whatever a tile of level 1 and above will hold passes by here once, so it costs no hash more than growing. */
export function grow(frontier: Frontier, leaves: readonly Hash[]): GrownFrontier {
  const hashes = [...frontier.hashes];
  const completed: Subtree[] = [];
  let { size } = frontier;
  for (const leaf of leaves) {
    let right = leaf;
    let height = 0;
    // Each trailing one-bit of the size is a perfect subtree that the new leaf completes. (Sizes outgrow 32-bit operators.)
    let rest = size;
    for (; rest % 2 === 1; rest = (rest - 1) / 2) {
      const left = hashes.pop();
      if (left === undefined) throw new Error(`a frontier of size ${size} lacks hashes`);
      right = nodeHash(left, right);
      height += 1;
      if (height % TILE_HEIGHT === 0) completed.push({ level: height / TILE_HEIGHT, index: (rest - 1) / 2, hash: right });
    }
    hashes.push(right);
    size += 1;
  }
  return { size, hashes, completed };
}

/** The root over the hashes of a tile, 32 bytes each; of a full one it is the hash that stands for it in the tile above. */
export function rootOfTile(tile: Buffer): Hash {
  return rootOf(hashesOf(tile).reduce<Frontier>(append, EMPTY_FRONTIER));
}

/** Gives the hashes of a tile of level ≥ 0, 32 bytes each, one after another. */
export type TileSource = (tile: TileName & { readonly level: number }) => Promise<Buffer>;

/**
 * The roots of ranges of leaves, as a proof over a tree of `size` needs them: every range must be a subtree of that tree.
 * Reads each tile once, at most two of every level, whatever the size: those on the way to the leaf and those at the right edge.
 */
export async function rangeRoots(ranges: readonly LeafRange[], size: number, tileAt: TileSource): Promise<readonly Hash[]> {
  const tiles = new Map<string, Promise<Buffer>>();
  const hashesAt = async (level: number, from: number, count: number): Promise<readonly Hash[]> => {
    const index = Math.floor(from / TILE_WIDTH);
    const width = Math.min(TILE_WIDTH, Math.floor(size / TILE_WIDTH ** level) - index * TILE_WIDTH);
    const name = `${level}/${index}`;
    const reading = tiles.get(name) ?? tileAt({ level, index, width });
    tiles.set(name, reading);
    const tile = await reading;
    if (tile.length !== width * HASH_BYTES) throw new Error(`tile ${name} has ${tile.length} bytes and should hold ${width} hashes`);
    const first = from - index * TILE_WIDTH;
    return hashesOf(tile.subarray(first * HASH_BYTES, (first + count) * HASH_BYTES));
  };
  return Promise.all(
    ranges.map(async (range) => {
      const perfect = await Promise.all(
        perfectSubtrees(range).map(async ({ start, height }) => {
          const level = Math.floor(height / TILE_HEIGHT);
          const hashes = await hashesAt(level, start / TILE_WIDTH ** level, 2 ** (height - level * TILE_HEIGHT));
          return rootOf(hashes.reduce<Frontier>(append, EMPTY_FRONTIER));
        }),
      );
      return rootOf({ size: range.end - range.start, hashes: perfect });
    }),
  );
}

/** A range as its perfect subtrees of 2^height leaves, largest first. */
function perfectSubtrees({ start, end }: LeafRange): readonly { readonly start: number; readonly height: number }[] {
  const subtrees: { start: number; height: number }[] = [];
  let at = start;
  for (let height = Math.floor(Math.log2(Math.max(1, end - start))); height >= 0; height -= 1) {
    if (at + 2 ** height > end) continue;
    subtrees.push({ start: at, height });
    at += 2 ** height;
  }
  return subtrees;
}

function hashesOf(tile: Buffer): Hash[] {
  const hashes: Hash[] = [];
  for (let at = 0; at < tile.length; at += HASH_BYTES) hashes.push(tile.subarray(at, at + HASH_BYTES));
  return hashes;
}
