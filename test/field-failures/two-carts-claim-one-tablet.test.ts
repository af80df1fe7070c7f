import { expect, test } from 'vitest';
import { admissionOf, enrolStation, testLedger } from '../central/demo-station.ts';
import { field } from '../support/night/field.ts';

test('a second cart says that the tablet stands in it and asks for a wipe: the first is told that its request was overtaken and asks again, and the second proves nothing', async () => {
  const cart = await field();
  await cart.moment(() => cart.t1.rebooting);
  const other = await enrolStation(cart.server.central, 'Cart B');
  const theirs = testLedger(other, cart.cart.clock.trueMs());
  theirs.add(...admissionOf('T1', 3));
  theirs.add({ type: 'sanitization-requested', device: 'T1', slot: 3, body: { request: 'r-other', nonce: 'b'.repeat(32), exposure: theirs.leaves[0] ?? '', attempt: 1 } });
  expect((await other.request('POST', '/v1/log/entries', theirs.upload())).status).toBe(200);
  expect(await cart.until(cart.isOffered, 45)).toBe(true);
  const failures = (await cart.cart.entries()).flatMap((entry) => (entry.type === 'sanitization-failed' ? [entry.body.reason] : []));
  expect([...new Set(failures)]).toEqual(['overtaken']);
  const requests = await cart.server.requests('T1');
  expect(requests.at(-1)).toMatchObject({ station: cart.server.station.id, state: 'complete' });
  expect((await other.statements()).map(({ claims }) => claims.facts.kind)).not.toContain('profile-present');
  expect((await cart.wrong()).filter((what) => !what.includes('nobody’s request') && !what.includes("nobody's request"))).toEqual([]);
});
