import { expect, test } from 'vitest';
import type { HostCommand } from '../../app/contract/device-host.ts';
import { startCart, type OneCart } from '../support/one-cart.ts';
import { MARIA } from '../support/ward-policy.ts';

const CARD_PIN = '123456';
const CARDS = { authorities: [Buffer.from('a certificate').toString('base64')], revoked: [] };

const asked = (cart: OneCart, command: HostCommand['command']): HostCommand[] => cart.host.asked.filter((each) => each.command === command);

/** A ward whose cards prove themselves and owe their PIN. */
async function cardCart(): Promise<OneCart> {
  const cart = await startCart({ tablets: 1, rules: { cardPin: true } });
  await cart.publish({ cards: CARDS });
  return cart;
}

async function type(cart: OneCart, pin: string): Promise<unknown> {
  const { message } = cart.kiosk().now();
  if (message.kind !== 'pin') throw new Error(`no PIN pad shows but ${message.kind}`);
  const reply = await cart.kiosk().ask({ command: 'enter-pin', session: message.session, pin });
  await cart.settle();
  return reply;
}

test('a card that proved itself owes its PIN: the host asks the card, and only then she is told a slot', async () => {
  const cart = await cardCart();
  await cart.tap(MARIA, 'crypto');
  expect(cart.message()).toMatchObject({ kind: 'pin', ofCard: true });
  await type(cart, CARD_PIN);
  expect(asked(cart, 'card-pin')).toEqual([{ command: 'card-pin', tap: expect.any(String), pin: CARD_PIN }]);
  expect(cart.message()).toMatchObject({ kind: 'take', name: 'Maria K.', slot: 1 });
  expect(await cart.types(cart.store().size() - 3)).toEqual(['pin-attempted', 'pin-accepted', 'offered']);
  const written = (await cart.store().entries(0, cart.store().size())).map(({ bytes }) => bytes.toString()).join();
  expect([written.includes(CARD_PIN), cart.log.join().includes(CARD_PIN)]).toEqual([false, false]);
});

test('within the grace period after it no PIN is owed, and a badge that only has a number still owes the other one', async () => {
  const cart = await cardCart();
  await cart.tap(MARIA, 'uid');
  expect(cart.message()).toMatchObject({ kind: 'pin', ofCard: false });
  await cart.pass(21_000);
  await cart.tap(MARIA, 'crypto');
  await type(cart, CARD_PIN);
  await cart.pass(31_000);
  await cart.tap(MARIA, 'crypto');
  expect(cart.message()).toMatchObject({ kind: 'take' });
});

test('wrong card PINs: each is counted with its verdict, the fifth locks her out of this cart', async () => {
  const cart = await cardCart();
  cart.host.answer = { ok: false, reason: 'card-pin-wrong' };
  await cart.tap(MARIA, 'crypto');
  for (let tries = 5; tries > 0; tries -= 1) {
    expect(cart.message()).toMatchObject({ kind: 'pin', ofCard: true, triesLeft: tries });
    await type(cart, CARD_PIN);
  }
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'pin-locked' });
  expect((await cart.ofType('pin-refused')).map(({ body }) => body.locked)).toEqual([false, false, false, false, true]);
});

test('a PIN of four digits is no card PIN: the card is not asked and keeps its tries', async () => {
  const cart = await cardCart();
  await cart.tap(MARIA, 'crypto');
  expect(await type(cart, '1234')).toMatchObject({ ok: false, reason: 'pin-wrong' });
  expect([asked(cart, 'card-pin'), await cart.ofType('pin-attempted')]).toEqual([[], []]);
  expect(cart.message()).toMatchObject({ kind: 'pin', ofCard: true });
});

for (const [what, reason, said] of [
  ['she takes the card away while she types', 'card-gone', 'card-gone'],
  ['the card is blocked', 'card-pin-blocked', 'card-pin-blocked'],
  ['the reader cannot ask the card for a PIN', 'card-has-no-pin', 'card-has-no-pin'],
  ['the reader fails', 'adapter-failing', 'badge-unreadable'],
] as const) {
  test(`${what}: refused with that reason, no try is counted, nothing is offered`, async () => {
    const cart = await cardCart();
    cart.host.answer = { ok: false, reason };
    await cart.tap(MARIA, 'crypto');
    await type(cart, CARD_PIN);
    expect(cart.message()).toMatchObject({ kind: 'refusal', reason: said });
    expect([await cart.ofType('pin-attempted'), await cart.ofType('offered')]).toEqual([[], []]);
    expect((await cart.ofType('tap-refused')).map(({ body }) => body.reason)).toEqual([said]);
  });
}

test('the device host dies, or hangs, while the card is asked: the pad goes and nobody waits', async () => {
  const dead = await cardCart();
  dead.host.answer = 'silent';
  await dead.tap(MARIA, 'crypto');
  await type(dead, CARD_PIN);
  expect(dead.message()).toMatchObject({ kind: 'pin', checking: true });
  await dead.hostDies();
  expect(dead.message()).toMatchObject({ kind: 'refusal', reason: 'badge-unreadable' });

  const hanging = await cardCart();
  hanging.host.answer = 'silent';
  await hanging.tap(MARIA, 'crypto');
  await type(hanging, CARD_PIN);
  await hanging.pass(5_001);
  expect(hanging.message()).toMatchObject({ kind: 'refusal', reason: 'badge-unreadable' });
});

test('whose cards are believed is told to each new host, once, and anew when the bundle or the time changes', async () => {
  const cart = await startCart({ tablets: 1 });
  expect(asked(cart, 'badge-trust')).toEqual([]);
  await cart.publish({ cards: CARDS });
  expect(asked(cart, 'badge-trust')).toEqual([{ command: 'badge-trust', trust: { ...CARDS, nowMs: cart.clock.trueMs() } }]);
  await cart.pass(1_000);
  expect(asked(cart, 'badge-trust')).toHaveLength(1);
  await cart.hostDies();
  await cart.hostStarts();
  expect(asked(cart, 'badge-trust')).toHaveLength(2);
  await cart.network({ kind: 'cosigned', atMs: cart.clock.trueMs() + 90_000 });
  expect(asked(cart, 'badge-trust').at(-1)).toMatchObject({ trust: { nowMs: cart.clock.trueMs() + 90_000 } });
  await cart.publish({ cards: { authorities: [], revoked: [] } });
  expect(asked(cart, 'badge-trust').at(-1)).toMatchObject({ trust: { authorities: [] } });
  expect(asked(cart, 'badge-trust')).toHaveLength(4);
});

for (const [cause, reason] of [['card-forged', 'badge-forged'], ['card-revoked', 'badge-revoked'], ['card-expired', 'badge-expired'], ['card-untrusted', 'badge-untrusted']] as const) {
  test(`a card that fails to prove itself (${cause}) is refused and recorded as that`, async () => {
    const cart = await startCart({ tablets: 1 });
    cart.host.tell({ event: 'tap-unreadable', reader: 'front reader', cause });
    await cart.settle();
    expect(cart.message()).toMatchObject({ kind: 'refusal', reason });
    expect((await cart.ofType('tap-refused')).map(({ body }) => body.reason)).toEqual([reason]);
  });
}
