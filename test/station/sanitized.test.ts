import { expect, test } from 'vitest';
import { createCustodyJudge } from '../../app/ledger/custody.ts';
import type { RecordedEntry } from '../../app/domain/entries.ts';
import { startCart } from '../support/one-cart.ts';
import { MARIA } from '../support/ward-policy.ts';

const PROOF = ['no-exposure', 'wipe-confirmed', 'enrolment-new', 'credentials-revoked', 'queue-clear'];

/** What an auditor says of each entry, where anything. */
function audited(entries: readonly RecordedEntry[]): string[] {
  const judge = createCustodyJudge(() => undefined);
  return entries.flatMap((entry) => judge.push(entry) ?? []);
}

test('the proof of a wipe is complete: one entry says so, once, with what it stands on', async () => {
  const cart = await startCart({ tablets: 1 });
  const [request] = await cart.ofType('sanitization-requested');
  expect(await cart.ofType('sanitized')).toMatchObject([
    { device: 'T1', slot: 1, body: { request: request?.body.request, nonce: request?.body.nonce, asked: request?.leaf, exposure: request?.body.exposure, attempt: 1, grade: 'E2', proven: PROOF, confirmedMdmMs: 2_000, enrolledMdmMs: 3_000 } },
  ]);
  await cart.pass(60_000);
  await cart.restart({ downMs: 1_000 });
  expect(await cart.ofType('sanitized')).toHaveLength(1);
  expect(audited(await cart.entries())).toEqual([]);
});

test('a part of the proof is missing: nothing is certified until it comes', async () => {
  const cart = await startCart({ tablets: 1, unproven: true });
  await cart.prove('T1', {}, ['wipe-confirmed', 'enrolled', 'queue-clear', 'profile-present', 'posture']);
  expect(await cart.ofType('sanitized')).toEqual([]);
  await cart.prove('T1', {}, ['credentials-revoked']);
  expect(await cart.ofType('sanitized')).toHaveLength(1);
});

test('the tablet goes before its proof is complete: what comes then certifies nothing', async () => {
  const cart = await startCart({ tablets: 1, unproven: true });
  await cart.prove('T1', {}, ['wipe-confirmed', 'enrolled', 'queue-clear']);
  await cart.pull(1);
  await cart.prove('T1', {}, ['credentials-revoked', 'profile-present', 'posture']);
  expect(await cart.ofType('sanitized')).toEqual([]);
});

test('a tablet that went out and came back is certified anew, for its new request', async () => {
  const cart = await startCart({ tablets: 1 });
  await cart.tap(MARIA);
  await cart.pull(1);
  await cart.dock(1, 'T1');
  expect(await cart.ofType('sanitized')).toHaveLength(1);
  await cart.prove('T1');
  const [first, second] = await cart.ofType('sanitized');
  expect(second?.body.request).not.toBe(first?.body.request);
  expect(audited(await cart.entries())).toEqual([]);
});

test.each([
  ['a claim beyond the evidence', { proven: [...PROOF, 'attestation'] }, 'it claims of T1 what is not proven: attestation'],
  ['a better grade', { grade: 'E3' }, 'what it says of the sanitization of T1 is not what the entries before it say'],
  ['another enrolment', { enrolment: 'elsewhere' }, 'what it says of the sanitization of T1 is not what the entries before it say'],
  ['a claim that is no list', { proven: 'all' }, 'it claims of T1 what is not proven: nothing readable'],
])('a forged certificate with %s is found by the auditor', async (_, change, finding) => {
  const cart = await startCart({ tablets: 1 });
  const forged = (await cart.entries()).map((entry) => (entry.type === 'sanitized' ? ({ ...entry, body: { ...entry.body, ...change } } as RecordedEntry) : entry));
  expect(audited(forged)).toEqual([finding]);
});

test('a certificate without proof, or told twice, is found by the auditor', async () => {
  const cart = await startCart({ tablets: 1 });
  const entries = await cart.entries();
  const certificate = entries.find(({ type }) => type === 'sanitized');
  if (!certificate) throw new Error('nothing was certified');
  const unproven = 'it says that T1 is sanitized; the entries before it do not prove that, or said it before';
  expect(audited([...entries, certificate])).toEqual([unproven]);
  expect(audited(entries.filter(({ type, body }) => type !== 'statement-accepted' || !('kind' in body) || body.kind !== 'wipe-confirmed'))).toEqual([unproven]);
});
