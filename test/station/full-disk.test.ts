import { expect, test } from 'vitest';
import { startCart } from '../support/one-cart.ts';
import { JONAS, MARIA, PIN } from '../support/ward-policy.ts';

test('the disk is full: nothing is offered or lit, the page says the ledger fails, and a PIN is not even tried', async () => {
  const cart = await startCart();
  const from = cart.store().size();
  cart.disk.full = true;
  await cart.tap(MARIA);
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'ledger-unavailable', name: 'Maria K.' });
  expect(cart.host.lights.get(1) ?? 'off').toBe('off');
  await cart.tap(JONAS, 'uid');
  const pad = cart.message();
  if (pad.kind !== 'pin') throw new Error('no pad');
  expect(await cart.kiosk().ask({ command: 'enter-pin', session: pad.session, pin: PIN })).toMatchObject({ ok: false, reason: 'ledger-unavailable' });
  expect(cart.kiosk().now().degraded).toEqual(['ledger']);
  expect(await cart.types(from)).toEqual([]);
  expect(cart.log.filter((line) => line.startsWith('error'))).toHaveLength(1);
});

test('tablets come and go while the disk is full: as soon as there is space the ledger says where they are', async () => {
  const cart = await startCart();
  await cart.tap(MARIA);
  await cart.pull(1);
  cart.disk.full = true;
  await cart.dock(6, 'T1');
  await cart.pull(2);
  expect(cart.device('T1').custody).toMatchObject({ kind: 'person', actor: MARIA.actor });
  await cart.pass(5_000);
  cart.disk.full = false;
  const from = cart.store().size();
  await cart.pass(1_000);
  expect(cart.kiosk().now().degraded).toEqual([]);
  expect(cart.device('T1').custody).toMatchObject({ kind: 'cart', slot: 6 });
  expect(cart.device('T2').custody).toMatchObject({ kind: 'unidentified', slot: 2 });
  expect((await cart.ofType('returned', from))[0]).toMatchObject({ device: 'T1', actor: MARIA.actor, slot: 6, body: { how: 'return' } });
});

test('space is back and a tap is the first to notice: what happened meanwhile is recorded all the same', async () => {
  const cart = await startCart();
  await cart.tap(MARIA);
  await cart.pull(1);
  cart.disk.full = true;
  await cart.dock(6, 'T1');
  cart.disk.full = false;
  await cart.tap(JONAS);
  expect(cart.message()).toMatchObject({ kind: 'take', slot: 2 });
  await cart.pass(1_000);
  expect(cart.device('T1').custody).toMatchObject({ kind: 'cart', slot: 6 });
});

test('a new bundle comes while the disk is full: the cart goes on with the old one and takes the new one later', async () => {
  const cart = await startCart();
  cart.disk.full = true;
  await cart.publish();
  expect(await cart.ofType('bundle-accepted')).toHaveLength(1);
  expect(cart.kiosk().now().degraded).toEqual(['ledger']);
  cart.disk.full = false;
  await cart.pass(1_000);
  await cart.publish();
  expect((await cart.ofType('bundle-accepted')).map(({ body }) => body.version)).toEqual([1, 3]);
});

test('statements come while the disk is full: the cursor stays, so the server sends them again', async () => {
  const cart = await startCart({ tablets: 1, unproven: true });
  cart.disk.full = true;
  await cart.prove('T1');
  expect(cart.store().getMeta('downlink-cursor')).toBeUndefined();
  cart.disk.full = false;
  await cart.prove('T1');
  expect(cart.look(1)).toBe('ready');
});

test('the station starts on a full disk: it shows what it knows, refuses to release, and records once there is space', async () => {
  const cart = await startCart();
  await cart.pass(1_000);
  cart.disk.full = true;
  await cart.restart({ downMs: 2_000, meanwhile: () => cart.host.take(3) });
  expect(cart.kiosk().now()).toMatchObject({ degraded: ['ledger'], place: { cart: 'Cart 7' } });
  await cart.tap(MARIA);
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'ledger-unavailable' });
  cart.disk.full = false;
  await cart.pass(1_000);
  expect(cart.device('T3').custody).toMatchObject({ kind: 'unidentified', slot: 3 });
});
