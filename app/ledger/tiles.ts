import { append, EMPTY_FRONTIER, HASH_BYTES, perfectRoot, writeLeafHash, type Frontier, type Hash } from './merkle.ts';

/** C2SP tlog-tiles: hashes of a full tile, and entries of a full entry bundle. */
export const TILE_WIDTH = 256;
const HIGHEST_LEVEL = 63;
const LENGTH_BYTES = 2;

/** One static resource of a published log. `index` counts tiles of its level; `width` is 256 for a full one. */
export interface TileName {
  readonly level: number | 'entries';
  readonly index: number;
  readonly width: number;
}

/** `tile/<L>/<N>[.p/<W>]`; index 1234067 is written `x001/x234/067`. */
export function tilePath({ level, index, width }: TileName): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g) ?? [];
  const path = groups.map((group, at) => (at === groups.length - 1 ? group : `x${group}`)).join('/');
  return `tile/${level}/${path}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

/** Reads a tile's path; undefined for every other spelling (leading zeros, `.p/256`, level 64). */
export function parseTilePath(path: string): TileName | undefined {
  const [, levelText = '', groups = '', widthText] = /^tile\/(entries|0|[1-9]\d?)\/((?:x\d{3}\/)*\d{3})(?:\.p\/([1-9]\d{0,2}))?$/.exec(path) ?? [];
  const level = levelText === 'entries' ? levelText : Number(levelText);
  const name: TileName = { level, index: Number(groups.replaceAll(/[x/]/g, '')), width: widthText === undefined ? TILE_WIDTH : Number(widthText) };
  if (groups === '' || !Number.isSafeInteger(name.index) || name.width > TILE_WIDTH || (level !== 'entries' && level > HIGHEST_LEVEL)) return undefined;
  return tilePath(name) === path ? name : undefined;
}

/** Leaves under one hash of a tile of this level. Beyond 2^53 it is no longer exact, and far beyond any log. */
export const leavesPerHash = (level: TileName['level']): number => (level === 'entries' ? 1 : TILE_WIDTH ** level);

/** Whether a tree of this size has the tile to that width. */
export const isWithin = ({ level, index, width }: TileName, size: number): boolean => (index * TILE_WIDTH + width) * leavesPerHash(level) <= size;

/**
 * Every tile of a tree of this size, in the order in which a writer can make and a reader can check them while holding
 * one at a time: the leaves, their entries, then whatever these complete; the partial upper tiles last.
 */
export function* tilesInOrder(size: number): Generator<TileName> {
  for (let index = 0; index * TILE_WIDTH < size; index += 1) {
    const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH);
    yield { level: 0, index, width };
    yield { level: 'entries', index, width };
    let tiles = width === TILE_WIDTH ? index + 1 : 1;
    for (let level = 1; tiles % TILE_WIDTH === 0; level += 1) {
      tiles /= TILE_WIDTH;
      yield { level, index: tiles - 1, width: TILE_WIDTH };
    }
  }
  for (let level = 1; leavesPerHash(level) <= size; level += 1) {
    const hashes = Math.floor(size / leavesPerHash(level));
    if (hashes % TILE_WIDTH > 0) yield { level, index: Math.floor(hashes / TILE_WIDTH), width: hashes % TILE_WIDTH };
  }
}

/** Entries one after another, each led by its length in two bytes, big-endian. */
export function entryBundle(entries: readonly Uint8Array[]): Buffer {
  const bundle = Buffer.allocUnsafe(entries.reduce((sum, { length }) => sum + LENGTH_BYTES + length, 0));
  let at = 0;
  for (const bytes of entries) {
    at = bundle.writeUInt16BE(bytes.length, at);
    bundle.set(bytes, at);
    at += bytes.length;
  }
  return bundle;
}

/** The entries of a bundle, up to where the bytes stop being one; `whole` says whether that is their end. */
export function readEntryBundle(bundle: Buffer): { readonly entries: readonly Buffer[]; readonly whole: boolean } {
  const entries: Buffer[] = [];
  let at = 0;
  while (at + LENGTH_BYTES <= bundle.length) {
    const end = at + LENGTH_BYTES + bundle.readUInt16BE(at);
    if (end > bundle.length) break;
    entries.push(bundle.subarray(at + LENGTH_BYTES, end));
    at = end;
  }
  return { entries, whole: at === bundle.length };
}

/** The hashes of the entries of one bundle. */
export interface TileHashes {
  /** A leaf of 32 bytes for each, one after another. */
  readonly leaves: Uint8Array<ArrayBuffer>;
  /** Of a full tile: the hash that stands for it in the tile above. */
  readonly root: Uint8Array | undefined;
}

export function hashEntries(bundle: Buffer): TileHashes {
  const { entries } = readEntryBundle(bundle);
  const leaves = Buffer.from(new ArrayBuffer(entries.length * HASH_BYTES));
  for (const [at, bytes] of entries.entries()) writeLeafHash(bytes, leaves, at * HASH_BYTES);
  return { leaves: new Uint8Array(leaves.buffer), root: entries.length === TILE_WIDTH ? perfectRoot(leaves) : undefined };
}

/** A growing tree kept as its unfinished tiles, one per level: every inner node is hashed once. */
export interface TileTree {
  readonly size: number;
  /** Adds an entry; gives its leaf in hex. */
  add(bytes: Uint8Array): string;
  /** The same for the entry of a bundle that has been hashed; `tileRoot` where it completes a tile of which that is known. */
  addHashed(leaf: Uint8Array, tileRoot?: Uint8Array): string;
  /** The tiles of level 1 and above that the last entry completed, lowest first. */
  readonly completed: readonly Buffer[];
  /** The hashes of the unfinished tile of a level; empty where there is none. */
  partial(level: number): Buffer;
  frontier(): Frontier;
}

export function createTileTree(): TileTree {
  const levels: { readonly hashes: Buffer; count: number }[] = [];
  let size = 0;

  const tileOf = (level: number): { readonly hashes: Buffer; count: number } => (levels[level] ??= { hashes: Buffer.alloc(TILE_WIDTH * HASH_BYTES), count: 0 });
  /** Empties a full tile into the level above it, and so on. */
  const complete = (level: number, root?: Uint8Array): readonly Buffer[] => {
    const tile = tileOf(level);
    const above = tileOf(level + 1);
    above.hashes.set(root ?? perfectRoot(tile.hashes), above.count * HASH_BYTES);
    above.count += 1;
    tile.count = 0;
    return above.count < TILE_WIDTH ? NONE : [Buffer.from(above.hashes), ...complete(level + 1)];
  };
  const leaves = tileOf(0);
  let completed = NONE;
  /** The leaf stands in its place. */
  const added = (tileRoot?: Uint8Array): string => {
    const at = leaves.count * HASH_BYTES;
    size += 1;
    leaves.count += 1;
    completed = leaves.count < TILE_WIDTH ? NONE : complete(0, tileRoot);
    return leaves.hashes.toString('hex', at, at + HASH_BYTES);
  };

  return {
    get size() {
      return size;
    },
    get completed() {
      return completed;
    },
    add(bytes) {
      writeLeafHash(bytes, leaves.hashes, leaves.count * HASH_BYTES);
      return added();
    },
    addHashed(leaf, tileRoot) {
      leaves.hashes.set(leaf, leaves.count * HASH_BYTES);
      return added(tileRoot);
    },
    partial(level) {
      const tile = levels[level];
      return tile === undefined ? Buffer.alloc(0) : Buffer.from(tile.hashes.subarray(0, tile.count * HASH_BYTES));
    },
    frontier() {
      const hashes: Hash[] = [];
      for (const { hashes: tile, count } of levels.toReversed()) {
        let local = EMPTY_FRONTIER;
        for (let at = 0; at < count; at += 1) local = append(local, Buffer.from(tile.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES)));
        hashes.push(...local.hashes);
      }
      return { size, hashes };
    },
  };
}

const NONE: readonly Buffer[] = [];
