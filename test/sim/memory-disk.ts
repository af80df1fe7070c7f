import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { EpochCause } from '../../app/domain/terms.ts';
import type { LedgerDisk } from '../../app/entrypoints/station-start.ts';
import { takeDatabase } from '../../app/storage/open.ts';
import { SqliteError, type Database, type Row, type SqlValue } from '../../app/storage/sqlite.ts';
import { between } from '../../app/simulator/world/random.ts';
import { diskMs, type ProcessLife } from './process-life.ts';

/** What the station's sealed file holds, as far as a ledger's lives go. `key`: which of the world's keys. */
export interface KeptIdentity {
  readonly key: number;
  readonly nextKey?: number;
  readonly epoch: { readonly number: number; readonly registered: boolean; readonly cause?: EpochCause | undefined };
}

/** A cart's data folder: all that outlives its program. */
export interface MemoryDisk {
  ledger: DatabaseSync | undefined;
  identity: KeptIdentity;
  bundle: string | undefined;
  readonly setAside: DatabaseSync[];
  /** No room for anything new. */
  full: boolean;
  /** The next write to the ledger fails as a broken device does. */
  failing: boolean;
}

/** A copy of a folder as an image program makes it. */
export interface DiskImage {
  readonly ledger: Uint8Array | undefined;
  readonly identity: KeptIdentity;
  readonly bundle: string | undefined;
}

export const imageOf = ({ ledger, identity, bundle }: MemoryDisk): DiskImage => ({ ledger: ledger?.serialize(), identity, bundle });

/** Writes an image back: all of it, or one file beside the others as they stand. */
export function restoreImage(disk: MemoryDisk, image: DiskImage, what: 'all' | 'ledger' | 'identity'): void {
  if (what !== 'identity') {
    disk.ledger?.close();
    disk.ledger = image.ledger && opened(image.ledger);
  }
  if (what !== 'ledger') disk.identity = image.identity;
  if (what === 'all') disk.bundle = image.bundle;
}

export function diskFrom(image: DiskImage): MemoryDisk {
  const disk: MemoryDisk = { ledger: undefined, identity: image.identity, bundle: undefined, setAside: [], full: false, failing: false };
  restoreImage(disk, image, 'all');
  return disk;
}

function opened(image: Uint8Array): DatabaseSync {
  const database = new DatabaseSync(':memory:');
  database.deserialize(image);
  return database;
}

/** The ledger's files as the program of this life sees them. SQLite is the real one, with its trigger; what stands below it is memory. */
export function ledgerDisk(disk: MemoryDisk, life: ProcessLife, random: () => number): LedgerDisk {
  return {
    open: (options) => {
      disk.ledger ??= new DatabaseSync(':memory:');
      return life.hears(takeDatabase(databaseOn(disk.ledger, disk, life, random), options));
    },
    setAside: (_path, _at, why) =>
      life.durably(diskMs(random), `set aside: ${why ?? 'unreadable'}`, () => {
        if (disk.ledger) disk.setAside.push(disk.ledger);
        disk.ledger = undefined;
        return `memory.${why ?? 'unreadable'}`;
      }),
  };
}

const [FULL, IOERR] = [13, 10];

function databaseOn(sqlite: DatabaseSync, disk: MemoryDisk, life: ProcessLife, random: () => number): Database {
  const prepared = new Map<string, StatementSync>();
  const statement = (sql: string): StatementSync => {
    const known = prepared.get(sql) ?? sqlite.prepare(sql);
    prepared.set(sql, known);
    return known;
  };
  const all = async (sql: string, values: readonly SqlValue[] = []): Promise<readonly Row[]> => {
    // Memory has no write-ahead log; that the store asks for one is what counts here.
    if (sql === 'PRAGMA journal_mode = WAL') return [{ journal_mode: 'wal' }];
    // A program that has ended asks for nothing more.
    if (!life.alive()) await new Promise<never>(() => undefined);
    if (random() < 0.2) await life.pause(between(random, 1, 20), 'a slow read');
    return statement(sql).all(...values).map(asRow);
  };
  return {
    all,
    get: async (sql, values) => (await all(sql, values))[0],
    exec: async (sql) => sqlite.exec(sql),
    prepare: async (sql) => ({
      run: (values) =>
        life.durably(diskMs(random), 'commit', () => {
          if (disk.full) throw new SqliteError(Object.assign(new Error('database or disk is full'), { errno: FULL }), sql);
          const failing = disk.failing;
          disk.failing = false;
          // Whether a write that failed has reached the disk all the same, nobody knows.
          if (!failing || random() < 0.5) statement(sql).run(...(values as readonly SQLInputValue[]));
          if (failing) throw new SqliteError(Object.assign(new Error('disk I/O error'), { errno: IOERR }), sql);
        }),
    }),
    close: async () => undefined,
  };
}

/** Blobs as the other driver gives them. */
function asRow(row: object): Row {
  const values: Record<string, SqlValue> = {};
  for (const [column, value] of Object.entries(row)) values[column] = value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value;
  return values;
}

/** Gives the memory back; nobody may use the disk after this. */
export function forget({ ledger, setAside }: MemoryDisk): void {
  ledger?.close();
  for (const old of setAside) old.close();
}

/** Every entry of a ledger, from the first. */
export function entriesOn(ledger: DatabaseSync): readonly Buffer[] {
  return ledger.prepare('SELECT bytes FROM entry ORDER BY seq').all().map((row) => Buffer.from(row['bytes'] as Uint8Array));
}

/** Projection rows as stored: table, key and the row's JSON. */
export function projectionOn(ledger: DatabaseSync): readonly { readonly name: string; readonly key: string; readonly row: string }[] {
  return ledger.prepare('SELECT name, key, row FROM projection').all() as never;
}
