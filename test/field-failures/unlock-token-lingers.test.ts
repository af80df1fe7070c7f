import { expect, test } from 'vitest';
import { field } from '../support/night/field.ts';

test('the MDM still holds a passcode that opens the tablet: it is not offered, and says why', async () => {
  const cart = await field(({ mdm }) => mdm.misbehave({ fault: 'unlock-token-kept', serial: 'T1' }));
  expect(await cart.until(() => cart.whyNot(1) === 'queue-not-clear', 10)).toBe(true);
  await cart.minutes(20);
  expect([cart.t1.unlockKnown, await cart.isOffered(), cart.whyNot(1)]).toEqual([true, false, 'queue-not-clear']);
  expect(await cart.wrong()).toEqual([]);
});
