import { expect, test } from 'vitest';
import { startCart, type OneCart } from '../support/one-cart.ts';

const chargeOf = (cart: OneCart, slot: number): number | undefined => cart.kiosk().now().slots.find((each) => each.slot === slot)?.chargePercent;
const tablet = (cart: OneCart, standing: 'read' | 'offline' | 'gone', percent?: number): void =>
  cart.host.tell({ event: 'tablet', serial: 'T1', source: 'adb', standing, readMonoMs: cart.host.monoMs(), facts: percent === undefined ? {} : { batteryPercent: percent, osVersion: '15' } });

test('a tablet whose slot tells no charge: what it says itself counts, then the newer word of the hub, and an old word runs down', async () => {
  const cart = await startCart({ tablets: 1 });
  await cart.pull(1);
  await cart.dock(1, undefined);
  cart.host.tell({ event: 'slot', slot: 1, present: true, serial: 'T1' });
  await cart.settle();
  expect(chargeOf(cart, 1)).toBeUndefined();

  tablet(cart, 'read', 71);
  await cart.settle();
  expect(chargeOf(cart, 1)).toBe(71);
  await cart.pass(60_000);
  cart.host.tell({ event: 'port', slot: 1, readMonoMs: cart.host.monoMs(), reading: { batteryPercent: 74, milliamps: 1_900, power: 'charge' } });
  await cart.settle();
  expect(chargeOf(cart, 1)).toBe(74);
  // Two per cent an hour, rounded to the worse: it is a little older than one.
  await cart.pass(3_600_000);
  expect(chargeOf(cart, 1)).toBe(71);
});

test('a tablet that falls silent keeps its last word; what was read before it was taken says nothing when it is back', async () => {
  const cart = await startCart({ tablets: 1 });
  await cart.pull(1);
  cart.host.tell({ event: 'slot', slot: 1, present: true, serial: 'T1' });
  tablet(cart, 'read', 71);
  tablet(cart, 'offline');
  await cart.settle();
  expect(chargeOf(cart, 1)).toBe(71);

  await cart.pull(1);
  await cart.pass(60_000);
  cart.host.tell({ event: 'slot', slot: 1, present: true, serial: 'T1' });
  await cart.settle();
  expect(chargeOf(cart, 1)).toBeUndefined();
  tablet(cart, 'gone');
  tablet(cart, 'read', 65);
  await cart.settle();
  expect(chargeOf(cart, 1)).toBe(65);
});
