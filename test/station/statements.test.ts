import { expect, test } from 'vitest';
import { CURSOR_META } from '../../app/contract/network-event.ts';
import { startCart } from '../support/one-cart.ts';
import { MARIA } from '../support/ward-policy.ts';

test('statements for another tenant, another station, an unknown tablet, an old request or a wrong nonce: recorded, never used', async () => {
  const cart = await startCart({ tablets: 1, unproven: true });
  const wrongs = [
    [{ tenant: 'other' }, 'tenant'],
    [{ station: 'cart-8' }, 'station'],
    [{ serial: 'NEVER-ADMITTED' }, 'serial'],
    [{ serial: 'T2' }, 'request'],
    [{ request: 'an earlier one' }, 'request'],
    [{ nonce: 'ff'.repeat(16) }, 'nonce'],
  ] as const;
  for (const [change, reason] of wrongs) {
    const from = cart.store().size();
    await cart.prove('T1', change, ['wipe-confirmed']);
    expect(await cart.types(from)).toEqual(['statement-refused']);
    expect(await cart.ofType('statement-refused', from)).toMatchObject([{ body: { reason } }]);
  }
  expect(cart.device('T1').evidence).toEqual({});
  await cart.tap(MARIA);
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'no-device-ready' });
});

test('a broken signature, or no statement at all: recorded with its digest, and the next one is read', async () => {
  const cart = await startCart({ tablets: 1, unproven: true });
  await cart.network({ kind: 'statements', cursor: 9, statements: [{ digest: 'aa'.repeat(32), refusal: 'signature' }, { digest: 'bb'.repeat(32), refusal: 'malformed' }] });
  expect((await cart.ofType('statement-refused')).map(({ body }) => body)).toEqual([{ reason: 'signature', digest: 'aa'.repeat(32) }, { reason: 'malformed', digest: 'bb'.repeat(32) }]);
  expect(cart.store().getMeta(CURSOR_META)).toBe('9');
  await cart.prove('T1');
  expect(cart.look(1)).toBe('ready');
});

test('statements come twice, and an older one after a newer: they add nothing', async () => {
  const cart = await startCart({ tablets: 1 });
  await cart.pass(1_000);
  await cart.prove('T1', {}, ['posture']);
  const from = cart.store().size();
  await cart.prove('T1', {}, ['posture']);
  await cart.prove('T1', { issuedAtMs: cart.clock.trueMs() - 500, facts: { kind: 'posture', enrolment: 'x', osAtFloor: false, compliant: false, rooted: true, adbEnabled: true } }, ['posture']);
  expect((await cart.ofType('statement-refused', from)).map(({ body }) => body.reason)).toEqual(['duplicate', 'duplicate']);
  expect(cart.look(1)).toBe('ready');
});

test('a newer statement says the tablet is rooted: it stays in from that moment', async () => {
  const cart = await startCart({ tablets: 1 });
  await cart.pass(1_000);
  const { enrolment = '' } = cart.device('T1').evidence.posture ?? {};
  await cart.prove('T1', { facts: { kind: 'posture', enrolment, osAtFloor: true, compliant: true, rooted: true, adbEnabled: false } }, ['posture']);
  await cart.tap(MARIA);
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'no-device-ready', because: 'posture-poor' });
});

test('proof of the wipe before last is replayed after the tablet was used again: refused', async () => {
  const cart = await startCart({ tablets: 1 });
  const { request = '', nonce = '' } = cart.device('T1').request ?? {};
  await cart.tap(MARIA);
  await cart.pull(1);
  await cart.dock(1, 'T1');
  const from = cart.store().size();
  await cart.prove('T1', { request, nonce });
  expect((await cart.ofType('statement-refused', from)).map(({ body }) => body.reason)).toEqual(Array(6).fill('request'));
  expect(cart.look(1)).toBe('preparing');
});

test('the same enrolment is stated for two wipes: a wipe that led to no new enrolment proves nothing', async () => {
  const cart = await startCart({ tablets: 1 });
  const first = cart.device('T1').evidence.enrolment;
  if (!first) throw new Error('not proven');
  await cart.tap(MARIA);
  await cart.pull(1);
  await cart.dock(1, 'T1');
  await cart.prove('T1', { facts: { kind: 'enrolled', enrolment: first.enrolment, previous: first.previous, command: 'again', issuedMdmMs: 1, enrolledMdmMs: 2, unseenAtSize: 1_000 } }, ['enrolled']);
  await cart.prove('T1', {}, ['wipe-confirmed']);
  expect(cart.device('T1').evidence.enrolment?.fresh).toBe(false);
  expect(cart.kiosk().now().slots[0]).toMatchObject({ reason: 'enrolment-not-new' });
});
