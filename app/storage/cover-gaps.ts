import type { KeyObject } from 'node:crypto';
import { signCheckpoint } from '../ledger/checkpoint.ts';
import { append, EMPTY_FRONTIER, frontierBytes, rootOf, type Frontier } from '../ledger/merkle.ts';
import type { VerifierKey } from '../ledger/note.ts';
import { blob, integer } from './load.ts';
import type { Database } from './sqlite.ts';
import { isCheckpointDue } from './staging.ts';

/** Versions of the schema whose programs signed at the end of a call only, however long it was. */
export const SIGNED_AT_THE_END = 1;

const PAGE = 1_000;

/**
 * Signs the checkpoints that a program of schema 1 left out, so that every upload has one to end at. Reads the whole history,
 * once in the life of a database; done again it changes nothing. Leaves that do not make up the ledger's head get no
 * signature: what happened to them is for `verify` to find.
 */
export async function coverGaps(database: Database, key: VerifierKey, signingKey: KeyObject): Promise<void> {
  const standing = new Set((await database.all('SELECT size FROM checkpoint')).map((row) => integer(row, 'size')));
  const notes: [size: number, note: string][] = [];
  let frontier: Frontier = EMPTY_FRONTIER;
  let [entries, bytes] = [0, 0];
  for (;;) {
    const rows = await database.all('SELECT leaf, length(bytes) AS bytes FROM entry WHERE seq >= ? ORDER BY seq LIMIT ?', [frontier.size, PAGE]);
    for (const row of rows) {
      frontier = append(frontier, blob(row, 'leaf'));
      entries += 1;
      bytes += integer(row, 'bytes');
      const { size } = frontier;
      const due = isCheckpointDue(entries, bytes);
      if (due && !standing.has(size)) notes.push([size, signCheckpoint(key.name, size, rootOf(frontier), key, signingKey)]);
      if (due || standing.has(size)) [entries, bytes] = [0, 0];
    }
    if (rows.length < PAGE) break;
  }
  const head = await database.get('SELECT frontier FROM head');
  if (notes.length === 0 || head === undefined || !blob(head, 'frontier').equals(frontierBytes(frontier))) return;
  await database.all('INSERT INTO checkpoint (size, note) SELECT value ->> 0, value ->> 1 FROM json_each(?)', [JSON.stringify(notes)]);
}
