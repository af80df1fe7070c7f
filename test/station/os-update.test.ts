import { expect, test } from 'vitest';
import type { StatementClaims } from '../../app/contract/statement.ts';
import { RULES } from '../support/ward-rules.ts';
import { startCart, type OneCart } from '../support/one-cart.ts';
import { NIGHT } from '../support/night-rules.ts';
import { HERE, MARIA } from '../support/ward-policy.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Three minutes and a bit of download, ten of installation; given up after twice that. */
const OVERNIGHT = { ...NIGHT, needs: [{ ward: '7e', count: 1, due: '07:00' }], update: { megabytes: 1_000, installMs: 10 * MINUTE_MS } };
const LATE_MS = 2 * (200_000 + 10 * MINUTE_MS);
const EVENING_MS = 9 * HOUR_MS;

type Facts = StatementClaims['facts'];

let cursor = 1_000;
async function state(cart: OneCart, serial: string, of: { readonly request: string; readonly nonce: string } | undefined, ...all: readonly Facts[]): Promise<void> {
  if (!of) throw new Error(`nothing was asked for ${serial}`);
  const { request, nonce } = of;
  const statements = all.map((facts) => ({ digest: 'd3'.repeat(32), claims: { ...HERE, serial, request, nonce, issuedAtMs: cart.clock.trueMs(), facts } }));
  await cart.network({ kind: 'statements', statements, cursor: (cursor += statements.length) });
}
const posture = (cart: OneCart, serial: string, update: 'none' | 'waiting' | 'held', osAtFloor = true): Facts => ({
  kind: 'posture', enrolment: cart.device(serial).evidence.enrolment?.enrolment ?? '', osAtFloor, compliant: true, rooted: false, adbEnabled: false, update,
});
/** The server has seen an update waiting for the tablet; as long ago as what it was proven by. */
const waits = (cart: OneCart, serial: string, update: 'waiting' | 'held' = 'waiting', osAtFloor = true): Promise<void> => state(cart, serial, cart.device(serial).request, posture(cart, serial, update, osAtFloor));
/** As the server tells the end of an update: what it may have changed, and then that it is over. */
async function updated(cart: OneCart, serial: string): Promise<void> {
  await state(cart, serial, cart.device(serial).update, { kind: 'updated', before: '16 (2026-06-01)', after: '16 (2026-10-01)' });
  await restated(cart, serial);
}
const restated = (cart: OneCart, serial: string): Promise<void> =>
  state(cart, serial, cart.device(serial).request, { kind: 'profile-present', enrolment: cart.device(serial).evidence.enrolment?.enrolment ?? '', profile: cart.device(serial).profile }, posture(cart, serial, 'none'));

/** T1 stands updating in slot 1, T2 ready in slot 2, in the first minutes of the night. */
async function updating(): Promise<OneCart> {
  const cart = await startCart({ tablets: 2, rules: { overnight: OVERNIGHT } });
  await cart.pass(MINUTE_MS);
  await waits(cart, 'T1');
  await cart.pass(EVENING_MS);
  await cart.pass(1_000);
  expect(await cart.ofType('update-requested')).toMatchObject([{ device: 'T1', slot: 1 }]);
  return cart;
}
const slotView = (cart: OneCart, slot: number) => cart.kiosk().now().slots.find((view) => view.slot === slot);

test('an update waits for a tablet: by day nothing happens, at night it is asked for once, the tablet is not offered meanwhile, and is again once the server has told its end', async () => {
  const cart = await startCart({ tablets: 2, rules: { overnight: OVERNIGHT } });
  await cart.pass(MINUTE_MS);
  await waits(cart, 'T1');
  await cart.pass(EVENING_MS - 3 * MINUTE_MS);
  expect(await cart.ofType('update-requested')).toEqual([]);
  await cart.pass(3 * MINUTE_MS);
  await cart.pass(1_000);
  expect(await cart.ofType('update-requested')).toMatchObject([{ device: 'T1', slot: 1 }]);
  expect(slotView(cart, 1)).toMatchObject({ look: 'preparing', leaf: 'standing', reason: 'updating' });
  expect(cart.kiosk().now().night).toMatchObject({ updates: { running: 1, left: 0 } });
  await cart.tap(MARIA);
  expect(cart.message()).toMatchObject({ kind: 'take', slot: 2 });
  await cart.pass(10 * MINUTE_MS);
  await updated(cart, 'T1');
  expect(await cart.ofType('updated')).toMatchObject([{ device: 'T1', body: { before: '16 (2026-06-01)', after: '16 (2026-10-01)' } }]);
  expect(cart.look(1)).toBe('ready');
  expect(cart.kiosk().now().night?.updates).toBeUndefined();
  await cart.pass(5 * HOUR_MS);
  expect(await cart.ofType('update-requested')).toHaveLength(1);
});

