import { expect, test } from 'vitest';
import { field } from '../support/night/field.ts';

test('the MDM goes on showing the profile of the life before the erase: the tablet waits for its applications, and is offered when they are there', async () => {
  const cart = await field(({ mdm }) => mdm.misbehave({ fault: 'profile-survives', serial: 'T1', ms: 8 * 60_000 }));
  expect(await cart.until(() => cart.whyNot(1) === 'profile-missing' || cart.whyNot(1) === 'queue-unknown', 6)).toBe(true);
  expect(cart.mdm.listed().find(({ serial }) => serial === 'T1')?.report?.profile).toBe('ward-7-east');
  expect([cart.t1.profile, await cart.isOffered()]).toEqual([null, false]);
  expect(await cart.until(cart.isOffered, 15)).toBe(true);
  expect(cart.t1.profile).toBe('ward-7-east');
  expect(await cart.wrong()).toEqual([]);
});
