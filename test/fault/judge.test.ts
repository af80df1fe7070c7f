import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { projectEntry } from '../../app/domain/projection.ts';
import { openDatabase } from '../../app/storage/sqlite.ts';
import { admitted, heard, known, offered, open, returned } from '../storage/ward.ts';
import { judgeFolder, type Promised } from './judge.ts';
import { LEDGER, scratch } from './recording.ts';

/** The judge of the crashed ledgers is itself tried: each thing it is there to see is done to a sound ledger. */
let place: string;
let promised: Promised;

beforeEach(async () => {
  place = await scratch();
});

afterEach(() => rm(place, { recursive: true }));

/** A ledger of two calls, as a station leaves it; then whatever `sql` does to it. */
async function tampered(sql: string): Promise<string> {
  const folder = await mkdtemp(join(place, 'l'));
  const store = await open(join(folder, LEDGER), { project: projectEntry });
  const leaves: string[] = [];
  for (const id of ['one', 'two']) {
    const recorded = known(await store.append([admitted('T1'), returned('T1'), offered('T1', id), heard(`lane 0 ${id} `)], { meta: { 'lane 0': id } }));
    leaves.push(...recorded.map(({ leaf }) => leaf));
  }
  known(await store.setAcked(4, '— witness one\n', 1_790_000_000_000));
  await store.close();
  promised = { leaves, acknowledged: 8, covered: 8, cosigned: 4, ends: new Set([0, 4, 8]) };
  const database = await openDatabase(join(folder, LEDGER), 'own');
  await database.exec(sql);
  await database.close();
  return folder;
}

const verdictAfter = async (sql: string, change: Partial<Promised> = {}) => {
  const folder = await tampered(sql);
  const verdict = await judgeFolder(folder, { ...promised, ...change });
  return verdict.kind === 'sound' ? verdict.kind : `${verdict.kind}: ${verdict.why}`;
};

const SAME_LENGTH_OTHER_ENTRY = `UPDATE entry SET bytes = CAST(replace(CAST(bytes AS TEXT), 'lane 0 one', 'lane 0 eno') AS BLOB) WHERE seq = 3`;

test('a ledger that kept every promise is sound', async () => {
  expect(await verdictAfter('SELECT 1')).toBe('sound');
});

test('a promise that was not kept is a loss', async () => {
  expect(await verdictAfter('SELECT 1', { acknowledged: 9 })).toBe('lost: 9 entries were acknowledged, 8 are there');
  expect(await verdictAfter(SAME_LENGTH_OTHER_ENTRY)).toBe('lost: entry 3 is not the one that was acknowledged');
  expect(await verdictAfter('DELETE FROM checkpoint WHERE size = 8')).toBe('lost: a checkpoint over 8 entries was promised, the latest is over 4');
  expect(await verdictAfter('UPDATE head SET acked_size = 3')).toBe('lost: the server had cosigned 4, the ledger knows of 3');
});

test('a ledger that contradicts itself is corrupt', async () => {
  expect(await verdictAfter('SELECT 1', { ends: new Set([0, 4]) })).toBe('corrupt: it ends inside a call, at 8');
  expect(await verdictAfter(SAME_LENGTH_OTHER_ENTRY, { acknowledged: 0 })).toContain('corrupt: {"kind":"chain","seq":4,"field":"prev"}');
  expect(await verdictAfter('DELETE FROM entry WHERE seq = 5', { acknowledged: 0 })).toBe('corrupt: 7 entries are stored, the head counts 8');
  const olderNote = 'UPDATE checkpoint SET note = (SELECT note FROM checkpoint WHERE size = 4) WHERE size = 8';
  expect(await verdictAfter(olderNote)).toContain('corrupt: the latest checkpoint: {"kind":"root"');
  expect(await verdictAfter(`UPDATE meta SET value = 'one' WHERE key = 'lane 0'`)).toBe('corrupt: lane 0 recorded "two", its metadata says "one"');
  expect(await verdictAfter(`DELETE FROM projection WHERE name = 'offer' AND key = 'one'`)).toBe('corrupt: the projections are not what the entries make of them');
  expect(await verdictAfter('UPDATE head SET size = 7')).toMatch(/corrupt: it is unreadable/);
  expect(await verdictAfter(`CREATE TRIGGER no_more BEFORE INSERT ON entry BEGIN SELECT RAISE(ABORT, 'no more'); END`)).toContain('corrupt: ');
});
