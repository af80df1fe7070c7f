import { hash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { setAside } from '../../app/storage/set-aside.ts';
import { isTooOld, openDatabase } from '../../app/storage/sqlite.ts';
import { admitted, assertSound, heard, known, offered, open, returned, tryOpen } from './ward.ts';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ledger-'));
  path = join(folder, 'ledger.db');
});

afterEach(() => rm(folder, { recursive: true }));

/** What lies on disk, by its digest. Without the shared-memory file, which holds nothing, and an empty WAL, which looking leaves. */
async function onDisk(): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const name of await readdir(folder)) {
    const bytes = await readFile(join(folder, name)).catch(() => Buffer.from('a folder'));
    if (bytes.length > 0 && !name.endsWith('-shm')) files[name] = `${bytes.length} ${hash('sha256', bytes)}`;
  }
  return files;
}

async function written(entries = 200): Promise<void> {
  const store = await open(path);
  known(await store.append([admitted('T1'), returned('T1'), offered('T1', 'o1')]));
  known(await store.append(Array.from({ length: entries }, (_, index) => heard(`${index} ${'x'.repeat(300)}`))));
  await store.close();
}

/** The state a killed station leaves: part of the truth only in the WAL. */
async function writtenAndKilled(): Promise<void> {
  const original = join(folder, 'original.db');
  const store = await open(original);
  known(await store.append([admitted('T1'), heard('x')]));
  await copyFile(original, path);
  await copyFile(`${original}-wal`, `${path}-wal`);
  await store.close();
  await rm(original);
}

async function change(sql: string): Promise<void> {
  const database = await openDatabase(path, 'own');
  await database.exec(sql);
  await database.close();
}

async function expectRefused(reason: string, options = {}): Promise<void> {
  const before = await onDisk();
  expect(await tryOpen(path, options)).toEqual({ ok: false, reason });
  expect(await onDisk()).toEqual(before);
}

test('a file that is no database', async () => {
  await writeFile(path, 'this was a text file '.repeat(500));
  await expectRefused('unreadable');
  await writeFile(path, 'short');
  await expectRefused('unreadable');
});

test('a folder where the database should be', async () => {
  await mkdir(path);
  expect(await tryOpen(path)).toEqual({ ok: false, reason: 'unreadable' });
});

test('somebody else’s database is not written into', async () => {
  await change('CREATE TABLE patients (name TEXT)');
  await expectRefused('unreadable');
});

test('a database cut in half', async () => {
  await written();
  const bytes = await readFile(path);
  await writeFile(path, bytes.subarray(0, bytes.length / 2));
  await expectRefused('unreadable');
});

test('a database with its inner pages overwritten, while its WAL still holds entries', async () => {
  await writtenAndKilled();
  const bytes = await readFile(path);
  await writeFile(path, bytes.fill(0xa5, 100));
  const wal = await readFile(`${path}-wal`);
  expect(wal.length).toBeGreaterThan(4096);
  await writeFile(`${path}-wal`, wal.fill(0xa5, 4096, 4096 * 2));
  await expectRefused('unreadable');
});

test.each([
  ['whose last entry was changed', "UPDATE entry SET bytes = x'7b7d' WHERE seq = (SELECT max(seq) FROM entry)"],
  ['whose last entry was deleted', 'DELETE FROM entry WHERE seq = (SELECT max(seq) FROM entry)'],
  ['with an entry too many', "INSERT INTO entry SELECT max(seq) + 1, leaf, NULL, bytes FROM entry"],
  ['whose head was set back', 'UPDATE head SET size = size - 1'],
  ['without a head', 'DELETE FROM head'],
  ['whose checkpoint covers more than there is', "UPDATE checkpoint SET size = size + 100000"],
  ['with a projection that is not JSON', "UPDATE projection SET row = '{'"],
  ['with a table dropped', 'DROP TABLE entry'],
])('a ledger %s', async (_name, sql) => {
  await written(5);
  await change(sql);
  await expectRefused('unreadable');
});

