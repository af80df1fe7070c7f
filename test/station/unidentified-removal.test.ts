import { expect, test } from 'vitest';
import { startCart } from '../support/one-cart.ts';
import { JONAS, MARIA } from '../support/ward-policy.ts';

test('a proven tablet leaves without an offer and somebody taps to say it is hers', async () => {
  const cart = await startCart();
  await cart.pull(2);
  expect(cart.message()).toMatchObject({ kind: 'unidentified', slot: 2 });
  expect(cart.host.lights.get(2)).toBe('put-back');
  await cart.tap(MARIA);
  expect(await cart.ofType('removal-claimed')).toMatchObject([{ device: 'T2', actor: MARIA.actor, slot: 2, body: { owed: false } }]);
  expect(cart.message()).toMatchObject({ kind: 'taken', slot: 2, name: 'Maria K.' });
  expect(await cart.ofType('offered')).toEqual([]);
  await cart.pass(1_000);
  await cart.tap(JONAS);
  expect(cart.message()).toMatchObject({ kind: 'take', slot: 1 });
});

test('an unproven tablet leaves without an offer: whoever claims it is told to put it back', async () => {
  const cart = await startCart({ tablets: 1, rules: { rebootMaxMs: 1 } });
  await cart.pull(1);
  await cart.dock(1, 'T1');
  await cart.pull(1);
  await cart.pass(1_000);
  expect(cart.message()).toMatchObject({ kind: 'unidentified', slot: 1 });
  await cart.tap(MARIA);
  expect(await cart.ofType('removal-claimed')).toMatchObject([{ body: { owed: true } }]);
  expect(cart.message()).toMatchObject({ kind: 'wrong-slot', pulled: 1, clean: false });
  expect(cart.kiosk().now().slots.find(({ slot }) => slot === 1)?.mark).toBe('back');
});

test('it is put back: nobody’s custody, but it has to be wiped again', async () => {
  const cart = await startCart();
  await cart.pull(2);
  const from = cart.store().size();
  await cart.dock(2, 'T2');
  expect(cart.message()).toMatchObject({ kind: 'returned', how: 'put-back', slot: 2 });
  expect(await cart.types(from)).toEqual(['returned', 'sanitization-requested']);
  expect(cart.look(2)).toBe('preparing');
});

test('nobody says anything: after a minute it is the ward’s, once, and it is welcome back later', async () => {
  const cart = await startCart();
  await cart.pull(2);
  await cart.pass(59_000);
  expect(await cart.ofType('removal-unclaimed')).toEqual([]);
  await cart.pass(1_000);
  await cart.pass(1_000);
  expect(await cart.ofType('removal-unclaimed')).toMatchObject([{ device: 'T2', slot: 2 }]);
  expect(cart.device('T2').custody).toMatchObject({ kind: 'ward' });
  expect(cart.message()).toEqual({ kind: 'idle' });
  await cart.tap(MARIA);
  expect(cart.message()).toMatchObject({ kind: 'take', slot: 1 });
  await cart.dock(6, 'T2');
  expect(cart.message()).toMatchObject({ kind: 'returned', how: 'found', slot: 6 });
});
