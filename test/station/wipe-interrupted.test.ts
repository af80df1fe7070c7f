import { expect, test } from 'vitest';
import { startCart } from '../support/one-cart.ts';
import { MARIA } from '../support/ward-policy.ts';

const MINUTE_MS = 60_000;

test('the tablet restarts during its wipe: absent, reappeared, no new wipe, and proof that came before the restart does not count', async () => {
  const cart = await startCart({ tablets: 1, unproven: true });
  const sizeBefore = cart.store().size();
  const from = cart.store().size();
  await cart.pull(1);
  expect(cart.device('T1').custody).toMatchObject({ kind: 'rebooting', slot: 1 });
  expect(cart.look(1)).toBe('preparing');
  expect(cart.message()).toEqual({ kind: 'idle' });
  await cart.pass(5 * MINUTE_MS);
  await cart.dock(1, 'T1');
  expect(await cart.types(from)).toEqual(['absent', 'reappeared']);
  expect(await cart.ofType('reappeared')).toMatchObject([{ body: { absenceMs: 5 * MINUTE_MS + 1 } }]);

  await cart.network({ kind: 'statements', cursor: 50, statements: [{ digest: 'e0'.repeat(32), claims: { tenant: 'mercy', station: 'cart-7', serial: 'T1', request: cart.device('T1').request?.request ?? '', nonce: cart.device('T1').request?.nonce ?? '', issuedAtMs: cart.clock.trueMs(), facts: { kind: 'enrolled', enrolment: 'new', previous: 'old', command: 'wipe', issuedMdmMs: 1, enrolledMdmMs: 2, unseenAtSize: sizeBefore } } }] });
  await cart.pass(500);
  expect(await cart.ofType('exposed', from)).toMatchObject([{ device: 'T1', body: { cause: 'absence' } }]);
  expect(await cart.ofType('sanitization-requested', from)).toHaveLength(1);
  await cart.prove('T1');
  expect(cart.look(1)).toBe('ready');
});

test('the tablet stays away longer than any restart: it is missing, and it is wiped from the start when it comes back', async () => {
  const cart = await startCart({ tablets: 1, unproven: true });
  await cart.pull(1);
  await cart.pass(15 * MINUTE_MS + 1_000);
  expect(await cart.ofType('unidentified-removal')).toMatchObject([{ device: 'T1', slot: 1 }]);
  expect(cart.message()).toMatchObject({ kind: 'unidentified', slot: 1 });
  const from = cart.store().size();
  await cart.dock(1, 'T1');
  expect(await cart.types(from)).toEqual(['returned', 'sanitization-requested']);
});

test('it comes back from its restart in another slot: that was no restart', async () => {
  const cart = await startCart({ tablets: 1, unproven: true });
  await cart.pull(1);
  const from = cart.store().size();
  await cart.dock(2, 'T1');
  expect(await cart.types(from)).toEqual(['exposed', 'returned', 'sanitization-requested']);
});

test('somebody pulls a tablet in the middle of its wipe after a tap for another: hers is still hers', async () => {
  const cart = await startCart({ tablets: 2 });
  await cart.dock(3, 'T3');
  await cart.tap(MARIA);
  await cart.pull(3);
  expect(cart.device('T3').custody).toMatchObject({ kind: 'rebooting', slot: 3 });
  expect(cart.message()).toMatchObject({ kind: 'take', slot: 1 });
});

test('the server gives up three times: quarantined with the reason, and not asked for again', async () => {
  const cart = await startCart({ tablets: 1, unproven: true });
  for (let attempt = 1; attempt <= 4; attempt += 1) {
    const { request = '', nonce = '' } = cart.device('T1').request ?? {};
    await cart.network({ kind: 'statements', cursor: attempt, statements: [{ digest: 'e1'.repeat(32), claims: { tenant: 'mercy', station: 'cart-7', serial: 'T1', request, nonce, issuedAtMs: cart.clock.trueMs(), facts: { kind: 'sanitization-failed', failure: 'no-new-enrolment' } } }] });
    await cart.pass(3 * MINUTE_MS);
  }
  expect((await cart.ofType('sanitization-requested')).map(({ body }) => body.attempt)).toEqual([1, 2, 3]);
  expect(await cart.ofType('quarantined')).toMatchObject([{ device: 'T1', body: { reason: 'sanitization-failed' } }]);
  expect((await cart.ofType('statement-refused')).map(({ body }) => body.reason)).toEqual(['duplicate']);
  expect(cart.look(1)).toBe('out-of-service');
});

test('the server is reachable and no new enrolment comes for 45 min: quarantined as overdue', async () => {
  const cart = await startCart({ tablets: 1, unproven: true });
  await cart.pass(44 * MINUTE_MS);
  expect(await cart.ofType('quarantined')).toEqual([]);
  await cart.pass(2 * MINUTE_MS);
  expect(await cart.ofType('quarantined')).toMatchObject([{ device: 'T1', body: { reason: 'sanitization-overdue' } }]);
});
