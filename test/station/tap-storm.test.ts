import { expect, test } from 'vitest';
import { seededRandom } from '../../app/simulator/world/random.ts';
import { startCart } from '../support/one-cart.ts';
import { person, PEOPLE } from '../support/ward-policy.ts';

test('a thousand taps of twelve people at once: one offer and one release for each of them, never two', async () => {
  const cart = await startCart({ tablets: 14 });
  const random = seededRandom(7);
  const storm = async (): Promise<void> => {
    for (let n = 0; n < 1_000; n += 1) {
      cart.host.tap(person(Math.floor(random() * PEOPLE.length)).uid);
      if (n % 50 === 0) await cart.settle();
    }
    await cart.settle();
  };
  await storm();
  const offers = await cart.ofType('offered');
  expect(new Set(offers.map(({ actor }) => actor)).size).toBe(12);
  expect(offers.length).toBe(12);
  expect(new Set(offers.map(({ device }) => device)).size).toBe(12);
  expect(cart.kiosk().now().others.length).toBe(11);

  for (const { slot = 0 } of offers) await cart.pull(slot);
  const releases = await cart.ofType('released');
  expect(releases.map(({ actor, device }) => [actor, device])).toEqual(offers.map(({ actor, device }) => [actor, device]));
  expect(new Set(releases.map(({ body }) => body.release)).size).toBe(12);

  await storm();
  expect((await cart.ofType('offered')).length).toBe(12);
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'limit-reached' });
});
