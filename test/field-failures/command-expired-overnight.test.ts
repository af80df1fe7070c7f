import { expect, test } from 'vitest';
import { field } from '../support/night/field.ts';

test('the tablet sleeps all night and the command dies unfetched: it is put aside in time, and waking up it is neither erased nor offered', async () => {
  const cart = await field(({ tablets }) => Object.assign(tablets.get('T1') ?? {}, { asleep: true }));
  expect(await cart.until(() => cart.cart.store().view.get('device', 'T1')?.quarantine?.reason === 'sanitization-overdue', 50)).toBe(true);
  const command = cart.mdm.state.operations.find(({ type }) => type === 'WIPE');
  expect(command?.state).toBe('pending');
  await cart.hours(10);
  expect([command?.state, (await cart.server.requests('T1')).map(({ state }) => state)]).toEqual(['expired', ['failed']]);
  cart.t1.asleep = false;
  await cart.minutes(10);
  expect([cart.t1.residueOf, cart.erased.get('T1'), await cart.isOffered()]).toEqual(['before admission', undefined, false]);
  expect(await cart.wrong()).toEqual([]);
});
