import { expect, test } from 'vitest';
import { uncleanBecause } from '../../app/simulator/world/tablet.ts';
import { field } from '../support/night/field.ts';

test('the old command waits for the new enrolment too: the tablet is not offered before it has struck and a wipe of its own is proven', async () => {
  const cart = await field(({ mdm }) => mdm.misbehave({ fault: 'old-command-replayed', serial: 'T1' }));
  await cart.moment(() => cart.erased.get('T1') === 1 && cart.t1.enrolment !== null);
  expect(uncleanBecause(cart.t1, cart.mdm)).toContain('command-waiting');
  await cart.passUntil(cart.cart.clock.trueMs() + 20_000);
  expect(await cart.isOffered()).toBe(false);
  expect(await cart.until(cart.isOffered, 30)).toBe(true);
  expect(cart.erased.get('T1')).toBe(3);
  expect((await cart.server.requests('T1')).map(({ state }) => state)).toEqual(['superseded', 'complete']);
  // The replay is nobody's command, so the erase that it caused is one more than was asked for.
  expect((await cart.wrong()).filter((what) => !what.includes('became 2 commands'))).toEqual([]);
});
