import { expect, test } from 'vitest';
import { startCart, type OneCart } from '../support/one-cart.ts';
import { MARIA } from '../support/ward-policy.ts';

const DAY_MS = 86_400_000;
const vkeyNow = (cart: OneCart): string => cart.store().keyRanges().at(-1)?.vkey ?? '';
const order = (cart: OneCart): Promise<void> => cart.publish({ rotateKeys: [{ vkey: vkeyNow(cart) }] });
/** The ledger writes in order: once this checkpoint is there, a rotation that was begun is, too. */
const rotations = async (cart: OneCart): Promise<number> => {
  await cart.store().checkpoint();
  return (await cart.ofType('ledger-key-rotated')).length;
};
const rotated = async (cart: OneCart, times: number): Promise<void> => expect(await rotations(cart)).toBe(times);
const ticks = async (cart: OneCart, count = 4): Promise<void> => {
  for (let tick = 0; tick < count; tick += 1) await cart.pass(500);
};

test('the order comes while a nurse is at the PIN pad and while her tablet waits: the key is replaced when she has gone, and once', async () => {
  const cart = await startCart({ tablets: 1 });
  await cart.tap(MARIA, 'uid');
  await order(cart);
  await ticks(cart);
  expect([cart.message().kind, await rotations(cart)]).toEqual(['pin', 0]);
  await cart.pin();
  await ticks(cart);
  expect([(await cart.ofType('offered')).length, await rotations(cart)]).toEqual([1, 0]);
  await cart.pull(1);
  await ticks(cart);
  await rotated(cart, 1);
  await ticks(cart, 20);
  expect([await rotations(cart), cart.store().keyRanges().length]).toEqual([1, 2]);
});

test('the disk takes its time over the rotation: taps are served meanwhile, and are in the ledger before it', async () => {
  const cart = await startCart({ tablets: 1 });
  const disk = Promise.withResolvers<void>();
  cart.disk.holds = disk.promise;
  await order(cart);
  await ticks(cart);
  await cart.tap(MARIA, 'uid');
  await cart.pin();
  expect([(await cart.ofType('offered')).length, await rotations(cart)]).toEqual([1, 0]);
  disk.resolve();
  await rotated(cart, 1);
  const types = await cart.types();
  expect(types.indexOf('ledger-key-rotated')).toBeGreaterThan(types.indexOf('offered'));
  await cart.restart();
  expect(cart.store().keyRanges()).toHaveLength(2);
});

test('no contact for three months: the key is replaced when its time is over, without anybody', async () => {
  const cart = await startCart({ tablets: 1 });
  await cart.network({ kind: 'offline' });
  for (let days = 0; days < 89; days += 1) await cart.pass(DAY_MS);
  await rotated(cart, 0);
  await cart.pass(2 * DAY_MS);
  await ticks(cart);
  await rotated(cart, 1);
  await cart.pass(DAY_MS);
  await ticks(cart, 20);
  await rotated(cart, 1);
});

test('somebody sets the clock ten years ahead: no key is any older for it, after a restart neither', async () => {
  const cart = await startCart({ tablets: 1 });
  await ticks(cart);
  cart.clock.turnWall(3_650 * DAY_MS);
  await ticks(cart);
  await cart.restart({ reboot: true });
  await ticks(cart);
  await rotated(cart, 0);
});

test('the disk is full: the key stays, and a minute after there is space again it is replaced', async () => {
  const cart = await startCart({ tablets: 1 });
  await ticks(cart);
  const held = Promise.withResolvers<void>();
  cart.disk.holds = held.promise;
  await order(cart);
  await ticks(cart);
  cart.disk.full = true;
  held.resolve();
  await ticks(cart);
  cart.disk.full = false;
  await ticks(cart);
  await rotated(cart, 0);
  expect(cart.log).toContain('warn: the ledger keeps its key for now');
  await cart.pass(60_000);
  await ticks(cart);
  await rotated(cart, 1);
});

test('an order for a key that signs no longer, or for another cart’s, moves nobody', async () => {
  const cart = await startCart({ tablets: 1 });
  const first = vkeyNow(cart);
  await order(cart);
  await ticks(cart);
  await rotated(cart, 1);
  await cart.publish({ rotateKeys: [{ vkey: first }, { vkey: 'mercy/station/cart-8/e1+00000000+AA' }] });
  await ticks(cart, 20);
  await rotated(cart, 1);
});