test('an old entry was changed: boot, which reads no history, goes on; fsck names the entry', async () => {
  await written(50);
  await change(`UPDATE entry SET bytes = CAST(replace(CAST(bytes AS TEXT), '"T1"', '"T2"') AS BLOB) WHERE seq = 1`);
  const store = await open(path);
  expect(store.size()).toBe(53);
  await expect(assertSound(store)).rejects.toThrow('"seq":2,"field":"prev"');
  await store.close();
});

test('a newer program’s ledger is refused, never reset, not a byte changed', async () => {
  await written(5);
  await change('PRAGMA user_version = 99');
  await expectRefused('newer-schema');
});

test('a newer schema that only the WAL knows of is refused and left there', async () => {
  await writtenAndKilled();
  const other = join(folder, 'other.db');
  await copyFile(path, other);
  await copyFile(`${path}-wal`, `${other}-wal`);
  const database = await openDatabase(other, 'own');
  await database.exec('PRAGMA user_version = 99');
  await copyFile(other, path);
  await copyFile(`${other}-wal`, `${path}-wal`);
  await database.close();
  await expectRefused('newer-schema');
});

test('the ledger of another station or epoch', async () => {
  await written(5);
  await expectRefused('other-epoch', { origin: 'mercy/station/cart-7/e2', epoch: 2 });
  await expectRefused('other-ledger', { origin: 'mercy/station/cart-8/e1', station: 'cart-8' });
});

test('two stations cannot open one ledger', async () => {
  const first = await open(path);
  known(await first.append([heard('x')]));
  expect(await tryOpen(path)).toEqual({ ok: false, reason: 'locked' });
  known(await first.append([heard('y')]));
  await first.close();
  const second = await open(path);
  expect(second.size()).toBe(2);
  await second.close();
});

test('an SQLite from before the WAL-reset bug was mended', () => {
  expect(['3.51.2', '3.50.9', '2.99.99', '3.9'].map(isTooOld)).toEqual([true, true, true, true]);
  expect(['3.51.3', '3.52.0', '4.0.0'].map(isTooOld)).toEqual([false, false, false]);
});

test('a folder that does not exist is a mistake of the configuration, and thrown', async () => {
  await expect(tryOpen(join(folder, 'nowhere', 'ledger.db'))).rejects.toThrow('ENOENT');
});

test('set aside: every file keeps its bytes, and a new ledger starts beside it', async () => {
  await writtenAndKilled();
  await writeFile(path, 'ruined '.repeat(1000));
  await writeFile(`${path}-shm`, 'shm');
  const before = await onDisk();
  expect(await tryOpen(path)).toEqual({ ok: false, reason: 'unreadable' });
  const aside = await setAside(path, new Date(Date.UTC(2026, 10, 21, 22, 55, 36, 123)));
  expect(aside).toBe(`${path}.unreadable-20261121T225536.123Z`);
  const renamed = Object.fromEntries(Object.entries(before).map(([name, bytes]) => [name.replace('ledger.db', 'ledger.db.unreadable-20261121T225536.123Z'), bytes]));
  expect(await onDisk()).toEqual(renamed);
  expect(await readFile(`${aside}-shm`, 'utf8')).toBe('shm');
  const store = await open(path);
  expect(store.size()).toBe(0);
  await store.close();
});

test('set aside, but the power went after the first rename: the WAL left alone is not lost', async () => {
  await writtenAndKilled();
  await rm(path);
  await expectRefused('unreadable');
  const aside = await setAside(path);
  expect(await readdir(folder)).toEqual([`${aside.slice(folder.length + 1)}-wal`]);
});

test('set aside never covers what was set aside before', async () => {
  const at = new Date(0);
  await writeFile(path, 'first');
  const aside = await setAside(path, at);
  await writeFile(path, 'second');
  await expect(setAside(path, at)).rejects.toThrow('already there');
  expect(await readFile(aside, 'utf8')).toBe('first');
});
