import { generateKeyPairSync } from 'node:crypto';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { openCheckpoint } from '../../app/ledger/checkpoint.ts';
import { parseEntry } from '../../app/ledger/entry.ts';
import { openRotation } from '../../app/ledger/key-rotation.ts';
import { encodeVkey, verifierKey, type VerifierKey } from '../../app/ledger/note.ts';
import { startVerification } from '../../app/ledger/verify.ts';
import { createProjections } from '../../app/storage/projections.ts';
import { SqliteError } from '../../app/storage/sqlite.ts';
import { openStage } from '../../app/storage/staging.ts';
import { EMPTY_HEAD } from '../../app/storage/head.ts';
import type { Store, StoreOptions } from '../../app/storage/store.ts';
import { createWriter } from '../../app/storage/writer.ts';
import { admitted, heard, KEYS, offered, open, optionsFor, ORIGIN, SIGNING_KEY, tryOpen, VERIFIER } from './ward.ts';

const [SECOND, THIRD] = [generateKeyPairSync('ed25519').privateKey, generateKeyPairSync('ed25519').privateKey];
const vkeyOf = (key: typeof SECOND): VerifierKey => verifierKey(ORIGIN, key);
let path: string;

beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rotation-'));
  path = join(folder, 'ledger.db');
  onTestFinished(() => rm(folder, { recursive: true }));
});

const start = async (change: Partial<StoreOptions> = {}): Promise<Store> => {
  const store = await open(path, change);
  onTestFinished(() => store.close().catch(() => undefined));
  return store;
};

/** Every stored checkpoint is signed by the key of its size; the entries hang together; each rotation bears both words. */
async function expectSound(store: Store): Promise<void> {
  const verification = startVerification();
  let current = VERIFIER;
  for (const { bytes, seq } of await store.entries(0, store.size())) {
    const note = await store.checkpointUpTo(seq);
    if (note?.size === seq) expect([seq, openCheckpoint(note.note, current).ok]).toEqual([seq, true]);
    expect(verification.push(bytes)).toBeUndefined();
    const entry = parseEntry(bytes);
    if (!entry.ok || entry.value.type !== 'ledger-key-rotated') continue;
    const next = openRotation({ origin: ORIGIN, seq, prev: entry.value.prev }, entry.value.body, current);
    if (!next.ok) throw new Error(next.reason);
    current = next.value;
  }
  const signed = await store.checkpoint();
  if (!signed.ok) throw new Error(signed.reason);
  expect(verification.finish(signed.value.note, current)).toHaveProperty('verified');
  expect(store.keyRanges().at(-1)?.vkey).toBe(encodeVkey(current));
}

test('the key is replaced: all up to there stays under the old one, all after it is under the new one, and so it is after a restart', async () => {
  const store = await start();
  await store.append([admitted('T1'), heard('a')]);
  await store.checkpoint();
  const rotated = await store.rotateKey(SECOND, { meta: { 'ledger-key-since': '7' } });
  expect(rotated).toMatchObject({ ok: true, value: { type: 'ledger-key-rotated', seq: 2, body: { from: encodeVkey(VERIFIER), to: encodeVkey(vkeyOf(SECOND)) } } });
  expect(store.latestCheckpoint()?.size).toBe(3);
  await store.append([offered('T1', 'o1')]);
  await store.rotateKey(THIRD);
  await store.append([heard('b')]);
  await expectSound(store);
  const ranges = [{ vkey: encodeVkey(VERIFIER), from: 0 }, { vkey: encodeVkey(vkeyOf(SECOND)), from: 2 }, { vkey: encodeVkey(vkeyOf(THIRD)), from: 4 }];
  expect(store.keyRanges()).toEqual(ranges);
  await store.close();

  const again = await start({ signingKey: THIRD });
  expect([again.keyRanges(), again.getMeta('ledger-key-since')]).toEqual([ranges, '7']);
  await again.append([offered('T1', 'o2')]);
  await expectSound(again);
});

