import { TABLE_NAMES, type Change, type TableName } from '../domain/tables.ts';
import { frontierFrom, leafHash } from '../ledger/merkle.ts';
import { NO_PREVIOUS } from '../ledger/entry.ts';
import { EMPTY_HEAD, type Head } from './head.ts';
import { createProjections, type Projections } from './projections.ts';
import type { Database, Row, SqlValue } from './sqlite.ts';
import type { Acknowledged } from './store.ts';

/** Which ledger a database holds. */
export interface LedgerIdentity {
  readonly origin: string;
  readonly station: string;
  readonly epoch: number;
}

/** All that is needed to go on writing, read at boot: O(devices), whatever the length of the history. */
export interface Loaded {
  readonly head: Head;
  readonly projections: Projections;
  readonly meta: Map<string, string>;
}

/** Thrown where the database opens but does not hang together: as good as unreadable. */
export class Inconsistent extends Error {
  override readonly name = 'Inconsistent';
}

export async function loadIdentity(database: Database): Promise<LedgerIdentity | undefined> {
  const row = await database.get('SELECT origin, station, epoch FROM ledger');
  return row && { origin: text(row, 'origin'), station: text(row, 'station'), epoch: integer(row, 'epoch') };
}

/** Rejects with `Inconsistent` where head, last entry and last checkpoint contradict each other. */
export async function load(database: Database): Promise<Loaded> {
  const changes: Change[] = [];
  for (const row of await database.all('SELECT name, key, row FROM projection')) changes.push(storedRow(row));
  const meta = new Map<string, string>();
  for (const row of await database.all('SELECT key, value FROM meta')) meta.set(text(row, 'key'), text(row, 'value'));
  return { head: await loadHead(database), projections: createProjections(changes), meta };
}

async function loadHead(database: Database): Promise<Head> {
  const row = await database.get('SELECT * FROM head');
  if (row === undefined) throw new Inconsistent('the ledger has no head');
  const size = integer(row, 'size');
  const frontier = frontierFrom(size, blob(row, 'frontier'));
  if (frontier === undefined) throw new Inconsistent(`the frontier is not that of ${size} entries`);
  const leaf = blob(row, 'leaf');
  await assertLastEntry(database, size, leaf);
  const note = await database.get('SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1');
  const checkpoint = note && { size: integer(note, 'size'), note: text(note, 'note') };
  if (checkpoint !== undefined && checkpoint.size > size) throw new Inconsistent(`a checkpoint covers ${checkpoint.size} of ${size} entries`);
  const uncovered = await database.get('SELECT coalesce(sum(length(bytes)), 0) AS bytes FROM entry WHERE seq >= ?', [checkpoint?.size ?? 0]);
  return {
    frontier,
    prev: size === 0 ? NO_PREVIOUS : leaf.toString('hex'),
    hlc: size === 0 ? EMPTY_HEAD.hlc : { ms: integer(row, 'hlc_ms'), n: integer(row, 'hlc_n') },
    checkpoint,
    uncoveredBytes: uncovered === undefined ? 0 : integer(uncovered, 'bytes'),
    acked: acknowledged(row),
  };
}

async function assertLastEntry(database: Database, size: number, leaf: Buffer): Promise<void> {
  const last = await database.get('SELECT seq, leaf, bytes FROM entry ORDER BY seq DESC LIMIT 1');
  const held = last === undefined ? 0 : integer(last, 'seq') + 1;
  if (held !== size) throw new Inconsistent(`the head counts ${size} entries, the last one held is ${held - 1}`);
  if (last === undefined) return;
  if (!blob(last, 'leaf').equals(leaf) || !leafHash(blob(last, 'bytes')).equals(leaf)) throw new Inconsistent('the last entry is not the one that the head names');
}

function acknowledged(row: Row): Acknowledged {
  const { acked_cosignature: cosignature, acked_at_ms: atMs } = row;
  return {
    size: integer(row, 'acked_size'),
    ...(typeof cosignature === 'string' && { cosignature }),
    ...(typeof atMs === 'number' && { atMs }),
  };
}

function storedRow(row: Row): Change {
  const name = text(row, 'name');
  if (!isTableName(name)) throw new Inconsistent(`an unknown projection "${name}"`);
  try {
    return { table: name, key: text(row, 'key'), row: JSON.parse(text(row, 'row')) } as Change;
  } catch (cause) {
    throw new Inconsistent(`a row of "${name}" is not JSON`, { cause });
  }
}

const isTableName = (name: string): name is TableName => (TABLE_NAMES as readonly string[]).includes(name);

export function text(row: Row, column: string): string {
  const value: SqlValue | undefined = row[column];
  if (typeof value !== 'string') throw new Inconsistent(`${column} is not text`);
  return value;
}

export function integer(row: Row, column: string): number {
  const value: SqlValue | undefined = row[column];
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw new Inconsistent(`${column} is not an integer`);
  return value;
}

export function blob(row: Row, column: string): Buffer {
  const value: SqlValue | undefined = row[column];
  if (!Buffer.isBuffer(value)) throw new Inconsistent(`${column} is not a blob`);
  return value;
}
