import { expect, test } from 'vitest';
import type { TabletFacts } from '../../app/contract/device-host.ts';
import { startCart, type OneCart } from '../support/one-cart.ts';
import { MARIA } from '../support/ward-policy.ts';

async function tells(cart: OneCart, serial: string, facts: TabletFacts): Promise<void> {
  cart.host.tell({ event: 'tablet', serial, source: 'adb', standing: 'read', readMonoMs: cart.host.monoMs() + 1_000, facts });
  await cart.settle();
  await cart.pass(1_000);
}

test('a battery burns hot in its slot: the tablet is kept in with the reason, once, and another one is offered', async () => {
  const cart = await startCart({ tablets: 2 });
  await tells(cart, 'T1', { batteryPercent: 99, batteryCelsius: 54 });
  expect(await cart.ofType('quarantined')).toEqual([]);
  await tells(cart, 'T1', { batteryPercent: 99, batteryCelsius: 55 });
  await tells(cart, 'T1', { batteryPercent: 99, batteryCelsius: 58 });
  expect(await cart.ofType('quarantined')).toMatchObject([{ device: 'T1', slot: 1, body: { reason: 'battery-heat' } }]);
  await cart.tap(MARIA);
  expect(cart.message()).toMatchObject({ kind: 'take', slot: 2 });
});

test('it cools down: it stays in until somebody has looked at it', async () => {
  const cart = await startCart({ tablets: 1 });
  await tells(cart, 'T1', { batteryCelsius: 60 });
  await tells(cart, 'T1', { batteryCelsius: 20 });
  expect(cart.look(1)).toBe('out-of-service');
});

test('the tablet’s own controller calls its battery dead: kept in, whatever its temperature', async () => {
  const cart = await startCart({ tablets: 1 });
  await tells(cart, 'T1', { batteryCelsius: 25, batteryHealth: 'dead' });
  expect(await cart.ofType('quarantined')).toMatchObject([{ device: 'T1', body: { reason: 'fault-reported' } }]);
});

test('a tablet that tells nothing of its battery is not kept in for it', async () => {
  const cart = await startCart({ tablets: 1 });
  await tells(cart, 'T1', { model: 'SM-X300' });
  expect(await cart.ofType('quarantined')).toEqual([]);
});
