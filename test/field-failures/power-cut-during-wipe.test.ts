import { expect, test } from 'vitest';
import { field } from '../support/night/field.ts';

test('the power fails while the tablet erases itself and comes back when it is done: what nobody watched is wiped again, and then proven', async () => {
  const cart = await field();
  await cart.moment(() => cart.t1.rebooting);
  cart.cutPower({ writes: 0, side: 'after', offMs: 4 * 60_000, hostAfterMs: 5_000 });
  expect(await cart.until(() => cart.cuts() === 1 && cart.cart.isOn(), 8)).toBe(true);
  expect(await cart.isOffered()).toBe(false);
  expect(await cart.until(cart.isOffered, 20)).toBe(true);
  expect([cart.commands('T1'), cart.erased.get('T1')]).toEqual([2, 2]);
  expect((await cart.cart.entries()).filter(({ type }) => type === 'exposed')).toMatchObject([{ device: 'T1', body: { cause: 'absence' } }]);
  expect(await cart.wrong()).toEqual([]);
});
