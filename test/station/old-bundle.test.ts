import { expect, test } from 'vitest';
import { startCart } from '../support/one-cart.ts';
import { JONAS, MARIA, PIN } from '../support/ward-policy.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

test('before the first bundle nobody is known: taps are refused with that reason, and what is docked waits', async () => {
  const cart = await startCart({ virgin: true });
  await cart.tap(MARIA);
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'bundle-missing' });
  expect(cart.kiosk().now().ladder).toBe('none');
  await cart.publish();
  expect(cart.device('T1').custody).toMatchObject({ kind: 'cart', slot: 1 });
});

test('25 h without the server: a known badge still takes a proven tablet, with its PIN, and the entry says stale', async () => {
  const cart = await startCart({ tablets: 2 });
  await cart.tap(MARIA, 'uid');
  await cart.pin(PIN);
  await cart.pull(1);
  await cart.network({ kind: 'offline' });
  await cart.pass(25 * HOUR_MS);
  expect(cart.kiosk().now().ladder).toBe('stale');
  await cart.dock(1, 'T1');
  expect(cart.device('T1').custody).toMatchObject({ kind: 'cart', slot: 1 });
  await cart.tap(MARIA, 'crypto');
  expect(cart.message()).toMatchObject({ kind: 'pin', name: 'Maria K.' });
  await cart.pin(PIN);
  expect(cart.message()).toMatchObject({ kind: 'take', slot: 2 });
  expect((await cart.ofType('offered')).map(({ body }) => body.stale)).toEqual([false, true]);
});

test('8 days without the server: no tablet leaves any more, but returns are taken and recorded', async () => {
  const cart = await startCart({ tablets: 2 });
  await cart.tap(MARIA);
  await cart.pull(1);
  await cart.network({ kind: 'offline' });
  await cart.pass(8 * DAY_MS);
  expect(cart.kiosk().now()).toMatchObject({ ladder: 'break-glass-only', counts: { ready: 0 } });
  await cart.tap(JONAS);
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'bundle-too-old' });
  await cart.dock(5, 'T1');
  expect(await cart.ofType('returned')).toContainEqual(expect.objectContaining({ device: 'T1', actor: MARIA.actor, slot: 5 }));
  expect(cart.message()).toMatchObject({ kind: 'returned', slot: 5, waitsForNetwork: true });
});

test('somebody turns the clock back and restarts the cart, again and again: the old bundle gets no younger', async () => {
  const cart = await startCart({ tablets: 1 });
  await cart.network({ kind: 'offline' });
  await cart.pass(8 * DAY_MS);
  await cart.pass(3_000);
  cart.clock.turnWall(-8 * DAY_MS);
  for (let restart = 0; restart < 4; restart += 1) {
    await cart.restart({ downMs: 1_000, reboot: restart % 2 === 0 });
    await cart.pass(3_500);
    expect(cart.kiosk().now()).toMatchObject({ ladder: 'break-glass-only', clockUnsure: true });
    await cart.tap(MARIA);
    expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'bundle-too-old' });
  }
  await cart.network({ kind: 'cosigned', atMs: cart.clock.trueMs() });
  await cart.publish();
  expect(cart.kiosk().now()).toMatchObject({ ladder: 'fresh', clockUnsure: false });
});

test('the machine boots with a clock that is a year ahead and is then set right: the wrong year is not remembered', async () => {
  const cart = await startCart({ tablets: 1 });
  await cart.network({ kind: 'offline' });
  await cart.pass(3_000);
  cart.clock.turnWall(365 * DAY_MS);
  await cart.restart({ reboot: true, downMs: 60_000 });
  await cart.pass(3_500);
  expect(cart.kiosk().now()).toMatchObject({ ladder: 'break-glass-only', clockUnsure: true });
  cart.clock.turnWall(-365 * DAY_MS);
  await cart.restart({ reboot: true, downMs: 60_000 });
  await cart.pass(3_500);
  expect(cart.kiosk().now()).toMatchObject({ ladder: 'fresh', clockUnsure: false });
});

test('the wall clock is turned back while the cart runs: nothing becomes allowed by it', async () => {
  const cart = await startCart({ tablets: 1 });
  await cart.network({ kind: 'offline' });
  await cart.pass(25 * HOUR_MS);
  cart.clock.turnWall(-25 * HOUR_MS);
  await cart.pass(1_000);
  expect(cart.kiosk().now()).toMatchObject({ ladder: 'stale', clockUnsure: false });
});

test('an older bundle, or one that was refused, comes in: the good one stays', async () => {
  const cart = await startCart({ tablets: 1 });
  const { bundle } = cart.store().view.get('cart', 'cart') ?? {};
  await cart.publish({ version: 1, staff: [] });
  await cart.network({ kind: 'bundle', bundle: { digest: 'cc'.repeat(32), refusal: 'signature' } });
  expect(await cart.ofType('bundle-accepted')).toHaveLength(1);
  expect(await cart.ofType('bundle-refused')).toMatchObject([{ body: { reason: 'signature', digest: 'cc'.repeat(32) } }]);
  expect(cart.store().view.get('cart', 'cart')?.bundle).toEqual(bundle);
  await cart.tap(MARIA);
  expect(cart.message()).toMatchObject({ kind: 'take', slot: 1 });
});

test('a bundle that has expired on the way revokes a badge all the same, and once; the list accepted next decides anew', async () => {
  const cart = await startCart({ tablets: 2 });
  const late = { kind: 'bundle', bundle: { digest: 'dd'.repeat(32), refusal: 'expired', revoked: { version: 5, actors: [MARIA.actor] } } } as const;
  await cart.network(late);
  await cart.network({ ...late, bundle: { ...late.bundle, digest: 'de'.repeat(32) } });
  expect(await cart.ofType('staff-revoked')).toMatchObject([{ actor: MARIA.actor, body: { bundleVersion: 5 } }]);
  await cart.tap(MARIA, 'crypto');
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'staff-revoked' });
  await cart.restart();
  await cart.network({ kind: 'cosigned', atMs: cart.clock.trueMs() });
  await cart.publish({ version: 4 });
  await cart.tap(MARIA, 'crypto');
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'staff-revoked' });
  await cart.publish({ version: 6 });
  await cart.tap(MARIA, 'crypto');
  // She is served again; the restart has exposed the tablets.
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'no-device-ready' });
});
