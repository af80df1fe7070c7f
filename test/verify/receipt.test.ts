import { execFile } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { leafHash } from '../../app/ledger/merkle.ts';
import { encodeVkey, rawPublicKey, verifierKey } from '../../app/ledger/note.ts';
import { inclusionProof } from '../../app/ledger/proofs.ts';
import { writeReceipt } from '../../app/ledger/receipt.ts';
import { auditReceipt } from '../../scripts/verify/receipt.ts';
import { chain, cosignedNote, noteOf, ORIGIN, POLICY, policyJws, SEEN_AT_S, STATION_KEY, wardDrafts, WITNESS_KEY } from './ward-ledger.ts';

const VERIFY = fileURLToPath(new URL('../../scripts/verify.ts', import.meta.url));
const ENTRIES = chain(wardDrafts(120));
/** The first nurse takes the first tablet. */
const RELEASED = 11;

function receipt(note = cosignedNote(ENTRIES), seq = RELEASED): Buffer {
  const leaves = ENTRIES.map(leafHash);
  const hashes = inclusionProof(seq, ENTRIES.length, (at) => leaves[at] ?? expect.fail());
  const written = writeReceipt({ entry: ENTRIES[seq] ?? expect.fail(), proof: { index: seq, hashes, checkpoint: note }, ledgerKeys: [STATION_KEY], witnesses: [WITNESS_KEY] });
  return Buffer.from(written.ok ? written.value.text : expect.fail(written.reason.message));
}

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'dockward-receipt-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

const fileOf = async (name: string, bytes: Buffer | string): Promise<string> => {
  await writeFile(join(folder, name), bytes);
  return join(folder, name);
};
const verify = (...args: string[]): Promise<{ code: number; out: string }> =>
  new Promise((resolve, reject) => {
    execFile(process.execPath, [VERIFY, ...args], (error, stdout, stderr) => {
      if (stderr !== '') reject(new Error(stderr));
      else resolve({ code: typeof error?.code === 'number' ? error.code : 0, out: stdout });
    });
  });

/** A policy whose keys and revocations are these; signed by a server of its own. */
function policyWith(keys: object, revokedKeys: readonly object[] = []): string {
  const server = generateKeyPairSync('ed25519').privateKey;
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const jwk = { kid: 'k1', kty: 'OKP', crv: 'Ed25519', x: rawPublicKey(verifierKey('x', server).publicKey).toString('base64url') };
  const signed = `${part({ alg: 'EdDSA', typ: 'dockward-bundle+jwt' })}.${part({ version: 9, rules: {}, keys: { server: [jwk], witness: encodeVkey(WITNESS_KEY), ...keys }, revokedKeys })}`;
  return `${signed}.${sign(null, Buffer.from(signed), server).toString('base64url')}`;
}
const otherWitness = encodeVkey(verifierKey(WITNESS_KEY.name, generateKeyPairSync('ed25519').privateKey, 'cosignature'));

describe('npm run verify -- RECEIPT', () => {
  test('tells a lawyer who took which tablet when, and who vouches for it', async () => {
    const { code, out } = await verify(await fileOf('sound.receipt.txt', receipt()), '--policy', await fileOf('policy.jws', `${POLICY}\n`));
    expect(code).toBe(0);
    for (const words of [`SOUND: a receipt of the ledger ${ORIGIN}`, 'Tablet R52T000000 was taken from slot 1. Release r-R52T000000-0.', 'The person whom', `${WITNESS_KEY.name} had this entry by 2026-09-22`, 'the policy that you gave', 'Not shown']) expect(out).toContain(words);
  });

  test('that is provisional, changed, or not a receipt has the exit code of its class, as words and as JSON', async () => {
    const alone = await verify(await fileOf('alone.receipt.txt', receipt(noteOf(ENTRIES))), '--json');
    expect([alone.code, JSON.parse(alone.out)]).toMatchObject([7, { finding: 'witness', seq: RELEASED, message: expect.stringContaining('PROVISIONAL') as string }]);
    const changed = receipt().toString().replace('slot 1.', 'slot 2.');
    expect(await verify(await fileOf('changed.receipt.txt', changed))).toMatchObject({ code: 2, out: expect.stringContaining('NOT SOUND (bytes)') as string });
    expect(await verify(await fileOf('other.receipt.txt', changed.replace('Dockward', 'dockward')))).toMatchObject({ code: 2 });
  });
});

describe('a receipt held against a policy', () => {
  const kindOf = (bytes: Buffer, policy: string): string => auditReceipt(bytes, policy).finding?.kind ?? 'none';

  test('is believed only under the witness that the policy names', () => {
    expect(auditReceipt(receipt(), POLICY)).toMatchObject({ finding: undefined, trusted: true });
    expect(auditReceipt(receipt())).toMatchObject({ finding: undefined, trusted: false });
    expect(kindOf(receipt(), policyJws(3, { witness: otherWitness }))).toBe('witness');
    expect(kindOf(receipt(), 'not a policy')).toBe('signature');
  });

  test('from before the witness changed its key is believed, unless it was signed with the old key afterwards', () => {
    const changedAt = (untilMs: number): string => policyWith({ witness: otherWitness, formerWitnesses: [{ vkey: encodeVkey(WITNESS_KEY), untilMs }] });
    expect(kindOf(receipt(), changedAt(SEEN_AT_S * 1_000))).toBe('none');
    expect(kindOf(receipt(), changedAt(SEEN_AT_S * 1_000 - 1))).toBe('witness');
  });

  test('under a ledger key that was revoked is suspect from the entry on that no server had seen', () => {
    const revoked = (afterSize: number, origin = ORIGIN): string => policyWith({}, [{ origin, vkey: encodeVkey(STATION_KEY), afterSize, time: SEEN_AT_S }]);
    expect(kindOf(receipt(), revoked(RELEASED + 1))).toBe('none');
    expect(kindOf(receipt(), revoked(RELEASED))).toBe('key-range');
    expect(kindOf(receipt(noteOf(ENTRIES)), revoked(RELEASED))).toBe('key-range');
    expect(kindOf(receipt(), revoked(0, 'mercy/station/cart-8/e1'))).toBe('none');
  });
});
