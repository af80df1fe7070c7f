import { expect, test } from 'vitest';
import { startCart } from '../support/one-cart.ts';
import { AYLIN, JONAS, MARIA, tablet } from '../support/ward-policy.ts';

test('nobody pulls the offered tablet: after 30 s the offer is gone, the light is out, and somebody else gets it', async () => {
  const cart = await startCart();
  await cart.tap(MARIA);
  await cart.pass(29_000);
  expect(cart.message()).toMatchObject({ kind: 'take', slot: 1 });
  await cart.pass(1_000);
  expect(cart.message()).toEqual({ kind: 'idle' });
  expect(cart.host.lights.get(1)).toBe('off');
  expect(await cart.ofType('offer-lapsed')).toMatchObject([{ actor: MARIA.actor, device: 'T1', slot: 1, body: { cause: 'not-pulled' } }]);
  await cart.tap(JONAS);
  expect(cart.message()).toMatchObject({ kind: 'take', name: 'Jonas L.', slot: 1 });
});

test('she changes her mind: the offer is withdrawn and recorded', async () => {
  const cart = await startCart();
  await cart.tap(MARIA);
  const offer = cart.message();
  if (offer.kind !== 'take') throw new Error('no offer');
  expect(await cart.kiosk().ask({ command: 'cancel', session: offer.session })).toMatchObject({ ok: true });
  expect(await cart.ofType('offer-lapsed')).toMatchObject([{ body: { cause: 'cancelled' } }]);
  expect(await cart.kiosk().ask({ command: 'cancel', session: offer.session })).toMatchObject({ ok: false, reason: 'no-session' });
});

test('the wrong slot, but a clean tablet: custody follows what she really took', async () => {
  const cart = await startCart();
  await cart.tap(MARIA);
  await cart.pull(2);
  expect(cart.message()).toMatchObject({ kind: 'wrong-slot', pulled: 2, yours: 1, clean: true, name: 'Maria K.' });
  expect(await cart.ofType('released')).toMatchObject([{ device: 'T2', actor: MARIA.actor, slot: 2, body: { how: 'other-clean', offeredSlot: 1 } }]);
  expect(cart.device('T1').custody).toMatchObject({ kind: 'cart', slot: 1 });
  expect(cart.host.lights.get(1)).toBe('off');
  await cart.tap(MARIA);
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'limit-reached' });
});

test('the wrong slot and a tablet that is not clean: it is hers to put back, and her own still waits', async () => {
  const cart = await startCart();
  await cart.dock(5, 'T5');
  await cart.network({ kind: 'statements', statements: [{ digest: 'f0'.repeat(32), claims: { tenant: 'mercy', station: 'cart-7', serial: 'T5', request: cart.device('T5').request?.request ?? '', nonce: cart.device('T5').request?.nonce ?? '', issuedAtMs: cart.clock.trueMs(), facts: { kind: 'sanitization-failed', failure: 'mdm-refused' } } }], cursor: 100 });
  for (let attempt = 2; attempt <= 3; attempt += 1) {
    await cart.pass(3 * 60_000);
    const { request = '', nonce = '' } = cart.device('T5').request ?? {};
    await cart.network({ kind: 'statements', statements: [{ digest: 'f1'.repeat(32), claims: { tenant: 'mercy', station: 'cart-7', serial: 'T5', request, nonce, issuedAtMs: cart.clock.trueMs(), facts: { kind: 'sanitization-failed', failure: 'mdm-refused' } } }], cursor: 100 + attempt });
  }
  expect(cart.look(5)).toBe('out-of-service');
  expect(await cart.ofType('quarantined')).toMatchObject([{ device: 'T5', body: { reason: 'sanitization-failed' } }]);

  await cart.tap(MARIA);
  await cart.pull(5);
  expect(cart.message()).toMatchObject({ kind: 'wrong-slot', pulled: 5, yours: 1, clean: false, reason: 'quarantined' });
  expect(cart.device('T5').custody).toMatchObject({ kind: 'person', actor: MARIA.actor, owed: true });
  expect(cart.kiosk().now().slots.find(({ slot }) => slot === 5)?.mark).toBe('back');
  expect(cart.host.lights.get(5)).toBe('put-back');
  expect(cart.host.lights.get(1)).toBe('take');
  await cart.dock(5, 'T5');
  expect(cart.message()).toMatchObject({ kind: 'returned', how: 'put-back', slot: 5 });
  expect(cart.host.lights.get(5)).toBe('off');
  await cart.pull(1);
  expect(await cart.ofType('released')).toMatchObject([{ device: 'T1', actor: MARIA.actor }]);
});

test('two people are being served and a third slot is pulled: it is nobody’s until somebody says so', async () => {
  const cart = await startCart();
  await cart.tap(MARIA);
  await cart.tap(JONAS);
  await cart.pull(3);
  expect(cart.message()).toMatchObject({ kind: 'unidentified', slot: 3 });
  expect(await cart.ofType('released')).toEqual([]);
  expect(cart.device('T3').custody).toMatchObject({ kind: 'unidentified', slot: 3 });
  await cart.pull(1);
  await cart.pull(2);
  expect((await cart.ofType('released')).map(({ actor, device }) => [actor, device])).toEqual([[MARIA.actor, 'T1'], [JONAS.actor, 'T2']]);
});

test('the offered tablet is reported lost before it is pulled: the offer lapses and says nothing more', async () => {
  const cart = await startCart();
  await cart.tap(MARIA);
  await cart.publish({ devices: [{ ...tablet('T1'), standing: 'lost' }, tablet('T2'), tablet('T3')] });
  await cart.pass(1_000);
  expect(await cart.ofType('offer-lapsed')).toMatchObject([{ device: 'T1', body: { cause: 'slot-lost' } }]);
  expect(cart.look(1)).toBe('out-of-service');
  expect(cart.message()).toEqual({ kind: 'idle' });
  await cart.tap(MARIA);
  expect(cart.message()).toMatchObject({ kind: 'take', slot: 2 });
});

test('nobody is offered more tablets than the policy allows', async () => {
  const cart = await startCart({ rules: { devicesPerPerson: 2 } });
  for (const slot of [1, 2]) {
    await cart.tap(MARIA);
    await cart.tap(MARIA);
    await cart.pull(slot);
  }
  await cart.tap(MARIA);
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'limit-reached', name: 'Maria K.' });
  expect((await cart.ofType('offered')).length).toBe(2);
});

test('no tablet is ready: the refusal says what most of them wait for', async () => {
  const cart = await startCart({ unproven: true });
  await cart.tap(AYLIN);
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'no-device-ready', because: 'wipe-not-confirmed' });
  expect(await cart.ofType('offered')).toEqual([]);
});
