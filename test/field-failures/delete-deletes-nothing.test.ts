import { expect, test } from 'vitest';
import { field } from '../support/night/field.ts';

test('deleting the wiped enrolment is answered well and deletes nothing: its credentials live, and the tablet waits until they are really gone', async () => {
  const cart = await field(({ mdm }) => {
    mdm.misbehave({ fault: 'stale-enrolment-record', serial: 'T1' });
    mdm.misbehave({ fault: 'delete-does-nothing', serial: 'T1', times: 12 });
  });
  expect(await cart.until(() => cart.whyNot(1) === 'credentials-live', 8)).toBe(true);
  expect([cart.t1.credentials.size, await cart.isOffered()]).toEqual([2, false]);
  expect(await cart.until(cart.isOffered, 25)).toBe(true);
  expect([cart.t1.credentials.size, cart.commands('T1')]).toEqual([1, 1]);
  expect(await cart.wrong()).toEqual([]);
});
