import { expect, test } from 'vitest';
import { startCart } from '../support/one-cart.ts';
import { MARIA, JONAS, tablet } from '../support/ward-policy.ts';

test('a tablet of the fleet that nobody holds is docked: taken in quietly and wiped before anybody gets it', async () => {
  const cart = await startCart({ tablets: 1 });
  const from = cart.store().size();
  await cart.dock(7, 'T7');
  expect(cart.message()).toEqual({ kind: 'idle' });
  expect(await cart.types(from)).toEqual(['returned', 'sanitization-requested']);
  expect((await cart.ofType('returned', from))[0]).toMatchObject({ device: 'T7', slot: 7, body: { how: 'unheld' } });
  await cart.prove('T7');
  expect(cart.look(7)).toBe('ready');
});

test('a tablet nobody ever admitted is docked: it is named, recorded, never wiped and never offered', async () => {
  const cart = await startCart({ tablets: 0 });
  const from = cart.store().size();
  await cart.dock(4, 'SOMEBODY-ELSES');
  expect(cart.message()).toMatchObject({ kind: 'foreign', slot: 4, standing: 'unknown' });
  expect(await cart.types(from)).toEqual(['foreign-docked']);
  expect(cart.look(4)).toBe('unknown');
  await cart.tap(MARIA);
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'no-device-ready' });
  await cart.publish({ devices: [tablet('SOMEBODY-ELSES')] });
  await cart.prove('SOMEBODY-ELSES');
  expect(cart.look(4)).toBe('ready');
});

test('a retired tablet is docked: it is named and nothing is asked for it', async () => {
  const cart = await startCart({ tablets: 0 });
  await cart.publish({ devices: [{ ...tablet('T1'), standing: 'retired' }] });
  const from = cart.store().size();
  await cart.dock(1, 'T1');
  expect(cart.message()).toMatchObject({ kind: 'foreign', slot: 1, standing: 'retired' });
  expect(await cart.types(from)).toEqual(['foreign-docked']);
});

test('a tablet is retired while a nurse has it: docking ends her custody all the same', async () => {
  const cart = await startCart({ tablets: 2 });
  await cart.tap(MARIA);
  await cart.pull(1);
  await cart.publish({ devices: [{ ...tablet('T1'), standing: 'retired' }, tablet('T2')] });
  const from = cart.store().size();
  await cart.dock(1, 'T1');
  expect(await cart.types(from)).toEqual(['returned', 'foreign-docked']);
  expect((await cart.ofType('returned', from))[0]).toMatchObject({ actor: MARIA.actor, body: { how: 'return' } });
  expect(cart.look(1)).toBe('out-of-service');
  await cart.tap(MARIA);
  expect(cart.message()).toMatchObject({ kind: 'take', slot: 2 });
});

test('a tablet reported lost comes back: custody ends, it stays in, and it is wiped only once it is no longer lost', async () => {
  const cart = await startCart({ tablets: 1 });
  await cart.tap(MARIA);
  await cart.pull(1);
  await cart.publish({ devices: [{ ...tablet('T1'), standing: 'lost' }] });
  const from = cart.store().size();
  await cart.dock(3, 'T1');
  expect(await cart.types(from)).toEqual(['returned']);
  expect(cart.device('T1')).toMatchObject({ standing: 'lost', custody: { kind: 'cart', slot: 3 } });
  expect(cart.kiosk().now().slots.find(({ slot }) => slot === 3)).toMatchObject({ look: 'out-of-service', reason: 'lost' });
  await cart.tap(JONAS);
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'no-device-ready', because: 'lost' });
  await cart.publish({ devices: [tablet('T1')] });
  expect((await cart.types(from)).at(-1)).toBe('sanitization-requested');
});

test('something is in a slot and tells no serial for 10 s: said, recorded once, and taken in when it does tell', async () => {
  const cart = await startCart({ tablets: 1 });
  await cart.dock(8, undefined);
  await cart.pass(9_000);
  expect(cart.look(8)).toBe('unknown');
  await cart.pass(1_000);
  await cart.pass(5_000);
  expect(await cart.ofType('dock-unreadable')).toMatchObject([{ slot: 8, body: { waitedMs: 10_000 } }]);
  expect(cart.look(8)).toBe('out-of-service');
  expect(cart.kiosk().said).toContainEqual({ kind: 'unreadable', slot: 8 });
  await cart.dock(8, 'T8');
  expect(cart.device('T8').custody).toMatchObject({ kind: 'cart', slot: 8 });
  expect(cart.message()).toEqual({ kind: 'idle' });
});

test('one serial answers in two slots: neither is offered, and when the twin leaves the one that stays is wiped anew', async () => {
  const cart = await startCart({ tablets: 1 });
  await cart.dock(2, 'T1');
  await cart.tap(MARIA);
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'no-device-ready', because: 'serial-twice' });
  const from = cart.store().size();
  await cart.pull(2);
  expect(cart.device('T1').custody).toMatchObject({ kind: 'cart', slot: 1 });
  expect(await cart.types(from)).toContain('sanitization-requested');
  expect(cart.look(1)).toBe('preparing');
  await cart.prove('T1');
  expect(cart.look(1)).toBe('ready');
});
