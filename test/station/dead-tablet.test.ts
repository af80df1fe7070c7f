import { expect, test } from 'vitest';
import { startCart } from '../support/one-cart.ts';
import { MARIA } from '../support/ward-policy.ts';

test('a dead tablet comes back and its label is scanned: it is said to be back, she may take another, and her custody ends when it has power again', async () => {
  const cart = await startCart({ tablets: 2 });
  await cart.tap(MARIA);
  await cart.pull(1);
  cart.host.tell({ event: 'label', scanner: 'front scanner', label: 'a t1' });
  await cart.settle();
  expect(cart.message()).toMatchObject({ kind: 'label', what: 'said-back', asset: 'A-T1', name: 'Maria K.' });
  const [release] = await cart.ofType('released');
  expect(await cart.ofType('return-stated')).toMatchObject([{ device: 'T1', actor: MARIA.actor, body: { release: release?.body.release, label: 'a t1' } }]);
  expect(cart.device('T1').custody).toMatchObject({ kind: 'person', actor: MARIA.actor });
  cart.host.tell({ event: 'label', scanner: 'front scanner', label: 'A-T1' });
  await cart.settle();
  expect(await cart.ofType('return-stated')).toHaveLength(1);
  await cart.pass(10_000);
  await cart.tap(MARIA);
  expect(cart.message()).toMatchObject({ kind: 'take', slot: 2 });
  await cart.dock(5, 'T1');
  expect((await cart.ofType('returned')).at(-1)).toMatchObject({ device: 'T1', actor: MARIA.actor, body: { how: 'return', release: release?.body.release } });
  expect(cart.device('T1').custody).toMatchObject({ kind: 'cart', slot: 5 });
});

test('a label of a tablet that stands in its slot, of one that nobody has, and of no tablet at all: each is told, and nothing is recorded', async () => {
  const cart = await startCart({ tablets: 1 });
  const from = cart.store().size();
  const scan = async (label: string) => {
    cart.host.tell({ event: 'label', scanner: 'front scanner', label });
    await cart.settle();
    return cart.message();
  };
  expect(await scan('A-T1')).toMatchObject({ kind: 'label', what: 'in-cart', asset: 'A-T1', slot: 1 });
  expect(await scan('A-T7')).toMatchObject({ kind: 'label', what: 'not-out', asset: 'A-T7' });
  expect(await scan('4006381333931')).toMatchObject({ kind: 'label', what: 'unknown', asset: '4006381333931' });
  expect(await cart.types(from)).toEqual([]);
});