test('the tablet restarts for its update: no exposure, no second wipe, and its proof stands', async () => {
  const cart = await updating();
  await cart.pass(5 * MINUTE_MS);
  await cart.pull(1);
  expect(await cart.ofType('absent')).toMatchObject([{ device: 'T1', body: { request: cart.device('T1').update?.request } }]);
  expect(slotView(cart, 1)).toMatchObject({ look: 'preparing', reason: 'updating' });
  await cart.pass(4 * MINUTE_MS);
  await cart.dock(1, 'T1');
  await updated(cart, 'T1');
  expect(await cart.ofType('reappeared')).toHaveLength(1);
  expect(await cart.ofType('exposed')).toEqual([]);
  expect(cart.look(1)).toBe('ready');
});

test('the server hears of the new version before the cart sees the tablet again', async () => {
  const cart = await updating();
  await cart.pull(1);
  await cart.pass(4 * MINUTE_MS);
  await updated(cart, 'T1');
  await cart.dock(1, 'T1');
  expect(await cart.ofType('exposed')).toEqual([]);
  expect(cart.look(1)).toBe('ready');
});

test('somebody carries it off during its update: the absence is too long, the update is over as interrupted, and only then it is wiped', async () => {
  const cart = await updating();
  const from = cart.store().size();
  await cart.pull(1);
  await cart.pass(RULES.rebootMaxMs + MINUTE_MS);
  await cart.pass(1_000);
  expect(await cart.types(from)).toEqual(expect.arrayContaining(['absent', 'unidentified-removal', 'update-failed']));
  expect(await cart.ofType('update-failed')).toMatchObject([{ device: 'T1', body: { reason: 'interrupted' } }]);
  await cart.dock(1, 'T1');
  await cart.pass(1_000);
  expect(await cart.ofType('sanitization-requested', from)).toMatchObject([{ device: 'T1' }]);
});

test('it comes back into another slot: exposed, so that the update is over before the wipe is asked for', async () => {
  const cart = await updating();
  const from = cart.store().size();
  await cart.pull(1);
  await cart.pass(MINUTE_MS);
  await cart.dock(5, 'T1');
  await cart.pass(1_000);
  const types = (await cart.types(from)).filter((type) => ['exposed', 'update-failed', 'sanitization-requested'].includes(type));
  expect(types).toEqual(['exposed', 'update-failed', 'sanitization-requested']);
});

test('nobody watched the cart during the update: exposed as ever, and never an update and a wipe at once', async () => {
  const cart = await updating();
  const from = cart.store().size();
  await cart.hostDies();
  await cart.pass(RULES.gapMaxMs + MINUTE_MS);
  await cart.hostStarts();
  await cart.pass(1_000);
  const types = (await cart.types(from)).filter((type) => ['exposed', 'update-failed', 'sanitization-requested'].includes(type));
  expect(types.indexOf('update-failed')).toBeGreaterThan(types.indexOf('exposed'));
  expect(types.indexOf('sanitization-requested')).toBeGreaterThan(-1);
  expect((await cart.entries()).slice(from).findIndex(({ type, device }) => type === 'sanitization-requested' && device === 'T1')).toBeGreaterThan((await cart.entries()).slice(from).findIndex(({ type }) => type === 'update-failed'));
});

test('somebody takes it while nobody watches the cart, and has just not put it back when the cart sees again: that it is away is no restart', async () => {
  const cart = await updating();
  const from = cart.store().size();
  await cart.hostDies();
  await cart.pull(1);
  await cart.pass(20 * MINUTE_MS);
  await cart.hostStarts();
  await cart.pass(MINUTE_MS);
  await cart.dock(1, 'T1');
  await cart.pass(1_000);
  expect(await cart.ofType('absent', from)).toEqual([]);
  expect(await cart.ofType('unidentified-removal', from)).toMatchObject([{ device: 'T1', slot: 1 }]);
  expect(await cart.ofType('update-failed', from)).toMatchObject([{ device: 'T1', body: { reason: 'interrupted' } }]);
  expect((await cart.ofType('sanitization-requested', from)).map(({ device }) => device)).toContain('T1');
});

