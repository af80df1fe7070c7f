import { expect, test } from 'vitest';
import { startCart } from '../support/one-cart.ts';
import { MARIA } from '../support/ward-policy.ts';

const HOUR_MS = 3_600_000;

test('the cart is rolled to another ward switched off: tablets taken, shuffled and added on the way are each found, and nothing is offered before it is wiped', async () => {
  const cart = await startCart({ tablets: 5 });
  const from = cart.store().size();
  await cart.restart({
    downMs: 2 * HOUR_MS,
    reboot: true,
    meanwhile: () => {
      cart.host.take(1);
      cart.host.take(2);
      cart.host.put(7, 'T2');
      cart.host.put(3, 'T4');
      cart.host.put(4, 'T3');
      cart.host.put(8, 'T9');
      cart.host.put(9, 'STRANGER');
    },
  });
  expect(cart.device('T1').custody).toMatchObject({ kind: 'unidentified', slot: 1 });
  for (const [serial, slot] of [['T2', 7], ['T3', 4], ['T4', 3], ['T5', 5], ['T9', 8]] as const) expect(cart.device(serial).custody).toMatchObject({ kind: 'cart', slot });
  expect((await cart.ofType('unidentified-removal', from)).map(({ device }) => device)).toEqual(['T1']);
  expect(await cart.ofType('foreign-docked', from)).toMatchObject([{ device: 'STRANGER', slot: 9, body: { standing: 'unknown' } }]);
  expect((await cart.ofType('sanitization-requested', from)).map(({ device }) => device).sort()).toEqual(['T2', 'T3', 'T4', 'T5', 'T9']);
  expect(cart.kiosk().now().counts.ready).toBe(0);
  await cart.tap(MARIA);
  expect(cart.message().kind).not.toBe('take');
  expect(await cart.ofType('offered', from)).toEqual([]);
});

test('the cart is switched on with its hub unplugged: nothing is known of its slots, and no tablet is called taken', async () => {
  const cart = await startCart();
  const from = cart.store().size();
  await cart.restart({ downMs: HOUR_MS, reboot: true, meanwhile: () => cart.host.hide('no hub is connected at 1-1') });
  await cart.pass(10 * 60_000);
  expect(await cart.ofType('unidentified-removal', from)).toEqual([]);
  expect(cart.kiosk().now()).toMatchObject({ counts: { ready: 0 } });
  expect(cart.kiosk().now().degraded).toContain('slots');
  cart.host.show();
  await cart.settle();
  expect(await cart.ofType('unidentified-removal', from)).toEqual([]);
  expect((await cart.ofType('exposed', from)).map(({ device, body }) => [device, body])).toEqual(['T1', 'T2', 'T3'].map((serial) => [serial, { cause: 'unobserved' }]));
  expect(cart.kiosk().now().degraded).toEqual([]);
});
