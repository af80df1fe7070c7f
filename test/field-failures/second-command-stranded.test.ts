import { expect, test } from 'vitest';
import { field } from '../support/night/field.ts';
import { startCart } from '../support/one-cart.ts';

test('two commands wait for one enrolment and the first erases it: the second will never be fetched, is given up, and the wipe asked for again', async () => {
  const cart = await field(({ tablets }) => Object.assign(tablets.get('T1') ?? {}, { asleep: true }));
  await cart.minutes(1);
  cart.pull(1);
  cart.put('T1', 3);
  await cart.settle();
  await cart.minutes(1);
  expect(cart.commands('T1')).toBe(2);
  cart.t1.asleep = false;
  expect(await cart.until(cart.isOffered, 25)).toBe(true);
  expect((await cart.server.requests('T1')).map(({ state, failure }) => failure ?? state)).toEqual(['superseded', 'command-expired', 'complete']);
  expect(await cart.wrong()).toEqual([]);
});

test('a new enrolment is there and nobody ever confirms the wipe: the tablet is put aside in time, not left waiting for ever', async () => {
  const cart = await startCart({ tablets: 1, unproven: true });
  await cart.prove('T1', {}, ['enrolled', 'credentials-revoked', 'queue-clear', 'profile-present', 'posture']);
  await cart.pass(44 * 60_000);
  expect(await cart.ofType('quarantined')).toEqual([]);
  await cart.pass(2 * 60_000);
  expect(await cart.ofType('quarantined')).toMatchObject([{ device: 'T1', body: { reason: 'sanitization-overdue' } }]);
});
