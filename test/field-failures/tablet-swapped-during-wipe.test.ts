import { expect, test } from 'vitest';
import { field } from '../support/night/field.ts';

test('another tablet is put into the slot while the first one’s wipe is open: the proof of the one is no proof of the other', async () => {
  const cart = await field();
  cart.pull(1);
  cart.put('T2', 1);
  await cart.settle();
  expect(cart.cart.store().view.get('device', 'T1')?.custody.kind).toBe('rebooting');
  expect(cart.cart.store().view.get('device', 'T2')?.custody).toMatchObject({ kind: 'cart', slot: 1 });
  const proven = (serial: string) => cart.cart.store().view.get('device', serial)?.evidence.enrolment !== undefined;
  expect(await cart.until(() => proven('T1'), 10)).toBe(true);
  expect(cart.t2.residueOf === null || !(await cart.isOffered())).toBe(true);
  expect(await cart.until(cart.isOffered, 15)).toBe(true);
  const [offer] = cart.witnessed.filter(({ draft }) => draft.type === 'offered');
  expect(offer?.draft).toMatchObject({ device: 'T2', slot: 1 });
  expect([cart.t2.residueOf, cart.commands('T1'), cart.commands('T2')]).toEqual([null, 1, 1]);
  expect(await cart.wrong()).toEqual([]);
});
