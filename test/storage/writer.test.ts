import { expect, test } from 'vitest';
import { EMPTY_HEAD } from '../../app/storage/head.ts';
import { createProjections } from '../../app/storage/projections.ts';
import { SqliteError, type SqlValue } from '../../app/storage/sqlite.ts';
import { openStage } from '../../app/storage/staging.ts';
import { createWriter, MAX_GROUP_ENTRIES, type Writer } from '../../app/storage/writer.ts';
import { heard, KEYS, optionsFor } from './ward.ts';

/** A disk that does as it is told, once per transaction, and a ledger in memory on top of it. */
function ledgerOn(disk: (transaction: number) => Promise<void>) {
  const transactions: (readonly SqlValue[])[] = [];
  const fatal: Error[] = [];
  const projections = createProjections();
  const options = optionsFor('nowhere');
  let head = EMPTY_HEAD;
  const writer = createWriter({
    insertBatch: {
      async run(values) {
        transactions.push(values);
        await disk(transactions.length);
      },
    },
    openStage: () => openStage(head, projections, KEYS, options),
    committed: (stage) => (head = stage.head()),
    onFatal: (error) => fatal.push(error),
  });
  return { writer, transactions, fatal, size: () => head.frontier.size };
}

const append = (writer: Writer, count = 1) => writer.submit(count, (stage) => Array.from({ length: count }, (_, index) => stage.record(heard(`${index}`)).seq));
const sqliteError = (code: string, errno: number): SqliteError => new SqliteError(Object.assign(new Error(code), { errno, code }), 'INSERT');

test('a disk that fails to write or sync: nobody is told "recorded", and nothing is written on top of the unknown', async () => {
  const ledger = ledgerOn((transaction) => (transaction === 2 ? Promise.reject(sqliteError('SQLITE_IOERR_FSYNC', 1034)) : Promise.resolve()));
  expect(await append(ledger.writer)).toEqual({ ok: true, value: [0] });
  expect(await Promise.all([append(ledger.writer), append(ledger.writer)])).toEqual([{ ok: false, reason: 'io' }, { ok: false, reason: 'io' }]);
  expect(await append(ledger.writer)).toEqual({ ok: false, reason: 'io' });
  expect(ledger.transactions.length).toBe(2);
  expect(ledger.fatal.map((error) => error.message)).toEqual([expect.stringContaining('SQLITE_IOERR_FSYNC')]);
  expect(ledger.size()).toBe(1);
});

test('a full disk refuses what it cannot hold and goes on when it can: the sequence has no hole', async () => {
  const ledger = ledgerOn((transaction) => (transaction === 2 ? Promise.reject(sqliteError('SQLITE_FULL', 13)) : Promise.resolve()));
  expect(await append(ledger.writer, 2)).toEqual({ ok: true, value: [0, 1] });
  expect(await append(ledger.writer, 2)).toEqual({ ok: false, reason: 'no-space' });
  expect(await append(ledger.writer, 2)).toEqual({ ok: true, value: [2, 3] });
  expect(ledger.fatal).toEqual([]);
});

test('what waits while a transaction runs goes into the next one together, a call never split, a group never over its limit', async () => {
  const sizes: number[] = [];
  const ledger = ledgerOn(() => Promise.resolve());
  const calls = [100, 100, 100, 300, 1, 1].map((count) => append(ledger.writer, count));
  await Promise.all(calls);
  for (const values of ledger.transactions) sizes.push((JSON.parse(String(values[10])) as unknown[]).length);
  expect(MAX_GROUP_ENTRIES).toBe(256);
  expect(sizes).toEqual([200, 100, 300, 2]);
});

test('calls made while the disk is busy are not answered before their own transaction is', async () => {
  const gates: (() => void)[] = [];
  const ledger = ledgerOn(() => new Promise((resolve) => gates.push(resolve)));
  const answered: string[] = [];
  const first = append(ledger.writer).then(() => answered.push('first'));
  await Promise.resolve();
  await Promise.resolve();
  const second = append(ledger.writer).then(() => answered.push('second'));
  const empty = ledger.writer.submit(0, () => 'read').then(() => answered.push('empty'));
  expect(gates.length).toBe(1);
  expect(ledger.size()).toBe(0);
  gates[0]?.();
  await first;
  expect(answered).toEqual(['first']);
  while (gates.length < 2) await Promise.resolve();
  expect(ledger.transactions.length).toBe(2);
  gates[1]?.();
  await Promise.all([second, empty]);
  expect(answered).toEqual(['first', 'second', 'empty']);
});

test('a call that changes nothing costs no transaction', async () => {
  const ledger = ledgerOn(() => Promise.resolve());
  expect(await ledger.writer.submit(0, () => 'nothing')).toEqual({ ok: true, value: 'nothing' });
  expect(ledger.transactions).toEqual([]);
});
