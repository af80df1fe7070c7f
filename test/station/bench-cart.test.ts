import { afterEach, expect, it } from 'vitest';
import { openBenchCart, type BenchCart } from '../../scripts/bench/one-cart.ts';

let cart: BenchCart | undefined;
afterEach(() => cart?.close());

it('a rule about how many tablets are wiped at once does not leave the bench without tablets to offer', async () => {
  cart = await openBenchCart();
  expect(cart.station.snapshot().counts.ready).toBe(cart.slots().length);
});
