import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { EntryDraft } from '../../app/domain/entries.ts';
import { startVerification } from '../../app/ledger/verify.ts';
import { migrate, MIGRATIONS, SCHEMA_VERSION, schemaVersion, type Migration } from '../../app/storage/schema.ts';
import { openDatabase, type Database } from '../../app/storage/sqlite.ts';
import { admitted, assertSound, heard, known, offered, open, rebuilt, returned, rowsOf, VERIFIER } from '../storage/ward.ts';

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

/** What a program of schema 1 left: its own tables with these entries, and checkpoints only where that program signed. */
async function writtenBySchema1(drafts: readonly EntryDraft[], signedAt: readonly number[]): Promise<string> {
  await database.close();
  const store = await open(path);
  known(await store.append(drafts));
  const root = store.root();
  await store.close();
  const old = join(folder, 'old.db');
  database = await openDatabase(old, 'own');
  await migrate(database, MIGRATIONS.slice(0, 1));
  await database.exec(`ATTACH '${path}' AS made; DELETE FROM head`);
  for (const table of ['ledger', 'entry', 'head', 'projection', 'meta']) await database.exec(`INSERT INTO ${table} SELECT * FROM made.${table}`);
  await database.exec(`INSERT INTO checkpoint SELECT * FROM made.checkpoint WHERE size IN (${signedAt.join(',')})`);
  await database.exec('DETACH made');
  expect(await schemaVersion(database)).toBe(1);
  await database.close();
  path = old;
  return root;
}

test('a ledger of schema 1, signed only at the end of a long call, gets the checkpoints it lacks and goes on', async () => {
  const root = await writtenBySchema1([admitted('T1'), returned('T1'), ...Array.from({ length: 700 }, (_, n) => heard(`${n}`))], [128, 320]);
  const store = await open(path);
  expect([store.size(), store.root()]).toEqual([702, root]);
  expect(store.view.get('device', 'T1')?.custody.kind).toBe('cart');
  const sizes: number[] = [];
  for (let next = store.latestCheckpoint(); next; next = await store.checkpointUpTo(next.size - 1)) sizes.unshift(next.size);
  expect(sizes).toEqual([64, 128, 192, 256, 320, 384, 448, 512, 576, 640]);
  const verification = startVerification();
  for (const { bytes } of await store.entries(0, 448)) verification.push(bytes);
  expect(verification.finish((await store.checkpointUpTo(448))?.note ?? '', VERIFIER)).not.toHaveProperty('finding');
  known(await store.append([heard('a'), heard('b')]));
  expect(store.latestCheckpoint()?.size).toBe(704);
  await assertSound(store);
  expect(rowsOf(store.view)).toEqual(await rebuilt(store));
  await store.close();
  database = await openDatabase(path, 'own');
  expect(await schemaVersion(database)).toBe(SCHEMA_VERSION);
});

test('a ledger of schema 1 whose history was changed on disk: nothing of it is signed anew', async () => {
  await writtenBySchema1(Array.from({ length: 200 }, (_, n) => heard(`${n}`)), []);
  database = await openDatabase(path, 'own');
  await database.exec('UPDATE entry SET leaf = zeroblob(32) WHERE seq = 100');
  await database.close();
  const store = await open(path);
  expect(store.latestCheckpoint()).toBeUndefined();
  await store.close();
  database = await openDatabase(path, 'own');
});
