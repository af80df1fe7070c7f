import { expect, test } from 'vitest';
import { field } from '../support/night/field.ts';

test('the new enrolment hangs while its certificate is renewed: it counts for nothing until it is finished', async () => {
  const cart = await field();
  const reborn = () => cart.mdm.listed().find(({ serial, previous }) => serial === 'T1' && previous.length > 0);
  await cart.moment(() => reborn() !== undefined);
  const record = reborn();
  if (!record) throw new Error('it never enrolled again');
  record.state = 'provisioning';
  await cart.minutes(20);
  expect([await cart.isOffered(), cart.whyNot(1), cart.commands('T1')]).toEqual([false, 'enrolment-not-seen', 1]);
  record.state = 'active';
  expect(await cart.until(cart.isOffered, 10)).toBe(true);
  expect(await cart.wrong()).toEqual([]);
});
