import { expect, test } from 'vitest';
import { startCart } from '../support/one-cart.ts';
import { MARIA } from '../support/ward-policy.ts';

test('another tablet answers in the slot of the one that is offered: the offer is over, neither is handed out, and both are accounted for', async () => {
  const cart = await startCart({ tablets: 1 });
  await cart.tap(MARIA);
  expect(cart.message()).toMatchObject({ kind: 'take', slot: 1 });
  await cart.dock(1, 'T9');
  expect(await cart.ofType('released')).toMatchObject([{ device: 'T1', actor: MARIA.actor }]);
  expect(cart.device('T9').custody).toMatchObject({ kind: 'cart', slot: 1 });
  expect(cart.device('T9').exposure).toBeDefined();
  expect(cart.kiosk().now().counts.ready).toBe(0);
  expect(cart.host.lights.get(1)).not.toBe('take');
});

test('a proven tablet is swapped for its twin without a moment of absence: what stands there proves nothing, and is wiped under its own serial', async () => {
  const cart = await startCart({ tablets: 1 });
  const from = cart.store().size();
  await cart.dock(1, 'T9');
  expect((await cart.ofType('unidentified-removal', from)).map(({ device, slot }) => [device, slot])).toEqual([['T1', 1]]);
  expect((await cart.ofType('sanitization-requested', from)).map(({ device }) => device)).toEqual(['T9']);
  await cart.tap(MARIA);
  expect(await cart.ofType('offered')).toEqual([]);
});

test('the tablet is swapped while its wipe is open: the proof that comes counts for nobody', async () => {
  const cart = await startCart({ tablets: 1, unproven: true });
  await cart.dock(1, 'T9');
  await cart.prove('T1');
  expect(cart.device('T1').custody.kind).not.toBe('cart');
  expect(cart.kiosk().now().counts.ready).toBe(0);
  await cart.tap(MARIA);
  expect(await cart.ofType('offered')).toEqual([]);
  await cart.dock(1, undefined);
  await cart.dock(1, 'T1');
  expect(cart.look(1)).not.toBe('ready');
  await cart.tap(MARIA);
  expect(await cart.ofType('offered')).toEqual([]);
});