test('two nurses tap while the key is replaced: one transaction, and each checkpoint in it under the key of its size', async () => {
  const store = await start();
  const written = Promise.all([store.append(Array.from({ length: 70 }, (_, n) => heard(`before ${n}`))), store.append([offered('T1', 'o1')]), store.rotateKey(SECOND), store.append([offered('T2', 'o2')]), store.append(Array.from({ length: 70 }, (_, n) => heard(`after ${n}`)))]);
  expect((await written).every(({ ok }) => ok)).toBe(true);
  expect([store.size(), store.keyRanges().at(-1)?.from, (await store.checkpointUpTo(71))?.size]).toEqual([143, 71, 64]);
  await expectSound(store);
});

test('the disk is full: nothing of the rotation is in the ledger, and the old key goes on signing', async () => {
  let full = true;
  let [head, keys] = [EMPTY_HEAD, KEYS];
  const notes: string[] = [];
  const writer = createWriter({
    insertBatch: {
      run: async (values) => {
        if (full) throw new SqliteError(Object.assign(new Error('SQLITE_FULL'), { errno: 13, code: 'SQLITE_FULL' }), 'INSERT');
        notes.push(...(JSON.parse(String(values.at(-1))) as [number, string][]).map(([, note]) => note));
      },
    },
    openStage: () => openStage(head, createProjections(), keys, optionsFor('nowhere')),
    committed: (stage) => ([head, keys] = [stage.head(), stage.keys()]),
    onFatal: (error) => expect.fail(error.message),
  });
  expect(await writer.submit(1, (stage) => stage.rotateKey(SECOND))).toEqual({ ok: false, reason: 'no-space' });
  full = false;
  await writer.submit(1, (stage) => stage.record(offered('T1', 'o1')));
  expect(notes.map((note) => openCheckpoint(note, VERIFIER).ok)).toEqual([true]);
  await writer.submit(1, (stage) => stage.rotateKey(SECOND));
  expect(openCheckpoint(notes[1] ?? '', vkeyOf(SECOND))).toMatchObject({ ok: true, value: { size: 2 } });
});

test('the power fails before or after the entry: given both keys, the ledger says which one signs', async () => {
  const before = await start({ nextKey: SECOND });
  await before.append([heard('a')]);
  await before.close();
  const between = await start({ nextKey: SECOND });
  await between.append([offered('T1', 'o1')]);
  await expectSound(between);
  await between.rotateKey(SECOND);
  await between.close();
  const after = await start({ nextKey: SECOND });
  await after.append([offered('T1', 'o2')]);
  await expectSound(after);
  expect(after.keyRanges()).toHaveLength(2);
});

test('a ledger that was signed by another key is not gone on with: its own record says so, and before the first rotation its last checkpoint', async () => {
  const store = await start();
  await store.append([offered('T1', 'o1')]);
  await store.close();
  await copyFile(path, `${path}.image`);
  expect(await tryOpen(path, { signingKey: THIRD })).toEqual({ ok: false, reason: 'other-key' });
  const again = await start();
  await again.rotateKey(SECOND);
  await again.close();
  expect(await tryOpen(path)).toEqual({ ok: false, reason: 'other-key' });
  expect(await tryOpen(path, { signingKey: THIRD, nextKey: SIGNING_KEY })).toEqual({ ok: false, reason: 'other-key' });
  expect((await start({ signingKey: SECOND })).size()).toBe(2);
  // A disk image from before the rotation under the identity from after it.
  await copyFile(`${path}.image`, `${path}.image.db`);
  expect(await tryOpen(`${path}.image.db`, { signingKey: SECOND })).toEqual({ ok: false, reason: 'other-key' });
});

test('the record of the keys is damaged: the ledger is unreadable, and nothing of it is changed', async () => {
  const store = await start();
  await store.rotateKey(SECOND);
  await store.close();
  for (const value of ['not JSON', '[]', '[{"vkey":7}]']) {
    const database = new DatabaseSync(path);
    database.prepare("update meta set value = ? where key = 'ledger-keys'").run(value);
    database.close();
    expect(await tryOpen(path, { signingKey: SECOND })).toEqual({ ok: false, reason: 'unreadable' });
  }
});

test('nobody changes the key by writing the entry alone', async () => {
  const store = await start();
  const body = { from: 'a', to: 'b', oldSignature: 'c', newSignature: 'd' };
  await expect(store.append([{ type: 'ledger-key-rotated', body }])).rejects.toThrow(/rotateKey alone/);
  expect(store.size()).toBe(0);
});
