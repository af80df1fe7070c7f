import { expect, test } from 'vitest';
import { startCart, type OneCart } from '../support/one-cart.ts';
import { JONAS } from '../support/ward-policy.ts';

/** Longer than any gap that the ward's rules forgive. */
const LONG_MS = 60_000;

async function nobodyIsOffered(cart: OneCart): Promise<void> {
  await cart.tap(JONAS);
  expect(await cart.ofType('offered')).toEqual([]);
  await cart.pass(1_000);
  expect((await cart.ofType('exposed')).map(({ device }) => device)).toEqual(['T1']);
  await cart.tap(JONAS);
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'no-device-ready' });
}

test('the disk is full, a tablet is pulled, used and put back into its slot: when there is space again it must be wiped', async () => {
  const cart = await startCart({ tablets: 1 });
  cart.disk.full = true;
  await cart.pull(1);
  await cart.pass(LONG_MS);
  await cart.dock(1, 'T1');
  cart.disk.full = false;
  await nobodyIsOffered(cart);
});

test('the same with the host dead meanwhile: the gap that nobody watched is not lost with the entry that could not be written', async () => {
  const cart = await startCart({ tablets: 1 });
  cart.disk.full = true;
  await cart.hostDies();
  await cart.pass(LONG_MS);
  await cart.hostStarts();
  await cart.pass(1_000);
  cart.disk.full = false;
  await nobodyIsOffered(cart);
});

test('the host was dead before the disk filled: the gap of its return is not lost either', async () => {
  const cart = await startCart({ tablets: 1 });
  await cart.hostDies();
  await cart.pass(LONG_MS);
  cart.disk.full = true;
  await cart.hostStarts();
  cart.disk.full = false;
  await nobodyIsOffered(cart);
});

test('the power fails before there is space: the next start knows that nobody watched', async () => {
  const cart = await startCart({ tablets: 1 });
  await cart.pass(1_000);
  cart.disk.full = true;
  await cart.pull(1);
  await cart.pass(LONG_MS);
  await cart.dock(1, 'T1');
  await cart.restart({ downMs: 100, meanwhile: () => (cart.disk.full = false) });
  await nobodyIsOffered(cart);
});
