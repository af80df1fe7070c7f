import { expect, test } from 'vitest';
import { field } from '../support/night/field.ts';

test('the tablet is replugged again and again while its wipe is open: one request, one command, one erase', async () => {
  const cart = await field();
  for (let times = 0; times < 6; times += 1) {
    cart.pull(1);
    await cart.settle();
    await cart.passUntil(cart.cart.clock.trueMs() + 3_000);
    cart.put('T1', 1);
    await cart.settle();
    await cart.passUntil(cart.cart.clock.trueMs() + 4_000);
  }
  expect(await cart.until(cart.isOffered, 15)).toBe(true);
  expect([await cart.asked('T1'), cart.commands('T1'), cart.erased.get('T1')]).toEqual([1, 1, 1]);
  expect(await cart.wrong()).toEqual([]);
});
