import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeCertificate, type CertificateParts } from '../../app/ledger/certificate.ts';
import { encodeVkey, verifierKey } from '../../app/ledger/note.ts';
import { auditCertificate } from '../../scripts/verify/certificate.ts';
import { certificateParts, ORIGIN, sanitizedLedger, SEEN_AT_S, STATION_KEY, WITNESS_KEY } from '../support/sanitized-ledger.ts';
import { digestOf, policyJws } from './ward-ledger.ts';

const VERIFY = fileURLToPath(new URL('../../scripts/verify.ts', import.meta.url));
const LEDGER = sanitizedLedger();

function certificate(change: Partial<CertificateParts> = {}, { entries, first } = LEDGER): Buffer {
  const written = writeCertificate({ ...certificateParts(entries, first), ...change });
  return Buffer.from(written.ok ? written.value.text : expect.fail(written.reason.message));
}

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'dockward-certificate-'))));
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
const policyOf = (change: Parameters<typeof policyJws>[1] = {}): string => policyJws(4, { witness: encodeVkey(WITNESS_KEY), ...change });

describe('npm run verify -- FILE.certificate', () => {
  test('tells an auditor which tablet was wiped how and when, what is proven, and who vouches for it', async () => {
    const { code, out } = await verify(await fileOf('sound.certificate', certificate()), '--policy', await fileOf('policy.jws', `${policyOf()}\n`));
    expect(code).toBe(0);
    for (const words of ['SOUND: a certificate of sanitization of the tablet R52TGNPY77Z', 'T-101', 'Clear', 'E2', 'mercy/witness had these records by 2026-09-22', 'the policy that you gave', 'Not shown']) expect(out).toContain(words);
  });

  test('that is provisional or changed has the exit code of its class, as words and as JSON', async () => {
    const alone = await verify(await fileOf('alone.certificate', certificate({ witnesses: [] })), '--json');
    expect([alone.code, JSON.parse(alone.out)]).toMatchObject([7, { finding: 'witness', seq: LEDGER.first, message: expect.stringContaining('PROVISIONAL') as string, media: { serial: 'R52TGNPY77Z' } }]);
    const changed = certificate().toString().replace('"clear"', '"purge"');
    expect(await verify(await fileOf('changed.certificate', changed))).toMatchObject({ code: 2, out: expect.stringContaining('NOT SOUND (bytes)') as string });
    expect(await verify(await fileOf('torn.certificate', certificate().subarray(0, 2_000)))).toMatchObject({ code: 2 });
    expect(await verify(await fileOf('other.certificate', certificate().toString().replace('"dockwardCertificate": 1', '"dockwardCertificate": 2')))).toMatchObject({ code: 2 });
  });
});

describe('a certificate held against a policy', () => {
  const kindOf = (bytes: Buffer, policy: string): string => auditCertificate(bytes, policy).finding?.kind ?? 'none';
  const otherWitness = encodeVkey(verifierKey(WITNESS_KEY.name, generateKeyPairSync('ed25519').privateKey, 'cosignature'));

  test('is believed only under the witness that the policy names, or named until then', () => {
    expect(auditCertificate(certificate(), policyOf())).toMatchObject({ finding: undefined, trusted: true, inForce: false });
    expect(auditCertificate(certificate())).toMatchObject({ finding: undefined, trusted: false });
    expect(kindOf(certificate(), policyOf({ witness: otherWitness }))).toBe('witness');
    const former = (untilMs: number): string => policyOf({ witness: otherWitness, formerWitnesses: [{ vkey: encodeVkey(WITNESS_KEY), untilMs }] });
    expect([kindOf(certificate(), former(SEEN_AT_S * 1_000)), kindOf(certificate(), former(SEEN_AT_S * 1_000 - 1))]).toEqual(['none', 'witness']);
    expect(kindOf(certificate(), 'not a policy')).toBe('signature');
  });

  test('under a ledger key that was revoked is suspect from the entry on that no server had seen', () => {
    const revoked = (afterSize: number): string => policyOf({ revokedKeys: [{ origin: ORIGIN, vkey: encodeVkey(STATION_KEY), afterSize, time: SEEN_AT_S }] });
    expect([kindOf(certificate(), revoked(LEDGER.first + 1)), kindOf(certificate(), revoked(LEDGER.first))]).toEqual(['none', 'key-range']);
  });

  test('that leaves out what the policy in force demanded of a wipe is found by whoever has that policy', () => {
    const demanding = policyOf({ mandatoryLeaves: ['no-exposure', 'wipe-confirmed', 'attestation'] });
    const fair = policyOf({ mandatoryLeaves: ['no-exposure', 'wipe-confirmed', 'credentials-revoked'] });
    expect(auditCertificate(certificate({}, sanitizedLedger({}, digestOf(demanding))), demanding)).toMatchObject({ finding: { kind: 'custody' } });
    expect(auditCertificate(certificate({}, sanitizedLedger({}, digestOf(fair))), fair)).toMatchObject({ finding: undefined, inForce: true });
    expect(kindOf(certificate({}, sanitizedLedger({}, digestOf(demanding))), fair)).toBe('none');
  });
});
