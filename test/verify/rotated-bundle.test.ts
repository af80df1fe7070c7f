import { execFile } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { auditBundle, type Audit } from '../../app/ledger/audit.ts';
import { parseKeys, type BundleParts, type KeyRange } from '../../app/ledger/bundle.ts';
import { NO_PREVIOUS } from '../../app/ledger/entry.ts';
import { signRotation, type RotationFault } from '../../app/ledger/key-rotation.ts';
import { encodeVkey, verifierKey } from '../../app/ledger/note.ts';
import { bundleOf, chain, cosignedNote, noteOf, ORIGIN, POLICY, policyJws, rechained, SEEN_AT_S, STATION, STATION_KEY, wardDrafts, WITNESS_KEY, type Bodies } from './ward-ledger.ts';

const [SECOND, THIRD, THIEF] = [0, 1, 2].map(() => generateKeyPairSync('ed25519').privateKey) as [KeyObject, KeyObject, KeyObject];
const SIZE = 120;
const rotation = (from: KeyObject, to: KeyObject, at?: number): Bodies => (leafOf, seq) => ({ type: 'ledger-key-rotated', body: signRotation({ origin: ORIGIN, seq: at ?? seq, prev: leafOf(1) }, from, to) });
const keyOf = (key: KeyObject) => verifierKey(ORIGIN, key);
/** A ward's ledger with these entries in the places of others that nothing refers to. */
const withRotations = (changes: readonly (readonly [seq: number, entry: Bodies])[]): Buffer[] => {
  const drafts = wardDrafts(SIZE);
  for (const [seq, entry] of changes) drafts.splice(seq, 1, entry);
  return chain(drafts);
};
/** Entries of the type `host-lost`, which nothing refers to. */
const FREE = wardDrafts(SIZE).flatMap((draft, seq) => (draft(() => '', seq).type === 'host-lost' ? [seq] : []));
const [AT, LATER] = [FREE[1] ?? 0, FREE[4] ?? 0];
const ranges = (...list: readonly (readonly [KeyObject, number, number])[]): KeyRange[] => list.map(([key, from, to]) => ({ key: keyOf(key), from, to }));
const audited = async (entries: readonly Buffer[], keys: readonly KeyRange[], change: Partial<BundleParts> = {}, policy?: string): Promise<Audit> =>
  auditBundle([await bundleOf(entries, { checkpoint: cosignedNote(entries, keys.at(-1)?.key.publicKey.equals(keyOf(THIRD).publicKey) === true ? THIRD : SECOND), keys: { ranges: keys, witness: WITNESS_KEY }, ...change })], policy);

const once = withRotations([[AT, rotation(STATION, SECOND)]]);
const ONCE = ranges([STATION, 0, AT], [SECOND, AT, SIZE]);

