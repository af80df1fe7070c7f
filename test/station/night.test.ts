import { expect, test } from 'vitest';
import { startCart, type OneCart } from '../support/one-cart.ts';
import { NIGHT } from '../support/night-rules.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** In steps, as time passes for a cart: at every one the tablets that are being wiped may finish. */
async function through(cart: OneCart, ms: number, each: () => Promise<void> = () => Promise.resolve()): Promise<void> {
  for (let spent = 0; spent < ms; spent += MINUTE_MS) {
    await cart.pass(MINUTE_MS);
    await each();
  }
}
const asked = async (cart: OneCart) => (await cart.ofType('sanitization-requested')).map(({ device }) => device);

test('evening comes: the night is opened once, with what the morning needs, and ended at the shift with what is ready', async () => {
  const cart = await startCart({ tablets: 3, rules: { overnight: NIGHT } });
  await cart.pass(9 * HOUR_MS - MINUTE_MS);
  expect(await cart.ofType('night-began')).toEqual([]);
  await through(cart, 3 * MINUTE_MS);
  const shiftMs = Date.UTC(2027, 0, 5, 7);
  expect(await cart.ofType('night-began')).toMatchObject([{ body: { shiftMs, needs: [{ ward: '7e', count: 2, dueMs: shiftMs }], owed: 0 } }]);
  expect(cart.kiosk().now().night).toMatchObject({ shiftMs, wards: [{ needed: 2, ready: 3 }] });
  expect(cart.kiosk().now().morning).toBeUndefined();
  await cart.pass(10 * HOUR_MS);
  expect(await cart.ofType('night-ended')).toMatchObject([{ body: { shiftMs, needs: [{ ward: '7e', count: 2, ready: 3 }] } }]);
  expect(cart.kiosk().now().night).toBeUndefined();
  expect(cart.kiosk().now().morning).toMatchObject({ shiftMs, needs: [{ needed: 2, ready: 3, shortBy: 0 }], exceptions: [] });
  await cart.restart({ downMs: 1_000 });
  await cart.pass(MINUTE_MS);
  expect(await cart.ofType('night-ended')).toHaveLength(1);
  expect(cart.kiosk().now().morning).toMatchObject({ shiftMs });
});

test('four tablets come back in the evening, two may be wiped at once: the needed ones first, the rest after them, all before the shift', async () => {
  const cart = await startCart({ tablets: 0, rules: { overnight: NIGHT } });
  await cart.pass(9 * HOUR_MS);
  await cart.pass(1_000);
  for (const slot of [1, 2, 3, 4]) await cart.dock(slot, `T${slot}`);
  await cart.pass(1_000);
  expect(await asked(cart)).toHaveLength(2);
  await through(cart, 20 * MINUTE_MS, async () => {
    for (const serial of ['T1', 'T2', 'T3', 'T4']) if (cart.device(serial).request && !cart.device(serial).evidence.enrolment && cart.clock.wallMs() - (cart.device(serial).request?.atMs ?? 0) >= 8 * MINUTE_MS) await cart.prove(serial);
  });
  expect(await asked(cart)).toHaveLength(4);
  expect(cart.kiosk().now().counts.ready).toBeGreaterThanOrEqual(3);
});

test('a tablet comes back too late to be wiped before the shift: nothing is begun that would not be finished, and it is begun once the shift is on', async () => {
  const cart = await startCart({ tablets: 2, rules: { overnight: NIGHT } });
  await cart.pass(18 * HOUR_MS);
  await cart.pass(50 * MINUTE_MS);
  const from = cart.store().size();
  await cart.dock(5, 'T5');
  await through(cart, 5 * MINUTE_MS);
  expect(await cart.ofType('sanitization-requested', from)).toEqual([]);
  await through(cart, 6 * MINUTE_MS);
  expect(await cart.ofType('sanitization-requested', from)).toMatchObject([{ device: 'T5' }]);
});

test('the morning will be short: told once, and only after a quarter of an hour in which nothing has mended it', async () => {
  const cart = await startCart({ tablets: 1, rules: { overnight: NIGHT } });
  await cart.pass(9 * HOUR_MS);
  await through(cart, 14 * MINUTE_MS);
  expect(await cart.ofType('need-threatened')).toEqual([]);
  await through(cart, 3 * MINUTE_MS);
  expect(await cart.ofType('need-threatened')).toMatchObject([{ body: { ward: '7e', shortBy: 1, because: 'absent' } }]);
  expect(cart.kiosk().now().night).toMatchObject({ wards: [{ needed: 2, ready: 1, byShift: 1, shortBy: 1, because: 'absent' }] });
  await through(cart, HOUR_MS);
  await cart.restart({ downMs: 2_000 });
  await through(cart, HOUR_MS);
  expect(await cart.ofType('need-threatened')).toHaveLength(1);
});

test('a network that is gone for ten minutes is nobody’s business; one that stays away threatens the morning', async () => {
  const cart = await startCart({ tablets: 0, rules: { overnight: NIGHT } });
  await cart.pass(9 * HOUR_MS);
  for (const slot of [1, 2]) await cart.dock(slot, `T${slot}`);
  await cart.network({ kind: 'offline' });
  await through(cart, 10 * MINUTE_MS);
  await cart.network({ kind: 'online' });
  await through(cart, 2 * MINUTE_MS);
  expect(await cart.ofType('need-threatened')).toEqual([]);
});

test('a quarantined tablet leads the morning sheet with its reason and what to do, before one that only charges', async () => {
  const cart = await startCart({ tablets: 3, rules: { overnight: NIGHT } });
  await cart.dock(4, 'T4');
  await cart.pass(50 * MINUTE_MS);
  expect(cart.device('T4').quarantine).toMatchObject({ reason: 'sanitization-overdue' });
  await cart.dock(9, undefined);
  await cart.pass(9 * HOUR_MS);
  await cart.pass(11 * HOUR_MS);
  expect(cart.kiosk().now().morning?.exceptions).toEqual([
    { slot: 9, reason: 'unreadable', next: 'swap-cable', minutes: 3 },
    { slot: 4, serial: 'T4', asset: 'A-T4', ward: '7 East', reason: 'sanitization-overdue', suspect: 'unclear', next: 'restart-tablet', minutes: 5 },
  ]);
});
