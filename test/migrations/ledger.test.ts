import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { migrate, MIGRATIONS, SCHEMA_VERSION, schemaVersion, type Migration } from '../../app/storage/schema.ts';
import { openDatabase, type Database } from '../../app/storage/sqlite.ts';
import { admitted, known, offered, open, rebuilt, returned, rowsOf } from '../storage/ward.ts';

let folder: string;
let path: string;
let database: Database;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ledger-'));
  path = join(folder, 'ledger.db');
  database = await openDatabase(path, 'own');
});

afterEach(async () => {
  await database.close();
  await rm(folder, { recursive: true });
});

const NEXT: Migration = { version: SCHEMA_VERSION + 1, sql: 'CREATE TABLE note (text TEXT); INSERT INTO note VALUES (\'new\')' };
const BROKEN: Migration = { version: SCHEMA_VERSION + 2, sql: 'CREATE TABLE half (text TEXT); INSERT INTO nowhere VALUES (1)' };

const tables = async (): Promise<readonly unknown[]> => (await database.all("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")).map((row) => row['name']);

test('versions count from 1 without a gap, so that user_version says which have run', () => {
  expect(MIGRATIONS.map(({ version }) => version)).toEqual(MIGRATIONS.map((_, index) => index + 1));
});

test('each migration runs once, on top of what the one before left', async () => {
  await migrate(database);
  const before = await tables();
  await migrate(database, [...MIGRATIONS, NEXT]);
  await migrate(database, [...MIGRATIONS, NEXT]);
  expect(await schemaVersion(database)).toBe(SCHEMA_VERSION + 1);
  expect(await tables()).toEqual([...before, 'note'].sort());
  expect((await database.all('SELECT * FROM note')).length).toBe(1);
});

test('one that fails leaves the schema of the last one that did not', async () => {
  await expect(migrate(database, [...MIGRATIONS, NEXT, BROKEN])).rejects.toThrow('nowhere');
  expect(await schemaVersion(database)).toBe(SCHEMA_VERSION + 1);
  expect(await tables()).not.toContain('half');
  await expect(migrate(database, [...MIGRATIONS, NEXT, BROKEN])).rejects.toThrow('nowhere');
});

test('a ledger written before a migration reads the same after it', async () => {
  await database.close();
  const store = await open(path);
  known(await store.append([admitted('T1'), returned('T1'), offered('T1', 'o1')]));
  const before = { root: store.root(), rows: rowsOf(store.view) };
  await store.close();
  database = await openDatabase(path, 'own');
  await migrate(database);
  await database.close();
  const after = await open(path);
  expect({ root: after.root(), rows: rowsOf(after.view) }).toEqual(before);
  expect(rowsOf(after.view)).toEqual(await rebuilt(after));
  await after.close();
  database = await openDatabase(path, 'own');
});