describe('a ledger whose key was replaced', () => {
  test('once or twice is sound, and each key is told with its sizes', async () => {
    expect(await audited(once, ONCE)).toMatchObject({ finding: undefined, keys: { ranges: [{ to: AT }, { from: AT }] }, custody: { counts: { unknown: 0 } } });
    const twice = withRotations([[AT, rotation(STATION, SECOND)], [LATER, rotation(SECOND, THIRD)]]);
    expect((await audited(twice, ranges([STATION, 0, AT], [SECOND, AT, LATER], [THIRD, LATER, SIZE]))).finding).toBeUndefined();
  });

  test('as its first word is sound: the first key signed nothing', async () => {
    const entries = chain([() => ({ type: 'ledger-key-rotated', body: signRotation({ origin: ORIGIN, seq: 0, prev: NO_PREVIOUS }, STATION, SECOND) }), ...wardDrafts(1)]);
    expect((await audited(entries, ranges([STATION, 0, 0], [SECOND, 0, 2]), { policies: [] })).finding).toBeUndefined();
  });

  test('with a key in the file keys that no entry brought is not believed', async () => {
    const entries = chain(wardDrafts(SIZE));
    expect((await audited(entries, ONCE)).finding).toMatchObject({ kind: 'key-range', seq: AT });
  });

  test('with an entry of which the file keys knows nothing, or another size or key', async () => {
    expect((await audited(once, ranges([SECOND, 0, SIZE]))).finding).toMatchObject({ kind: 'key-range', seq: AT });
    expect((await audited(once, ranges([STATION, 0, AT + 1], [SECOND, AT + 1, SIZE]))).finding).toMatchObject({ kind: 'key-range', seq: AT });
    expect((await audited(once, ranges([STATION, 0, AT - 1], [SECOND, AT - 1, SIZE]))).finding).toMatchObject({ kind: 'key-range', seq: AT - 1 });
    expect((await audited(withRotations([[AT, rotation(STATION, THIRD)]]), ONCE)).finding).toMatchObject({ kind: 'key-range', seq: AT });
  });

  test.each<[string, RotationFault, Bodies]>([
    ['by the new key alone', 'old-signature', (leafOf, seq) => ({ type: 'ledger-key-rotated', body: { ...signRotation({ origin: ORIGIN, seq, prev: leafOf(1) }, STATION, SECOND), oldSignature: signRotation({ origin: ORIGIN, seq, prev: leafOf(1) }, THIEF, SECOND).oldSignature } })],
    ['by the old key alone', 'new-signature', (leafOf, seq) => ({ type: 'ledger-key-rotated', body: { ...signRotation({ origin: ORIGIN, seq, prev: leafOf(1) }, STATION, SECOND), newSignature: signRotation({ origin: ORIGIN, seq, prev: leafOf(1) }, STATION, THIEF).newSignature } })],
    ['by both, for another place', 'old-signature', rotation(STATION, SECOND, AT + 1)],
    ['from another key than the one that signed', 'other-key', rotation(THIEF, SECOND)],
    ['with words that no cart writes', 'malformed', () => ({ type: 'ledger-key-rotated', body: { from: 1 } as never })],
  ])('signed %s is named where it stands', async (_how, fault, entry) => {
    expect((await audited(withRotations([[AT, entry]]), ONCE)).finding).toMatchObject({ kind: 'key-range', seq: AT, message: expect.stringContaining(`(${fault})`) as string });
  });

  test('history before the rotation is written anew by a thief of the new key: the old key’s word does not fit it', async () => {
    const forged = rechained(once, FREE[0] ?? 0, (entry) => (entry.body['cause'] = 'never happened'));
    expect((await audited(forged, ONCE)).finding).toMatchObject({ kind: 'key-range', seq: AT, message: expect.stringContaining('old-signature') as string });
  });

  test('goes back to a key that it had before', async () => {
    const entries = withRotations([[AT, rotation(STATION, SECOND)], [LATER, rotation(SECOND, STATION)]]);
    const keys = ranges([STATION, 0, AT], [SECOND, AT, LATER], [STATION, LATER, SIZE]);
    expect((await audited(entries, keys, { checkpoint: cosignedNote(entries, STATION) })).finding).toMatchObject({ kind: 'key-range', seq: LATER });
  });

  test('a bit of the rotation is flipped: the bytes are the finding, not the key', async () => {
    const bundle = await bundleOf(once, { checkpoint: cosignedNote(once, SECOND), keys: { ranges: ONCE, witness: WITNESS_KEY } });
    const entry = once[AT] ?? Buffer.of();
    const start = bundle.indexOf(entry);
    for (const at of [entry.indexOf('"newSignature"') + 20, entry.indexOf('"from"') + 12, entry.length - 4]) {
      const changed = Buffer.from(bundle);
      changed[start + at] = (changed[start + at] ?? 0) ^ 1;
      expect((await auditBundle([changed])).finding).toMatchObject({ kind: 'bytes', seq: AT });
    }
  });

  test('the checkpoint is signed by the key that had been replaced', async () => {
    expect((await audited(once, ONCE, { checkpoint: cosignedNote(once, STATION) })).finding).toMatchObject({ kind: 'key-range', file: 'checkpoint' });
  });
});

