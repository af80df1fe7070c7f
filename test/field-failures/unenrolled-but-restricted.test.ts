import { expect, test } from 'vitest';
import { field } from '../support/night/field.ts';

test('the tablet unenrols instead of being erased and stays as it was: nothing is proven, and it is put aside', async () => {
  const cart = await field(({ mdm, tablets }) => {
    const tablet = tablets.get('T1');
    const record = mdm.listed().find(({ serial }) => serial === 'T1');
    if (!tablet || !record) throw new Error('T1 was never enrolled');
    record.state = 'deleted';
    tablet.enrolment = null;
    tablet.credentials.clear();
  });
  await cart.hours(1);
  expect([cart.t1.residueOf, await cart.isOffered(), cart.commands('T1')]).toEqual(['before admission', false, 0]);
  expect((await cart.server.requests('T1'))[0]).toMatchObject({ state: 'failed', failure: 'device-unknown' });
  await cart.hours(3);
  expect(cart.cart.store().view.get('device', 'T1')?.quarantine?.reason).toMatch(/^sanitization-(failed|overdue)$/);
  expect([cart.t1.residueOf, await cart.isOffered()]).toEqual(['before admission', false]);
  expect(await cart.wrong()).toEqual([]);
});