test('somebody takes it while the disk is full, and has not put it back when there is room again: that it is away is no restart', async () => {
  const cart = await updating();
  const from = cart.store().size();
  cart.disk.full = true;
  await cart.pull(1);
  await cart.pass(20 * MINUTE_MS);
  cart.disk.full = false;
  await cart.pass(1_000);
  await cart.dock(1, 'T1');
  await cart.pass(1_000);
  expect(await cart.ofType('absent', from)).toEqual([]);
  expect(await cart.ofType('unidentified-removal', from)).toMatchObject([{ device: 'T1', slot: 1 }]);
  expect((await cart.ofType('sanitization-requested', from)).map(({ device }) => device)).toContain('T1');
});

test('an update that never ends is given up in the ledger, is not tried again that night, and waits on the morning sheet for somebody', async () => {
  const cart = await updating();
  await cart.pass(LATE_MS - MINUTE_MS);
  expect(await cart.ofType('update-failed')).toEqual([]);
  await cart.pass(2 * MINUTE_MS);
  expect(await cart.ofType('update-failed')).toMatchObject([{ device: 'T1', body: { reason: 'timed-out' } }]);
  expect(cart.look(1)).not.toBe('ready');
  await restated(cart, 'T1');
  expect(cart.look(1)).toBe('ready');
  await waits(cart, 'T1');
  await cart.pass(HOUR_MS);
  await cart.pass(11 * HOUR_MS);
  expect(await cart.ofType('update-requested')).toHaveLength(1);
  expect(cart.kiosk().now().morning).toMatchObject({ exceptions: [{ slot: 1, serial: 'T1', reason: 'update-failed', next: 'look-at-update' }], done: { notUpdated: 1 } });
  expect(await cart.ofType('night-ended')).toMatchObject([{ body: { exceptions: [{ serial: 'T1', reason: 'update-failed' }] } }]);
});

test('it was away during an update that came to nothing: the absence is like any other, and the tablet is wiped', async () => {
  const cart = await updating();
  const from = cart.store().size();
  await cart.pull(1);
  await cart.pass(2 * MINUTE_MS);
  await cart.dock(1, 'T1');
  expect(await cart.ofType('exposed', from)).toEqual([]);
  await state(cart, 'T1', cart.device('T1').update, { kind: 'update-failed', failure: 'expired' });
  await cart.pass(1_000);
  expect(await cart.ofType('exposed', from)).toMatchObject([{ device: 'T1', body: { cause: 'absence' } }]);
  await cart.pass(HOUR_MS);
  expect(await cart.ofType('sanitization-requested', from)).toMatchObject([{ device: 'T1' }]);
  expect(await cart.ofType('exposed', from)).toHaveLength(1);
});

test('too little is left of the night: no update is begun that would not be over by the shift', async () => {
  const cart = await startCart({ tablets: 1, rules: { overnight: OVERNIGHT } });
  await cart.pass(18 * HOUR_MS + 50 * MINUTE_MS);
  await waits(cart, 'T1');
  for (let minute = 0; minute < 15; minute += 1) await cart.pass(MINUTE_MS);
  expect(await cart.ofType('update-requested')).toEqual([]);
});

test('the tablet is short of the ward’s floor only by its system: its update is what makes it ready', async () => {
  const cart = await startCart({ tablets: 1, rules: { overnight: OVERNIGHT } });
  await cart.pass(MINUTE_MS);
  await waits(cart, 'T1', 'waiting', false);
  await cart.pass(EVENING_MS);
  await cart.pass(1_000);
  expect(cart.kiosk().now().night?.slots).toMatchObject([{ slot: 1, readyMs: expect.any(Number) as number }]);
  expect(await cart.ofType('update-requested')).toHaveLength(1);
  await updated(cart, 'T1');
  expect(cart.look(1)).toBe('ready');
});

