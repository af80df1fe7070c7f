import { expect, test } from 'vitest';
import { startCart } from '../support/one-cart.ts';

const MINUTE_MS = 60_000;

test('a tablet waits for its new enrolment: the page is told since when it was asked for, not since it was put in', async () => {
  const cart = await startCart({ tablets: 0, rules: { batteryFloorPercent: 0 } });
  await cart.network({ kind: 'offline' });
  await cart.dock(3, 'T3');
  await cart.pass(4 * MINUTE_MS);
  const docked = cart.device('T3').custody;
  expect(docked.kind).toBe('cart');
  await cart.network({ kind: 'online' });
  await cart.pass(1_000);
  await cart.prove('T3', {}, ['wipe-confirmed']);
  const view = cart.kiosk().now().slots.find(({ slot }) => slot === 3);
  expect(view).toMatchObject({ reason: 'enrolment-not-seen', sinceMs: cart.device('T3').request?.atMs });
});

test('a tablet waits for its charge, or is kept out of use: since it was put in, since it was quarantined', async () => {
  const cart = await startCart({ tablets: 1, rules: { batteryFloorPercent: 100 } });
  const { custody } = cart.device('T1');
  expect(cart.kiosk().now().slots[0]).toMatchObject({ leaf: 'battery', sinceMs: custody.kind === 'cart' ? custody.sinceMs : -1 });
  await cart.dock(2, 'T2');
  await cart.pass(50 * MINUTE_MS);
  const { quarantine } = cart.device('T2');
  expect(quarantine).toBeDefined();
  expect(cart.kiosk().now().slots[1]).toMatchObject({ reason: 'quarantined', sinceMs: quarantine?.atMs });
  expect(cart.kiosk().now().slots[4]?.sinceMs).toBeUndefined();
});
