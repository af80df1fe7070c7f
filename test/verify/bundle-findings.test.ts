import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { auditBundle, type Audit } from '../../app/ledger/audit.ts';
import type { BundleParts } from '../../app/ledger/bundle.ts';
import { encodeVkey, verifierKey } from '../../app/ledger/note.ts';
import { bundleOf, chain, cosignedNote, noteOf, ORIGIN, POLICY, policyJws, rechained, STATION_KEY, wardDrafts, WITNESS_KEY, type WrittenEntry as Entry } from './ward-ledger.ts';

const entries = chain(wardDrafts(300));
const audited = async (all: readonly Buffer[], change: Partial<BundleParts> = {}, policy?: string): Promise<Audit> => auditBundle([await bundleOf(all, change)], policy);
const findingOf = async (change: Partial<BundleParts>, policy?: string): Promise<unknown> => (await audited(entries, change, policy)).finding;

describe('who vouches for a ledger', () => {
  const stranger = generateKeyPairSync('ed25519').privateKey;
  const strangerKey = verifierKey(ORIGIN, stranger);

  test('every size around a full tile is sound', async () => {
    for (const size of [0, 1, 2, 255, 256, 257, 300]) expect(await audited(chain(wardDrafts(size)), size < 2 ? { policies: [] } : {})).toMatchObject({ finding: undefined, size });
  });

  test('a checkpoint by a key that the bundle does not name is a finding about the signature', async () => {
    expect(await findingOf({ checkpoint: noteOf(entries, stranger) })).toMatchObject({ kind: 'signature' });
  });

  test('a checkpoint by a key whose time was over is a finding about the key’s range', async () => {
    const ranges = [{ key: STATION_KEY, from: 0, to: 200 }, { key: strangerKey, from: 200, to: 300 }];
    expect(await findingOf({ keys: { ranges, witness: WITNESS_KEY } })).toMatchObject({ kind: 'key-range' });
    expect(await findingOf({ keys: { ranges: ranges.toReversed(), witness: WITNESS_KEY } })).toMatchObject({ kind: 'key-range' });
  });

  test.each([
    ['a gap', [[0, 100], [101, 300]]],
    ['an overlap', [[0, 200], [100, 300]]],
    ['an end before the ledger’s', [[0, 299]]],
    ['an end behind the ledger’s', [[0, 301]]],
    ['a beginning behind the first entry', [[1, 300]]],
  ])('key ranges with %s are refused', async (_what, ranges) => {
    const keys = { ranges: ranges.map(([from = 0, to = 0]) => ({ key: STATION_KEY, from, to })), witness: WITNESS_KEY };
    expect(await findingOf({ keys })).toMatchObject({ kind: 'key-range', file: 'keys' });
  });

  test('a ledger that no server has seen stands on the station’s word alone', async () => {
    expect(await findingOf({ checkpoint: noteOf(entries) })).toMatchObject({ kind: 'witness' });
  });

  test('a ledger shorter than what the witness saw was cut', async () => {
    const short = entries.slice(0, 200);
    expect((await audited(short, { checkpoint: noteOf(short), cosigned: cosignedNote(entries) })).finding).toMatchObject({ kind: 'consistency' });
  });

  test('a witness of the bundle’s own making is found by the auditor’s policy, and by nothing else', async () => {
    expect(await findingOf({}, POLICY)).toBeUndefined();
    expect(await findingOf({}, policyJws(9, { witness: encodeVkey(verifierKey('mercy/witness', stranger, 'cosignature')) }))).toMatchObject({ kind: 'witness' });
    // In the middle of its signature, whose last byte is often 0 anyhow.
    const at = POLICY.lastIndexOf('.') + 20;
    expect(await findingOf({}, POLICY.slice(0, at) + (POLICY[at] === 'A' ? 'B' : 'A') + POLICY.slice(at + 1))).toMatchObject({ kind: 'signature' });
  });

  test('a policy that the ledger never accepted, or that the server did not sign, is no policy', async () => {
    expect(await findingOf({ policies: [{ version: 4, jws: policyJws(4) }] })).toMatchObject({ kind: 'bytes', file: 'policy/4.jws' });
    expect(await findingOf({ policies: [{ version: 3, jws: policyJws(3, { server: stranger }) }] }, POLICY)).toMatchObject({ kind: 'signature', file: 'policy/3.jws' });
    expect(await findingOf({ policies: [{ version: 3, jws: POLICY.replace('.', '..') }] })).toMatchObject({ kind: 'signature' });
  });

  test('entries of another cart under this cart’s checkpoint are named', async () => {
    const others = rechained(entries, 0, (entry) => (entry['station'] = 'cart-8')).slice(0, 1);
    expect((await audited(others, { policies: [] })).finding).toMatchObject({ kind: 'chain', seq: 0 });
  });
});