describe('a key that was revoked', () => {
  const revoked = { atSize: SIZE - 20, time: SEEN_AT_S };
  const entries = chain(wardDrafts(SIZE));
  const seen = entries.slice(0, revoked.atSize);
  const told = { origin: ORIGIN, vkey: encodeVkey(STATION_KEY), afterSize: revoked.atSize, time: revoked.time };
  const byStation = (change: Partial<BundleParts> = {}): Partial<BundleParts> => ({ checkpoint: noteOf(entries), cosigned: cosignedNote(seen), ...change });
  const suspect = { kind: 'key-range', seq: revoked.atSize, message: `entries from ${revoked.atSize} on were signed by a revoked key and not witnessed before: suspect (revoked ${new Date(SEEN_AT_S * 1_000).toISOString()})` };
  const auditOf = async (change: Partial<BundleParts>, policy?: string): Promise<Audit> => auditBundle([await bundleOf(change.size === seen.length ? seen : entries, change)], policy);

  test('by the bundle’s own word or by the auditor’s newer policy: what the witness had not seen is suspect', async () => {
    expect((await auditOf(byStation())).finding).toBeUndefined();
    expect((await auditOf(byStation({ keys: { ranges: [{ key: STATION_KEY, from: 0, to: SIZE, revoked }], witness: WITNESS_KEY } }))).finding).toEqual(suspect);
    expect((await auditOf(byStation(), policyJws(9, { revokedKeys: [told] }))).finding).toEqual(suspect);
    expect((await auditOf(byStation(), policyJws(9, { revokedKeys: [{ ...told, origin: 'mercy/station/cart-8/e1' }] }))).finding).toBeUndefined();
  });

  test('leaves what the witness had seen as it was', async () => {
    const keys = { ranges: [{ key: STATION_KEY, from: 0, to: seen.length, revoked }], witness: WITNESS_KEY };
    expect((await auditOf({ checkpoint: cosignedNote(seen), size: seen.length, keys }, policyJws(9, { revokedKeys: [told] }))).finding).toBeUndefined();
  });

  test('and that its thief replaced by one of his own: what follows is suspect all the same', async () => {
    const at = FREE.findLast((seq) => seq > revoked.atSize) ?? 0;
    const taken = withRotations([[at, rotation(STATION, SECOND)]]);
    const change = { checkpoint: noteOf(taken, SECOND), cosigned: cosignedNote(taken.slice(0, revoked.atSize)), keys: { ranges: ranges([STATION, 0, at], [SECOND, at, SIZE]), witness: WITNESS_KEY } };
    expect((await auditBundle([await bundleOf(taken, change)])).finding).toBeUndefined();
    expect((await auditBundle([await bundleOf(taken, change)], policyJws(9, { revokedKeys: [told] }))).finding).toEqual(suspect);
  });

  test('is told to a person in words, with the exit code of its class', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'revoked-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const [bundle, policy] = [join(folder, 'stolen.tar'), join(folder, 'policy.jws')];
    await writeFile(bundle, await bundleOf(entries, byStation()));
    await writeFile(policy, policyJws(9, { revokedKeys: [told] }));
    const { code, out } = await new Promise<{ code: unknown; out: string }>((resolve) => {
      execFile(process.execPath, [fileURLToPath(new URL('../../scripts/verify.ts', import.meta.url)), bundle, '--policy', policy], (error, stdout) => resolve({ code: error?.code, out: stdout }));
    });
    expect([code, out]).toEqual([9, expect.stringContaining(`NOT SOUND (key-range): ${suspect.message}`) as string]);
  });

  test.each([
    ['not an object', '"revoked":7'],
    ['a size that is none', `"revoked":{"atSize":-1,"time":7}`],
    ['a time that no calendar has', `"revoked":{"atSize":1,"time":253402300800}`],
    ['more than it says', `"revoked":{"atSize":1,"time":7,"why":"x"}`],
  ])('in a file keys whose revocation is %s cannot be read', (_what, text) => {
    const file = `{"keys":[{"from":0,${text},"to":5,"vkey":"${encodeVkey(STATION_KEY)}"}],"witness":"${encodeVkey(WITNESS_KEY)}"}\n`;
    expect(parseKeys(file.replace(text, '"revoked":{"atSize":1,"time":7}'), ORIGIN, 5).ok).toBe(true);
    expect(parseKeys(file, ORIGIN, 5)).toEqual({ ok: false, reason: 'malformed' });
  });
});

describe('a witness that has changed its key', () => {
  const entries = chain(wardDrafts(SIZE));
  const later = encodeVkey(verifierKey('mercy/witness', THIEF, 'cosignature'));
  const policy = (untilMs: number): string => policyJws(9, { witness: later, formerWitnesses: [{ vkey: encodeVkey(WITNESS_KEY), untilMs }] });

  test('is believed for what it signed by the former one, as far as that key’s time went', async () => {
    expect((await auditBundle([await bundleOf(entries)], policy(SEEN_AT_S * 1_000 + 1_000))).finding).toBeUndefined();
    expect((await auditBundle([await bundleOf(entries)], policy(SEEN_AT_S * 1_000 - 2 * 3_600_000))).finding).toMatchObject({ kind: 'witness' });
    expect((await auditBundle([await bundleOf(entries)], policyJws(9, { witness: later }))).finding).toMatchObject({ kind: 'witness', file: 'keys' });
    expect((await auditBundle([await bundleOf(entries)], POLICY)).finding).toBeUndefined();
  });
});
