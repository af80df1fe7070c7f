import { expect, test } from 'vitest';
import { startCart, type OneCart } from '../support/one-cart.ts';
import { AYLIN, JONAS, MARIA, PEOPLE, PIN, STRANGER_UID } from '../support/ward-policy.ts';

const WRONG = '000000';
const MINUTE_MS = 60_000;

async function lockOut(cart: OneCart): Promise<void> {
  await cart.tap(MARIA, 'uid');
  for (let tries = 5; tries > 0; tries -= 1) {
    expect(cart.message()).toMatchObject({ kind: 'pin', triesLeft: tries, wrong: tries < 5 });
    await cart.pin(WRONG);
  }
}

test('a badge nobody knows: one refusal, no name, and the second tap is counted instead of written again', async () => {
  const cart = await startCart();
  const from = cart.store().size();
  await cart.tap({ uid: STRANGER_UID });
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'badge-unknown' });
  expect(cart.message()).not.toHaveProperty('name');
  await cart.tap({ uid: STRANGER_UID });
  expect((await cart.ofType('tap-refused', from)).map(({ body }) => body.count)).toEqual([1]);
  await cart.pass(11_000);
  expect((await cart.ofType('tap-refused', from)).map(({ body }) => body.count)).toEqual([1, 1]);
  const written = (await cart.store().entries(0, cart.store().size())).map(({ bytes }) => bytes.toString()).join();
  expect(written).not.toContain(STRANGER_UID);
});

test('a badge with a random number, and one that leaves too soon: each says which', async () => {
  const cart = await startCart({ tablets: 1 });
  cart.host.tell({ event: 'tap-unreadable', reader: 'front reader', cause: 'random-uid' });
  await cart.settle();
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'badge-random' });
  cart.host.tell({ event: 'tap-unreadable', reader: 'front reader', cause: 'removed' });
  await cart.settle();
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'badge-unreadable' });
});

test('five wrong PINs lock the person out, a restart does not help, and the right PIN works when the time is over', async () => {
  const cart = await startCart({ tablets: 1 });
  await lockOut(cart);
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'pin-locked', minutes: 15 });
  expect((await cart.ofType('pin-attempted')).length).toBe(5);
  expect((await cart.ofType('pin-refused')).map(({ body }) => body.locked)).toEqual([false, false, false, false, true]);

  await cart.tap(MARIA, 'uid');
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'pin-locked', minutes: 15 });
  await cart.pass(1_000);
  await cart.restart({ downMs: 2_000 });
  await cart.tap(MARIA, 'uid');
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'pin-locked' });
  await cart.tap(MARIA, 'crypto');
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'pin-locked' });

  await cart.pass(15 * MINUTE_MS);
  await cart.tap(MARIA, 'uid');
  expect(cart.message()).toMatchObject({ kind: 'pin', triesLeft: 5 });
  await cart.pin(PIN);
  expect(cart.message()).toMatchObject({ kind: 'take', name: 'Maria K.', slot: 1 });
  expect((await cart.ofType('offered')).length).toBe(1);
});

test('the power is cut between the fifth attempt and its verdict: the attempt is spent and there is no sixth', async () => {
  const cart = await startCart({ tablets: 1 });
  for (let attempt = 1; attempt <= 5; attempt += 1) await cart.store().append([{ type: 'pin-attempted', actor: MARIA.actor, body: { attempt } }]);
  await cart.restart({ downMs: 1_000 });
  await cart.tap(MARIA, 'uid');
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'pin-locked', minutes: 15 });
  expect((await cart.ofType('pin-attempted')).length).toBe(5);
  await cart.pass(15 * MINUTE_MS);
  await cart.tap(MARIA, 'uid');
  expect(cart.message()).toMatchObject({ kind: 'pin', triesLeft: 5 });
});

test('cancelling while a PIN is being checked buys no second pad', async () => {
  const cart = await startCart({ tablets: 1 });
  await cart.tap(MARIA, 'uid');
  const pad = cart.message();
  if (pad.kind !== 'pin') throw new Error('no pad');
  const [entered, cancelled, again] = await Promise.all([
    cart.kiosk().ask({ command: 'enter-pin', session: pad.session, pin: WRONG }),
    cart.kiosk().ask({ command: 'cancel', session: pad.session }),
    cart.kiosk().ask({ command: 'enter-pin', session: pad.session, pin: WRONG }),
  ]);
  expect([entered, cancelled, again]).toMatchObject([{ ok: true }, { ok: false, reason: 'busy' }, { ok: false, reason: 'busy' }]);
  await cart.kiosk().until(({ message }) => message.kind === 'pin' && message.wrong);
  expect((await cart.ofType('pin-attempted')).length).toBe(1);
});

test('two more people tap while one types: each gets the pad in turn, and nobody waits for a message to go away', async () => {
  const cart = await startCart();
  await cart.tap(MARIA, 'uid');
  await cart.tap(JONAS, 'uid');
  await cart.tap(AYLIN, 'crypto');
  expect(cart.message()).toMatchObject({ kind: 'pin', name: 'Maria K.' });
  expect(cart.kiosk().now().others).toEqual([{ name: 'Aylin D.', slot: 1 }, { name: 'Jonas L.' }]);
  await cart.pin();
  expect(cart.message()).toMatchObject({ kind: 'pin', name: 'Jonas L.' });
  await cart.pin();
  expect((await cart.ofType('offered')).map(({ actor, slot }) => [actor, slot])).toEqual([[AYLIN.actor, 1], [MARIA.actor, 2], [JONAS.actor, 3]]);
});

test('somebody walks away from the pad: after 20 s it is the next person’s', async () => {
  const cart = await startCart({ tablets: 1 });
  await cart.tap(MARIA, 'uid');
  await cart.tap(JONAS, 'uid');
  await cart.pass(19_000);
  expect(cart.message()).toMatchObject({ kind: 'pin', name: 'Maria K.' });
  await cart.pass(1_000);
  expect(cart.message()).toMatchObject({ kind: 'idle' });
  expect((await cart.ofType('pin-attempted')).length).toBe(0);
});

test('a person is struck off while she types her PIN: the right PIN no longer helps', async () => {
  const cart = await startCart({ tablets: 1 });
  await cart.tap(MARIA, 'uid');
  await cart.publish({ staff: PEOPLE.map(({ uid: _uid, ...member }) => (member.actor === MARIA.actor ? { ...member, revoked: true } : member)) });
  await cart.pin();
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'staff-revoked' });
  expect(await cart.ofType('offered')).toEqual([]);
});

test('within the grace period the badge alone is enough; one wrong PIN ends it', async () => {
  const cart = await startCart({ tablets: 2, rules: { devicesPerPerson: 2 } });
  await cart.tap(MARIA, 'uid');
  await cart.pin();
  await cart.pull(1);
  await cart.pass(11 * 3_600_000);
  await cart.tap(MARIA, 'uid');
  expect(cart.message()).toMatchObject({ kind: 'take', slot: 2 });
  await cart.pass(31_000);
  await cart.pass(3_600_000);
  await cart.tap(MARIA, 'uid');
  expect(cart.message()).toMatchObject({ kind: 'pin' });
});
