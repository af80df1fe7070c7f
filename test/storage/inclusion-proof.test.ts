import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EMPTY_FRONTIER, leafHash, rootOf, type Hash } from '../../app/ledger/merkle.ts';
import { inclusionProof, verifyInclusion } from '../../app/ledger/proofs.ts';
import { grow } from '../../app/ledger/subtrees.ts';
import { createProver } from '../../app/storage/prover.ts';
import type { Database } from '../../app/storage/sqlite.ts';
import type { Store } from '../../app/storage/store.ts';
import { heard, known, open } from './ward.ts';

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ledger-'));
  store = await open(join(folder, 'ledger.db'));
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

const lengthen = async (to: number): Promise<void> => void known(await store.append(Array.from({ length: to - store.size() }, (_, at) => heard(`cable ${at}`))));
const leaves = async (): Promise<Hash[]> => (await store.entries(0, store.size())).map(({ bytes }) => leafHash(bytes));

test('a proof asked for while the ledger grows is the one that its leaves give, and holds under the root of its size', async () => {
  for (const size of [1, 2, 255, 256, 257, 513]) {
    await lengthen(size);
    const all = await leaves();
    const asked = [0, 255, 256, size - 1, Math.floor(size / 2)].filter((seq) => seq < size);
    const proofs = await Promise.all(asked.map((seq) => store.inclusionProof(seq, size)));
    for (const [at, seq] of asked.entries()) {
      expect([size, seq, proofs[at]]).toEqual([size, seq, inclusionProof(seq, size, (index) => all[index] ?? expect.fail())]);
      expect(verifyInclusion(seq, size, all[seq] ?? expect.fail(), proofs[at] ?? [], Buffer.from(store.root(), 'hex'))).toBe(true);
    }
  }
  const earlier = rootOf(grow(EMPTY_FRONTIER, (await leaves()).slice(0, 300)));
  expect(verifyInclusion(7, 300, (await leaves())[7] ?? expect.fail(), await store.inclusionProof(7, 300), earlier)).toBe(true);
});

test('of an entry that is not there, or in a tree that is longer than the ledger, there is none', async () => {
  await lengthen(3);
  await expect(store.inclusionProof(3, 3)).rejects.toThrow(RangeError);
  await expect(store.inclusionProof(-1, 3)).rejects.toThrow(RangeError);
  await expect(store.inclusionProof(0, 4)).rejects.toThrow('should hold');
});

test('the second proof reads no entry again but those beside it and at the end', async () => {
  const all = Array.from({ length: 2_000 }, (_, index) => leafHash(Buffer.from(`leaf ${index}`)));
  let read = 0;
  const database = {
    all: async (_sql: string, [from, to]: [number, number]) => {
      read += to - from;
      return all.slice(from, to).map((leaf) => ({ leaf }));
    },
  } as unknown as Database;
  const prove = createProver(database);
  const root = rootOf(grow(EMPTY_FRONTIER, all));
  for (const [seq, atMost] of [[3, 2_256], [1_500, 512]] as const) {
    read = 0;
    expect(verifyInclusion(seq, 2_000, all[seq] ?? expect.fail(), await prove(seq, 2_000), root)).toBe(true);
    expect(read).toBeLessThanOrEqual(atMost);
  }
});
