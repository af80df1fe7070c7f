import type { Hash } from '../ledger/merkle.ts';
import { inclusionRanges } from '../ledger/proofs.ts';
import { rangeRoots, rootOfTile, type TileSource } from '../ledger/subtrees.ts';
import { TILE_WIDTH } from '../ledger/tiles.ts';
import { blob } from './load.ts';
import type { Database } from './sqlite.ts';

export type Prover = (seq: number, size: number) => Promise<readonly Hash[]>;

/**
 * Makes inclusion proofs from the stored leaves. The root over every 256 leaves, once made, is remembered (32 bytes): the first
 * proof of a process reads each leaf below `size` once, 256 at a time with the event loop free in between (10^6 leaves: some
 * seconds in the background), every later one a few hundred hashes.
 */
export function createProver(database: Database): Prover {
  const roots = new Map<string, Hash>();
  const tileAt: TileSource = async ({ level, index, width }) => {
    const from = index * TILE_WIDTH;
    if (level === 0) {
      const rows = await database.all('SELECT leaf FROM entry WHERE seq >= ? AND seq < ? ORDER BY seq', [from, from + width]);
      return Buffer.concat(rows.map((row) => blob(row, 'leaf')));
    }
    const hashes: Hash[] = [];
    for (let at = from; at < from + width; at += 1) {
      const name = `${level}/${at}`;
      const root = roots.get(name) ?? rootOfTile(await tileAt({ level: level - 1, index: at, width: TILE_WIDTH }));
      roots.set(name, root);
      hashes.push(root);
    }
    return Buffer.concat(hashes);
  };
  return async (seq, size) => rangeRoots(inclusionRanges(seq, size), size, tileAt);
}