test('its MDM cannot be asked for updates: it is left out of the plan, the night says why, and the tablet stays ready', async () => {
  const cart = await startCart({ tablets: 1, rules: { overnight: OVERNIGHT } });
  await cart.pass(MINUTE_MS);
  await waits(cart, 'T1', 'held');
  await cart.pass(EVENING_MS);
  await cart.pass(HOUR_MS);
  expect(await cart.ofType('update-requested')).toEqual([]);
  expect(cart.kiosk().now().night).toMatchObject({ updates: { running: 0, left: 1, because: 'not-orderable' } });
  expect(cart.look(1)).toBe('ready');
});

test('policy knows of no updates: none is asked for', async () => {
  const cart = await startCart({ tablets: 1, rules: { overnight: NIGHT } });
  await cart.pass(MINUTE_MS);
  await waits(cart, 'T1');
  await cart.pass(EVENING_MS);
  await cart.pass(HOUR_MS);
  expect(await cart.ofType('update-requested')).toEqual([]);
  expect(cart.kiosk().now().night?.updates).toBeUndefined();
});

test('somebody is being offered the tablet as the night begins: its update waits until nobody is', async () => {
  const cart = await startCart({ tablets: 1, rules: { overnight: OVERNIGHT } });
  await cart.pass(MINUTE_MS);
  await waits(cart, 'T1');
  await cart.pass(EVENING_MS - MINUTE_MS - 10_000);
  await cart.tap(MARIA);
  await cart.pass(20_000);
  expect(await cart.ofType('night-began')).toHaveLength(1);
  expect(cart.message()).toMatchObject({ kind: 'take', slot: 1 });
  expect(await cart.ofType('update-requested')).toEqual([]);
  await cart.pass(MINUTE_MS);
  await cart.pass(1_000);
  expect(await cart.ofType('update-requested')).toHaveLength(1);
});

test('six tablets have updates and two may be updated at once: never more', async () => {
  const cart = await startCart({ tablets: 6, rules: { overnight: OVERNIGHT } });
  await cart.pass(MINUTE_MS);
  for (let n = 1; n <= 6; n += 1) await waits(cart, `T${n}`);
  await cart.pass(EVENING_MS);
  let most = 0;
  const open = () => [1, 2, 3, 4, 5, 6].map((n) => `T${n}`).filter((serial) => cart.device(serial).update && cart.device(serial).update?.outcome === undefined);
  for (let minute = 0; minute < 90; minute += 1) {
    await cart.pass(MINUTE_MS);
    most = Math.max(most, open().length);
    for (const serial of open()) if (cart.clock.wallMs() - (cart.device(serial).update?.atMs ?? 0) >= 12 * MINUTE_MS) await updated(cart, serial);
  }
  expect(most).toBe(2);
  expect(await cart.ofType('updated')).toHaveLength(6);
  expect(cart.kiosk().now().counts.ready).toBe(6);
});

test('the cart loses power in the middle of an update: it goes on waiting for it and asks for no second one', async () => {
  const cart = await updating();
  await cart.restart({ downMs: 2_000 });
  await cart.network({ kind: 'online' });
  await cart.pass(MINUTE_MS);
  expect(await cart.ofType('update-requested')).toHaveLength(1);
  expect(slotView(cart, 1)).toMatchObject({ reason: 'updating' });
  await updated(cart, 'T1');
  expect(cart.look(1)).toBe('ready');
});

test('statements about an update that was not asked for, under another nonce, or told twice are refused; what it may change is not taken before its end', async () => {
  const cart = await updating();
  const update = cart.device('T1').update;
  const over: Facts = { kind: 'updated', before: 'a', after: 'b' };
  await state(cart, 'T1', update && { ...update, nonce: 'ee'.repeat(16) }, over);
  await state(cart, 'T1', { request: 'another', nonce: update?.nonce ?? '' }, over);
  await restated(cart, 'T1');
  expect((await cart.ofType('statement-refused')).map(({ body }) => body.reason)).toEqual(['nonce', 'request', 'duplicate', 'duplicate']);
  expect(cart.device('T1').update?.outcome).toBeUndefined();
  await state(cart, 'T1', update, over, over);
  expect(await cart.ofType('updated')).toHaveLength(1);
  expect(cart.look(1)).not.toBe('ready');
});
