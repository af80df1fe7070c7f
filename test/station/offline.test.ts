import { expect, test } from 'vitest';
import { startCart } from '../support/one-cart.ts';
import { JONAS, MARIA } from '../support/ward-policy.ts';

const HOUR_MS = 3_600_000;

test('the network is cut: proven tablets go out, the returned one waits and says that it waits for the network', async () => {
  const cart = await startCart();
  await cart.network({ kind: 'offline' });
  await cart.tap(MARIA);
  await cart.pull(1);
  await cart.pass(2 * HOUR_MS);
  await cart.dock(1, 'T1');
  expect(cart.message()).toMatchObject({ kind: 'returned', slot: 1, waitsForNetwork: true });
  expect(cart.look(1)).toBe('waiting');
  expect(cart.kiosk().now()).toMatchObject({ network: { state: 'offline', bundleAgeMs: expect.closeTo(2 * HOUR_MS, -2) }, counts: { ready: 2, waiting: 1 } });
  await cart.tap(JONAS);
  expect(cart.message()).toMatchObject({ kind: 'take', slot: 2 });
});

test('offline for three hours: the tablets that waited are not given up, and become ready when the network is back', async () => {
  const cart = await startCart({ tablets: 1 });
  await cart.network({ kind: 'offline' });
  await cart.tap(MARIA);
  await cart.pull(1);
  await cart.dock(1, 'T1');
  await cart.pass(3 * HOUR_MS);
  await cart.network({ kind: 'online' });
  await cart.pass(1_000);
  expect(await cart.ofType('quarantined')).toEqual([]);
  expect(await cart.ofType('sanitization-requested')).toHaveLength(2);
  await cart.prove('T1');
  expect(cart.look(1)).toBe('ready');
});

test('records wait for the server: the page is told how many and since when, until the server has cosigned them', async () => {
  const cart = await startCart({ tablets: 1 });
  const store = cart.store();
  await store.setAcked(store.size(), 'cosignature', cart.clock.wallMs());
  await cart.pass(1_000);
  expect(cart.kiosk().now().network).toMatchObject({ unsynced: 0 });
  expect(cart.kiosk().now().network).not.toHaveProperty('unsyncedSinceMs');
  const takenMs = cart.clock.wallMs();
  await cart.tap(MARIA);
  await cart.pull(1);
  await cart.pass(2 * HOUR_MS);
  const { network } = cart.kiosk().now();
  expect(network.unsynced).toBeGreaterThanOrEqual(2);
  expect(network.unsyncedSinceMs).toBeGreaterThanOrEqual(takenMs);
  expect(network.unsyncedSinceMs).toBeLessThan(takenMs + 5_000);
  await store.setAcked(store.size(), 'cosignature', cart.clock.wallMs());
  await cart.pass(1_000);
  expect(cart.kiosk().now().network).not.toHaveProperty('unsyncedSinceMs');
});