describe('what should not have happened', () => {
  const firstOf = (type: string, nth = 0): number => entries.map((bytes, seq) => ({ seq, entry: JSON.parse(bytes.toString()) as Entry })).filter(({ entry }) => entry['type'] === type)[nth]?.seq ?? expect.fail(type);
  /** An honestly signed and witnessed ledger in which one entry tells something else. */
  const told = async (type: string, change: (entry: Entry) => void, nth = 0): Promise<unknown> => {
    const seq = firstOf(type, nth);
    const { finding } = await audited(rechained(entries, seq, change));
    return finding && [finding.kind, finding.seq === seq ? 'here' : finding.seq, finding.message];
  };
  const nothing = (entry: Entry): void => void Object.assign(entry, { type: 'host-lost', body: { cause: 'x' } });

  test.each<[string, string, (entry: Entry) => void, RegExp]>([
    ['a release without an offer', 'released', (entry) => (entry.body['offer'] = 'never-made'), /no offer never-made was open/],
    ['a release by somebody else', 'released', (entry) => (entry['actor'] = 'cd'.repeat(32)), /another person/],
    ['a release of another tablet than the one offered', 'released', (entry) => (entry['place'] = { slot: 9 }), /was for R52T000000 in slot 1/],
    ['an offer that names another wipe', 'offered', (entry) => (entry.body['request'] = 'q-other'), /not the device's last one/],
    ['an offer below the charge that the policy asks', 'offered', (entry) => (entry.body['chargePercent'] = 29), /battery-low/],
    ['an offer from a slot where the tablet is not', 'offered', (entry) => (entry['place'] = { slot: 9 }), /serial-differs/],
    ['evidence for another wipe', 'statement-accepted', (entry) => (entry.body['request'] = 'q-other'), /not the device's last one/],
    ['a return of a release that is not open', 'returned', (entry) => (entry.body['release'] = 'r-other'), /none was open/],
    ['a tablet that nobody admitted', 'returned', (entry) => (entry['device'] = 'R52TXXXXXXX'), /never admitted/],
    ['a body that no cart would write', 'statement-accepted', (entry) => (entry.body['facts'] = {}), /is not a string/],
  ])('%s is named', async (_what, type, change, words) => {
    expect(await told(type, change)).toEqual(['custody', 'here', expect.stringMatching(words) as string]);
  });

  test('an offer whose wipe was never confirmed is named where it was made', async () => {
    const { finding } = await audited(rechained(entries, firstOf('statement-accepted'), nothing));
    expect(finding).toMatchObject({ kind: 'custody', seq: firstOf('offered'), message: expect.stringContaining('wipe-not-confirmed') as string });
  });

  test('custody told twice: a tablet that did not come back goes out again', async () => {
    const { finding } = await audited(rechained(entries, firstOf('returned', 1), nothing));
    expect(finding).toMatchObject({ kind: 'custody', message: expect.stringContaining('serial-differs') as string });
    const again = await audited(rechained(entries, firstOf('offered', 1), (entry) => (entry.body['release'] = 'r-R52T000000-0')));
    expect(again.finding).toMatchObject({ kind: 'custody', message: expect.stringContaining('already begun') as string });
  });

  test('an offer without a release, or with a thing that is none, does not end the audit', async () => {
    for (const release of [undefined, 7, { toString: 1 }]) {
      const { finding } = await audited(rechained(entries, firstOf('offered'), (entry) => (release === undefined ? delete entry.body['release'] : (entry.body['release'] = release))));
      expect(finding).toMatchObject({ kind: 'custody', seq: firstOf('released') });
    }
  });

  test('leaves that only the policy asks for are judged where the bundle brings it', async () => {
    const without = rechained(entries, firstOf('statement-accepted', 2), nothing);
    expect((await audited(without)).finding?.message).toContain('credentials-live');
    expect((await audited(without, { policies: [] })).finding).toBeUndefined();
  });

  test('an entry of a kind that only a newer program knows is counted, not judged', async () => {
    const newer = rechained(entries, firstOf('host-lost'), (entry) => (entry['type'] = 'toString'));
    expect(await audited(newer)).toMatchObject({ finding: undefined, custody: { counts: { unknown: 1 } } });
  });
});
