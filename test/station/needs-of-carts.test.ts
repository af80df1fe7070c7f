import { expect, test } from 'vitest';
import { nightOfWard } from '../../app/central/ward-nights.ts';
import { overnightRules } from '../../app/contract/policy-bundle.ts';
import { startCart, type OneCart } from '../support/one-cart.ts';
import { NIGHT } from '../support/night-rules.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const SHIFT_MS = Date.UTC(2027, 0, 5, 7);

/** Cart 7 of ward 7e with two clean tablets, from the evening on. */
async function eveningWith(needs: (typeof NIGHT)['needs']): Promise<OneCart> {
  const cart = await startCart({ tablets: 2, rules: { overnight: { ...NIGHT, needs } } });
  await cart.pass(9 * HOUR_MS);
  for (let minute = 0; minute < 20; minute += 1) await cart.pass(MINUTE_MS);
  return cart;
}
const asked = async (cart: OneCart) => (await cart.ofType('night-began')).map(({ body }) => body.needs);

test('two carts of one ward no longer both prepare the whole need: each takes its own, and is not short of the other’s', async () => {
  const cart = await eveningWith([{ ward: '7e', cart: 'Cart 7', count: 2, due: '07:00' }, { ward: '7e', cart: 'Cart 8', count: 6, due: '07:00' }]);
  expect(await asked(cart)).toEqual([[{ ward: '7e', cart: 'Cart 7', count: 2, dueMs: SHIFT_MS }]]);
  expect(cart.kiosk().now().night?.wards).toMatchObject([{ ward: '7 East', needed: 2, ready: 2, byShift: 2 }]);
  expect(cart.kiosk().now().night?.wards[0]).not.toHaveProperty('shortBy');
  expect(await cart.ofType('need-threatened')).toEqual([]);
  await cart.pass(11 * HOUR_MS);
  expect((await cart.ofType('night-ended')).map(({ body }) => body.needs)).toEqual([[{ ward: '7e', cart: 'Cart 7', count: 2, dueMs: SHIFT_MS, ready: 2 }]]);
  expect(cart.kiosk().now().morning?.needs).toMatchObject([{ needed: 2, ready: 2, shortBy: 0 }]);
});

test('a need of another cart alone, or of its namesake in another ward: the night is opened without one, and nothing is short', async () => {
  const cart = await eveningWith([{ ward: '7e', cart: 'Cart 8', count: 6, due: '07:00' }, { ward: '8n', cart: 'Cart 7', count: 6, due: '07:00' }]);
  expect(await asked(cart)).toEqual([[]]);
  expect(cart.kiosk().now().night).toMatchObject({ shiftMs: SHIFT_MS, wards: [] });
  await cart.pass(11 * HOUR_MS);
  expect([await cart.ofType('need-threatened'), cart.kiosk().now().morning?.needs]).toEqual([[], []]);
});

test('a bundle from before needs named carts: it is still valid, and its needs are taken whole by a cart that knows of no other', async () => {
  const old = JSON.parse('{"needs":[{"ward":"7e","count":6,"due":"07:00"}]}') as Pick<typeof NIGHT, 'needs'>;
  const { needs } = overnightRules.parse({ ...NIGHT, ...old });
  const cart = await eveningWith(needs);
  expect(await asked(cart)).toEqual([[{ ward: '7e', count: 6, dueMs: SHIFT_MS }]]);
  expect(await cart.ofType('need-threatened')).toMatchObject([{ body: { ward: '7e', shortBy: 4 } }]);
});

test('the cart has a need of its own and the ward another: the same tablets are for both', async () => {
  const cart = await eveningWith([{ ward: '7e', cart: 'Cart 7', count: 1, due: '07:00' }, { ward: '7e', count: 2, due: '07:00' }]);
  expect(cart.kiosk().now().night?.wards).toMatchObject([{ needed: 2, ready: 2 }]);
  expect(await cart.ofType('need-threatened')).toEqual([]);
});

test('the board at the cart and the fleet page at the desk say the same of a need that names the cart', async () => {
  const cart = await eveningWith([{ ward: '7e', cart: 'Cart 7', count: 5, due: '07:00' }, { ward: '7e', cart: 'Cart 8', count: 3, due: '07:00' }]);
  const night = cart.store().view.get('cart', 'cart')?.night;
  if (!night) throw new Error('no night is on');
  const told = (await cart.ofType('need-threatened')).map(({ body, seq, leaf }) => ({ ward: body.ward, shortBy: body.shortBy, why: body.because, due: '', at: '', evidence: { origin: 'o', seq, leaf } }));
  const server = nightOfWard('7e', '7 East', [{ station: 'cart-7', cart: 'Cart 7', ward: '7e', night, told }], []);
  const [board] = cart.kiosk().now().night?.wards ?? [];
  expect([server?.needed, server?.expected, server?.shortBy]).toEqual([board?.needed, board?.byShift, board?.shortBy]);
  expect(board).toMatchObject({ needed: 5, byShift: 2, shortBy: 3 });
});
