import { expect, test } from 'vitest';
import { startCart, type OneCart } from '../support/one-cart.ts';
import { JONAS, MARIA } from '../support/ward-policy.ts';

const HOUR_MS = 3_600_000;

test('the device host dies for 3 s: nothing is offered meanwhile, and what stood proven still is', async () => {
  const cart = await startCart();
  await cart.hostDies();
  expect(cart.kiosk().now().degraded).toEqual(['readers', 'device-host']);
  expect(cart.kiosk().now().counts.ready).toBe(0);
  await cart.pass(3_000);
  await cart.hostStarts();
  expect(await cart.ofType('host-lost')).toHaveLength(1);
  expect(await cart.ofType('host-restored')).toMatchObject([{ body: { gapMs: 3_000 } }]);
  expect(await cart.ofType('exposed')).toEqual([]);
  expect(cart.kiosk().now()).toMatchObject({ degraded: [], counts: { ready: 3 } });
  await cart.tap(MARIA);
  expect(cart.message()).toMatchObject({ kind: 'take', slot: 1 });
});

test('the device host dies for 30 s: nobody can vouch for what stood there, so all of it is wiped again', async () => {
  const cart = await startCart();
  await cart.hostDies();
  await cart.pass(30_000);
  const from = cart.store().size();
  await cart.hostStarts();
  expect((await cart.ofType('exposed', from)).map(({ device, body }) => [device, body])).toEqual([1, 2, 3].map((n) => [`T${n}`, { cause: 'unobserved', gapMs: 30_000 }]));
  expect((await cart.ofType('sanitization-requested', from)).map(({ device }) => device)).toEqual(['T1', 'T2', 'T3']);
  expect(cart.kiosk().now().counts).toMatchObject({ ready: 0, preparing: 3 });
});

test('the device host hangs for 8 s before it is ended: the gap counts from its last word', async () => {
  const cart = await startCart();
  await cart.pass(1_000);
  cart.clock.forward(8_000);
  await cart.settle();
  await cart.hostDies();
  await cart.pass(4_000);
  await cart.hostStarts();
  expect(await cart.ofType('host-restored')).toMatchObject([{ body: { gapMs: 12_000 } }]);
  expect(await cart.ofType('exposed')).toHaveLength(3);
});

test('the USB bus cannot be read for 30 s while the host lives on: that is a gap in sight like any other', async () => {
  const cart = await startCart();
  cart.host.tell({ event: 'adapter', name: 'usb', state: 'failing', detail: 'the bus went away' });
  await cart.settle();
  expect(cart.kiosk().now()).toMatchObject({ degraded: ['slots'], counts: { ready: 0 } });
  cart.host.slots.set(2, { slot: 2, present: false });
  cart.host.slots.set(5, { slot: 5, present: true, serial: 'T5' });
  await cart.pass(30_000);
  cart.host.tell({ event: 'adapter', name: 'usb', state: 'working' });
  cart.host.tell({ event: 'slots', slots: [...cart.host.slots.values()] });
  await cart.settle();
  expect((await cart.ofType('exposed')).map(({ device }) => device)).toEqual(['T1', 'T3']);
  expect(cart.device('T2').custody).toMatchObject({ kind: 'unidentified', slot: 2 });
  expect(cart.device('T5').custody).toMatchObject({ kind: 'cart', slot: 5 });
  expect(cart.kiosk().now().degraded).toEqual([]);
});

test('the host shows the whole cart again though nothing failed: a tablet that it had not told is taken in', async () => {
  const cart = await startCart({ tablets: 1 });
  cart.host.slots.set(6, { slot: 6, present: true, serial: 'T6' });
  cart.host.tell({ event: 'slots', slots: [...cart.host.slots.values()] });
  await cart.settle();
  expect(cart.device('T6').custody).toMatchObject({ kind: 'cart', slot: 6 });
  expect(await cart.ofType('exposed')).toEqual([]);
});

test('the device host dies for 3 s under an open offer: the offer stands, and its light comes back with the host', async () => {
  const cart = await startCart();
  await cart.tap(MARIA);
  await cart.hostDies();
  await cart.pass(3_000);
  expect(cart.message()).toMatchObject({ kind: 'take', slot: 1 });
  await cart.hostStarts();
  expect(await cart.ofType('offer-lapsed')).toEqual([]);
  expect(cart.host.lights.get(1)).toBe('take');
});

test('the offered tablet is pulled while the device host is dead: it is still hers', async () => {
  const cart = await startCart();
  await cart.tap(MARIA);
  await cart.hostDies();
  await cart.pull(1);
  await cart.hostStarts();
  expect(await cart.ofType('released')).toMatchObject([{ device: 'T1', actor: MARIA.actor }]);
  expect(cart.host.lights.get(1) ?? 'off').toBe('off');
});

test('the station is back after 3 s: the open offer goes on, its light too, and nothing is wiped again', async () => {
  const cart = await startCart();
  await cart.pass(1_000);
  await cart.tap(MARIA);
  await cart.restart({ downMs: 3_000 });
  expect(await cart.ofType('exposed')).toEqual([]);
  expect(cart.message()).toMatchObject({ kind: 'take', name: 'Maria K.', slot: 1 });
  expect(cart.host.lights.get(1)).toBe('take');
  await cart.pull(1);
  expect(await cart.ofType('released')).toMatchObject([{ device: 'T1', actor: MARIA.actor }]);
});

