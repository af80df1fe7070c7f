import { expect, test } from 'vitest';
import { startCart } from '../support/one-cart.ts';
import { MARIA } from '../support/ward-policy.ts';

test('the page asks nonsense: each gets one refusal, nothing happens, nothing falls over', async () => {
  const cart = await startCart({ tablets: 1 });
  const from = cart.store().size();
  const session = 's';
  const nonsense = [
    undefined,
    null,
    'enter-pin',
    [],
    {},
    { id: -1, request: { command: 'dismiss' } },
    { id: 7 },
    { id: 8, request: { command: 'release', slot: 1 } },
    { id: 9, request: { command: 'enter-pin', session, pin: '12' } },
    { id: 10, request: { command: 'enter-pin', session, pin: 123_456 } },
    { id: 11, request: { command: 'enter-pin', session: 'x'.repeat(65), pin: '123456' } },
    { id: 12, request: { command: 'tap', uid: MARIA.uid } },
    { id: 13, request: { command: 'dismiss', also: 'this' } },
    JSON.parse('{"id":14,"request":{"command":"dismiss","__proto__":{"id":1}}}') as unknown,
  ];
  for (const message of nonsense) cart.kiosk().askRaw(message);
  await cart.settle();
  expect(cart.kiosk().replies).toEqual(nonsense.map((_, n) => ({ id: [0, 0, 0, 0, 0, 0, 7, 8, 9, 10, 11, 12, 13, 14][n], ok: false, reason: 'malformed' })));
  expect(await cart.kiosk().ask({ command: 'enter-pin', session, pin: '123456' })).toMatchObject({ ok: false, reason: 'no-session' });
  expect(await cart.types(from)).toEqual([]);
});

test('the device host talks nonsense: told once to the log each, never believed', async () => {
  const cart = await startCart({ tablets: 1 });
  const from = cart.store().size();
  const nonsense = [
    undefined,
    null,
    7,
    { event: 'tap' },
    { event: 'tap', monoMs: 1, tap: 't', reader: 'r', assurance: 'sworn', uid: MARIA.uid },
    { event: 'tap', monoMs: 1, tap: 't', reader: 'r', assurance: 'crypto', uid: 'maria' },
    { event: 'slot', monoMs: 1, slot: 0, present: false },
    { event: 'slot', monoMs: 1, slot: 1, present: true, serial: 'with space' },
    { event: 'slot', monoMs: 1, slot: 1, present: false, extra: true },
    { event: 'slots', monoMs: 1.5, slots: [] },
    { event: 'release', monoMs: 1, slot: 1 },
  ];
  for (const message of nonsense) cart.host.tellRaw(message);
  await cart.settle();
  expect(cart.log.filter((line) => line.includes('not in the contract'))).toHaveLength(nonsense.length);
  expect(await cart.types(from)).toEqual([]);
  expect(cart.look(1)).toBe('ready');
});

test('the host tells of a slot that the cart does not have: recorded where it says, shown nowhere, and no other slot suffers', async () => {
  const cart = await startCart({ tablets: 1 });
  await cart.dock(42, 'T2');
  expect(cart.device('T2').custody).toMatchObject({ kind: 'cart', slot: 42 });
  expect(cart.kiosk().now().slots.some(({ slot }) => slot === 42)).toBe(false);
  await cart.tap(MARIA);
  expect(cart.message()).toMatchObject({ kind: 'take', slot: 1 });
});
