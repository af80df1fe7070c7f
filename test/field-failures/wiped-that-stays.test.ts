import { expect, test } from 'vitest';
import { field } from '../support/night/field.ts';

test('the MDM says “wiped” and the tablet never was: it is never offered, and put aside within the policy’s time', async () => {
  const cart = await field(({ mdm }) => mdm.misbehave({ fault: 'wipe-acknowledged-not-done', serial: 'T1' }));
  const { cart: pc } = cart;
  expect(await cart.until(() => pc.store().view.get('device', 'T1')?.evidence.wipe !== undefined, 5)).toBe(true);
  expect([cart.t1.residueOf, await cart.isOffered(), cart.whyNot(1)]).toEqual(['before admission', false, 'enrolment-not-seen']);
  expect(await cart.until(() => pc.store().view.get('device', 'T1')?.quarantine?.reason === 'sanitization-overdue', 50)).toBe(true);
  expect([cart.t1.residueOf, await cart.isOffered(), cart.commands('T1')]).toEqual(['before admission', false, 1]);
  expect(await cart.wrong()).toEqual([]);
});
