import { expect, test } from 'vitest';
import { startCart } from '../support/one-cart.ts';

test('somebody sets the wall clock back a day: the ledger says so, and the cart goes on', async () => {
  const cart = await startCart();
  const from = cart.store().size();
  const beforeMs = cart.clock.wallMs();
  cart.clock.turnWall(-86_400_000);
  await cart.pass(1_000);
  const [stepped, ...more] = await cart.ofType('clock-stepped', from);
  expect(more).toEqual([]);
  expect(stepped?.body.toMs).toBeLessThan(beforeMs);
  expect((stepped?.body.fromMs ?? 0) - (stepped?.body.toMs ?? 0)).toBe(86_400_000);
});

test('a clock that is a second off is not a hand on the clock', async () => {
  const cart = await startCart();
  const from = cart.store().size();
  cart.clock.turnWall(1_500);
  await cart.pass(5_000);
  expect(await cart.ofType('clock-stepped', from)).toEqual([]);
});
