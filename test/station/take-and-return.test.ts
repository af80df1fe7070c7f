import { expect, test } from 'vitest';
import { startCart } from '../support/one-cart.ts';
import { MARIA } from '../support/ward-policy.ts';

test('no misfortune: a badge takes the fullest proven tablet and a slot of her choice takes it back', async () => {
  const cart = await startCart();
  const from = cart.store().size();
  await cart.tap(MARIA);
  expect(cart.message()).toMatchObject({ kind: 'take', name: 'Maria K.', slot: 1, chargePercent: 99 });
  expect(cart.host.lights.get(1)).toBe('take');
  await cart.pull(1);
  expect(cart.message()).toMatchObject({ kind: 'taken', name: 'Maria K.', slot: 1 });
  expect(cart.device('T1').custody).toMatchObject({ kind: 'person', actor: MARIA.actor, owed: false });
  expect(cart.kiosk().now().counts).toMatchObject({ ready: 2, out: 1 });
  await cart.dock(9, 'T1');
  expect(cart.message()).toMatchObject({ kind: 'returned', slot: 9, how: 'return', name: 'Maria K.', waitsForNetwork: false });
  expect(cart.device('T1').custody).toMatchObject({ kind: 'cart', slot: 9 });
  expect(cart.look(9)).toBe('preparing');
  expect(await cart.types(from)).toEqual(['offered', 'released', 'returned', 'sanitization-requested']);
  await cart.prove('T1');
  expect(cart.look(9)).toBe('ready');
});
