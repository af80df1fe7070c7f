import { expect, test } from 'vitest';
import { field } from '../support/night/field.ts';

test('the MDM shows another tablet’s record under this one’s serial number: that one is not wiped for it, and proves nothing for it', async () => {
  const cart = await field((world) => {
    world.put('T2', 2);
    world.mdm.misbehave({ fault: 'wrong-serial', serial: 'T2', times: 9 });
    world.mdm.misbehave({ fault: 'late-enrolment', serial: 'T1', ms: 12 * 3_600_000 });
  });
  await cart.moment(() => cart.erased.get('T1') === 1 && cart.erased.get('T2') === 1 && cart.t2.enrolment !== null);
  // Carried to another slot, T1 has to be wiped anew; all that the MDM has under its number is T2.
  cart.pull(1);
  cart.put('T1', 3);
  await cart.settle();
  await cart.minutes(12);
  expect([cart.t1.enrolment, cart.erased.get('T2'), await cart.isOffered()]).toEqual([null, 1, false]);
  expect((await cart.server.requests('T1')).at(-1)).toMatchObject({ failure: 'device-unknown' });
  expect(await cart.wrong()).toEqual([]);
});
