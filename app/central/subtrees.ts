import { HASH_BYTES } from '../ledger/merkle.ts';
import { rootOfTile, type Subtree } from '../ledger/subtrees.ts';
import { TILE_WIDTH, type TileName } from '../ledger/tiles.ts';
import type { Queryable } from './database.ts';

type HashTile = TileName & { readonly level: number };

/** Tiles of leaves read at once when a whole history is hashed: half a megabyte. */
const TILES_AT_ONCE = 64;

/** Keeps what an upload completed. What is there already was made from the same entries. */
export async function saveSubtrees(client: Queryable, origin: string, subtrees: readonly Subtree[]): Promise<void> {
  if (subtrees.length === 0) return;
  await client.query('insert into subtree (origin, level, index, hash) select $1, level, index, hash from unnest($2::smallint[], $3::bigint[], $4::bytea[]) as fresh (level, index, hash) on conflict do nothing', [
    origin,
    subtrees.map(({ level }) => level),
    subtrees.map(({ index }) => index),
    subtrees.map(({ hash }) => hash),
  ]);
}

/**
 * A tile's hashes, 32 bytes each; the ledger must be that long. Reads at most 256 rows. Where a ledger is older than the table
 * of subtrees, those that are missing are made from the level below and kept: its whole history is hashed once, by whom asks first.
 */
export async function readHashTile(database: Queryable, origin: string, { level, index, width }: HashTile): Promise<Buffer> {
  const from = index * TILE_WIDTH;
  if (level === 0) return readLeaves(database, origin, from, width);
  const kept = await database.query<{ index: number; hash: Buffer }>('select index, hash from subtree where origin = $1 and level = $2 and index >= $3 and index < $4', [origin, level, from, from + width]);
  const hashes = new Map(kept.rows.map(({ index: at, hash }) => [at, hash]));
  const wanted = Array.from({ length: width }, (_, at) => from + at);
  const missing = wanted.filter((at) => !hashes.has(at));
  for await (const made of makeSubtrees(database, origin, level, missing)) {
    await saveSubtrees(database, origin, made);
    for (const { index: at, hash } of made) hashes.set(at, hash);
  }
  return Buffer.concat(wanted.map((at) => hashes.get(at) ?? Buffer.alloc(0)));
}

async function* makeSubtrees(database: Queryable, origin: string, level: number, missing: readonly number[]): AsyncGenerator<readonly Subtree[]> {
  for (let at = 0; at < missing.length; ) {
    const [first = 0] = missing.slice(at);
    let run = 1;
    while (level === 1 && run < TILES_AT_ONCE && missing[at + run] === first + run) run += 1;
    const below = level === 1 ? await readLeaves(database, origin, first * TILE_WIDTH, run * TILE_WIDTH) : await readHashTile(database, origin, { level: level - 1, index: first, width: TILE_WIDTH });
    const bytes = TILE_WIDTH * HASH_BYTES;
    yield Array.from({ length: run }, (_, each) => ({ level, index: first + each, hash: rootOfTile(below.subarray(each * bytes, (each + 1) * bytes)) }));
    at += run;
  }
}

async function readLeaves(database: Queryable, origin: string, from: number, count: number): Promise<Buffer> {
  const found = await database.query<{ leaf: Buffer }>('select leaf from entry where origin = $1 and seq >= $2 and seq < $3 order by seq', [origin, from, from + count]);
  return Buffer.concat(found.rows.map(({ leaf }) => leaf));
}
