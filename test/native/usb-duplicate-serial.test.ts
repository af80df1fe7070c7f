import { afterEach, expect, it } from 'vitest';
import { waitFor } from '../support/pcsc/wait-for.ts';
import { stateWithoutAttachment } from './leaving-out-attachments.ts';
import { usbCart } from './usb-cart.ts';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

it('the same serial in two slots is told of both as it is seen: the station judges', async () => {
  const cart = await usbCart(new Map([[1, '1-1.1'], [2, '1-1.2']]), (tree) => tree.plug('1-1.1', { serial: 'TWIN' }));
  cleanUps.push(() => cart.end());
  cart.tree.plug('1-1.2', { serial: 'TWIN' });
  cart.news();
  await waitFor('the second serial', () => cart.events.some((event) => event.event === 'slot' && event.serial === 'TWIN'));
  expect(cart.slots.snapshot()?.map(stateWithoutAttachment)).toEqual([
    { slot: 1, present: true, serial: 'TWIN' },
    { slot: 2, present: true, serial: 'TWIN' },
  ]);
});