test('the station is back after 3 s and the offered tablet is gone: she has it', async () => {
  const cart = await startCart();
  await cart.pass(1_000);
  await cart.tap(MARIA);
  await cart.restart({ downMs: 3_000, meanwhile: () => cart.host.take(1) });
  expect(await cart.ofType('released')).toMatchObject([{ device: 'T1', actor: MARIA.actor }]);
});

test('the station is back after an hour: its offers are void, and whatever stood unwatched is wiped again', async () => {
  const cart = await startCart();
  await cart.pass(1_000);
  await cart.tap(MARIA);
  const from = cart.store().size();
  await cart.restart({ downMs: HOUR_MS, meanwhile: () => cart.host.take(1) });
  expect(await cart.ofType('offer-lapsed', from)).toMatchObject([{ device: 'T1', actor: MARIA.actor, body: { cause: 'restart' } }]);
  expect(await cart.ofType('released', from)).toEqual([]);
  expect(cart.device('T1').custody).toMatchObject({ kind: 'unidentified', slot: 1 });
  expect((await cart.ofType('exposed', from)).map(({ device }) => device)).toEqual(['T2', 'T3']);
  await cart.tap(JONAS);
  expect(await cart.ofType('removal-claimed', from)).toMatchObject([{ actor: JONAS.actor, body: { owed: true } }]);
});

test('the power is cut for 2 s: no clock can say how long, so everything is wiped again', async () => {
  const cart = await startCart();
  await cart.pass(1_000);
  await cart.restart({ downMs: 2_000, reboot: true });
  expect((await cart.ofType('exposed')).map(({ device, body }) => [device, body])).toEqual([1, 2, 3].map((n) => [`T${n}`, { cause: 'unobserved' }]));
});

test('the station is back at once but sees its slots only a minute later: the gap ends when it sees', async () => {
  const cart = await startCart();
  await cart.pass(1_000);
  await cart.restart({ downMs: 1_000, hostAfterMs: 60_000 });
  expect(await cart.ofType('exposed')).toHaveLength(3);
});

test('a tablet moves to another slot while nobody watches: it is found there and wiped again', async () => {
  const cart = await startCart({ tablets: 1 });
  await cart.pass(1_000);
  const from = cart.store().size();
  await cart.restart({ downMs: 1_000, meanwhile: () => (cart.host.take(1), cart.host.put(9, 'T1')) });
  expect(await cart.types(from)).toEqual(['station-started', 'exposed', 'returned', 'sanitization-requested']);
  expect(cart.device('T1').custody).toMatchObject({ kind: 'cart', slot: 9 });
});

/** Out of its slot and back in it before anybody looks again: long enough to be used. */
const used = (cart: OneCart): void => {
  cart.host.take(1);
  cart.host.put(1, 'T1');
};

test('a tablet is used for a moment while the station is down, and stands where it stood: the bus tells, and it alone is wiped again', async () => {
  const cart = await startCart();
  const from = cart.store().size();
  await cart.pass(1_000);
  await cart.restart({ downMs: 1_000, meanwhile: () => used(cart) });
  expect((await cart.ofType('exposed', from)).map(({ device, slot, body }) => ({ device, slot, cause: body.cause }))).toEqual([{ device: 'T1', slot: 1, cause: 'unobserved' }]);
  expect((await cart.ofType('sanitization-requested', from)).map(({ device }) => device)).toEqual(['T1']);
  await cart.tap(MARIA);
  expect(cart.message()).toMatchObject({ kind: 'take', slot: 2 });
});

test('a tablet is used for a moment while the device host is dead: the same', async () => {
  const cart = await startCart();
  const from = cart.store().size();
  await cart.hostDies();
  used(cart);
  await cart.hostStarts();
  expect((await cart.ofType('exposed', from)).map(({ device }) => device)).toEqual(['T1']);
  // What was judged is kept: the next moment without sight is nothing again.
  await cart.prove('T1');
  await cart.hostDies();
  await cart.hostStarts();
  await cart.pass(1_000);
  await cart.restart({ downMs: 1_000 });
  expect(await cart.ofType('exposed', from)).toHaveLength(1);
});

test('a tablet that is being wiped was off the bus while nobody watched: a restart, and only what the server sees after it counts', async () => {
  const cart = await startCart({ tablets: 1, unproven: true });
  const from = cart.store().size();
  await cart.hostDies();
  used(cart);
  await cart.hostStarts();
  expect(await cart.types(from)).toEqual(['host-lost', 'host-restored', 'absent', 'reappeared']);
  expect(cart.device('T1').request?.settledSeq).toBe(cart.store().size() - 1);
});

test('a platform that tells nothing of attachments: what the policy takes for nothing is nothing', async () => {
  const cart = await startCart({ tablets: 1 });
  const from = cart.store().size();
  const { attachment: _untold, ...state } = cart.host.slots.get(1) ?? { slot: 1, present: false };
  await cart.hostDies();
  cart.host.slots.set(1, state);
  await cart.hostStarts();
  await cart.hostDies();
  used(cart);
  cart.host.slots.set(1, state);
  await cart.hostStarts();
  expect(await cart.ofType('exposed', from)).toEqual([]);
});
