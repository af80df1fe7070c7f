import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cosign } from '../../app/ledger/checkpoint.ts';
import { verifierKey } from '../../app/ledger/note.ts';
import { openReceipt } from '../../app/ledger/receipt.ts';
import { receiptAt, receiptFor } from '../../app/station/receipts.ts';
import type { Store } from '../../app/storage/store.ts';
import { admitted, heard, known, offered, open, ORIGIN, released, returned, VERIFIER } from '../storage/ward.ts';

const WITNESS = generateKeyPairSync('ed25519').privateKey;
const WITNESS_KEY = verifierKey('mercy/witness', WITNESS, 'cosignature');
const TAKEN = { device: 'T1', release: 'r-o1' };
const SEEN_AT_S = 1_790_000_100;

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'receipts-'));
  store = await open(join(folder, 'ledger.db'));
  known(await store.append([admitted('T1'), returned('T1'), offered('T1', 'o1')]));
  known(await store.append([released('T1', 'o1')]));
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

const deps = () => ({ store, witnesses: [WITNESS_KEY] });
const receipt = async (release = TAKEN): Promise<{ text: string; provisional: boolean }> => known(await receiptFor(deps(), release));
/** What the next contact with the server brings: its signature over everything so far. */
async function acknowledged(): Promise<void> {
  const { size, note } = known(await store.checkpoint());
  known(await store.setAcked(size, cosign(note, WITNESS_KEY, WITNESS, SEEN_AT_S), SEEN_AT_S * 1_000));
}

describe('a receipt from the cart', () => {
  test('without network is provisional; once the server has cosigned it is not', async () => {
    const offline = await receipt();
    expect(offline).toMatchObject({ provisional: true, text: expect.stringContaining('PROVISIONAL') as string });
    expect(openReceipt(Buffer.from(offline.text))).toMatchObject({ ok: true, value: { origin: ORIGIN, entry: { type: 'released', seq: 3 }, witnessed: [] } });
    await acknowledged();
    const witnessed = await receipt();
    expect(witnessed.provisional).toBe(false);
    expect(openReceipt(Buffer.from(witnessed.text))).toMatchObject({ ok: true, value: { size: 4, witnessed: [{ timeS: SEEN_AT_S }] } });
  });

  test('of what happened after the last contact is provisional, of what happened before is not', async () => {
    await acknowledged();
    known(await store.append([returned('T1', 'r-o1'), offered('T1', 'o2'), released('T1', 'o2'), ...Array.from({ length: 300 }, () => heard('cable'))]));
    expect([(await receipt()).provisional, (await receipt({ device: 'T1', release: 'r-o2' })).provisional]).toEqual([false, true]);
    expect(known(await receiptAt(deps(), 4)).provisional).toBe(true);
    await acknowledged();
    expect(openReceipt(Buffer.from((await receipt({ device: 'T1', release: 'r-o2' })).text))).toMatchObject({ ok: true, value: { size: 307, entry: { seq: 6 }, witnessed: [{ timeS: SEEN_AT_S }] } });
  });

  test('after a restart is the same, bit for bit', async () => {
    await acknowledged();
    const before = await receipt();
    await store.close();
    store = await open(join(folder, 'ledger.db'));
    expect(await receipt()).toEqual(before);
  });

  test('whose cosignature is by somebody whom the policy does not name is provisional', async () => {
    await acknowledged();
    const stranger = verifierKey('mercy/witness', generateKeyPairSync('ed25519').privateKey, 'cosignature');
    expect(known(await receiptFor({ store, witnesses: [stranger] }, TAKEN)).provisional).toBe(true);
  });

  test('of a release that never was, or of another tablet, is refused', async () => {
    for (const release of [{ device: 'T1', release: 'r-none' }, { device: 'T2', release: 'r-o1' }]) expect(await receiptFor(deps(), release)).toEqual({ ok: false, reason: 'no-such-release' });
  });

  test('from a ledger whose key or leaves are no longer those that signed is refused, not handed out', async () => {
    const other = verifierKey(ORIGIN, generateKeyPairSync('ed25519').privateKey);
    const flipped = async (seq: number, size: number) => (await store.inclusionProof(seq, size)).map((hash, at) => (at === 0 ? Buffer.alloc(32) : hash));
    const asked = { forDevice: store.forDevice, entries: store.entries, acked: store.acked, checkpointUpTo: store.checkpointUpTo, latestCheckpoint: store.latestCheckpoint, checkpoint: store.checkpoint, inclusionProof: store.inclusionProof, keyRanges: store.keyRanges };
    expect((await receiptAt({ store: asked, witnesses: [] }, 3)).ok).toBe(true);
    expect(await receiptAt({ store: { ...asked, inclusionProof: flipped }, witnesses: [] }, 3)).toEqual({ ok: false, reason: 'ledger-damaged' });
    expect(await receiptAt({ store: { ...asked, keyRanges: () => [{ vkey: VERIFIER.name + other.keyId, from: 0 }] }, witnesses: [] }, 3)).toEqual({ ok: false, reason: 'ledger-damaged' });
    expect(await receiptAt({ store: asked, witnesses: [] }, 99)).toEqual({ ok: false, reason: 'ledger-damaged' });
  });
});
