import { expect, test } from 'vitest';
import { startCart } from '../support/one-cart.ts';

test('a hub dies and takes three tablets with it at once: recorded as such, each judged as any absence, none offered until proven again', async () => {
  const cart = await startCart({ tablets: 4 });
  const from = cart.store().size();
  cart.host.tell({ event: 'hub', hub: '1-1', state: 'gone', slots: [1, 2, 3] });
  for (const slot of [1, 2, 3]) cart.host.take(slot);
  await cart.settle();
  expect(await cart.types(from)).toEqual(['hub-lost', 'unidentified-removal', 'unidentified-removal', 'unidentified-removal']);
  expect((await cart.ofType('hub-lost')).map(({ body }) => body)).toEqual([{ hub: '1-1', slots: [1, 2, 3] }]);

  cart.host.tell({ event: 'hub', hub: '1-1', state: 'present', slots: [1, 2, 3] });
  for (const slot of [1, 2, 3]) cart.host.put(slot, `T${slot}`);
  await cart.settle();
  expect((await cart.ofType('hub-restored')).map(({ body }) => body)).toEqual([{ hub: '1-1' }]);
  expect([1, 2, 3, 4].map((slot) => cart.look(slot))).toEqual(['preparing', 'preparing', 'preparing', 'ready']);
});

