import { expect, test } from 'vitest';
import { BOUNCE_MS, isSameTap } from '../../app/domain/tap-bounce.ts';
import { startCart, type OneCart } from '../support/one-cart.ts';
import { MARIA, STRANGER_UID } from '../support/ward-policy.ts';

let taps = 0;
async function tapAt(cart: OneCart, monoMs: number, reader = 'front reader', uid: string = STRANGER_UID): Promise<void> {
  cart.host.tellRaw({ event: 'tap', monoMs, tap: `t${(taps += 1)}`, reader, assurance: 'uid', uid });
  await cart.settle();
}
const leavesAt = (cart: OneCart, monoMs: number, reader = 'front reader'): void => cart.host.tellRaw({ event: 'card-removed', monoMs, reader });
/** Refused taps: one is an entry, later ones of its kind are counted, and written when their time is over. */
async function counted(cart: OneCart): Promise<number> {
  await cart.pass(11_000);
  return (await cart.ofType('tap-refused')).reduce((sum, { body }) => sum + body.count, 0);
}

test('a badge that shakes in the field, and one that two readers see at once, are tapped once', async () => {
  const cart = await startCart();
  await tapAt(cart, 10_000);
  for (const at of [10_050, 10_120, 10_300]) {
    leavesAt(cart, at);
    await tapAt(cart, at + BOUNCE_MS - 1);
  }
  await tapAt(cart, 10_700, 'back reader');
  expect(await counted(cart)).toBe(1);
});

test('a badge that lies on the reader for a minute is tapped once; lifted and put back it is tapped again', async () => {
  const cart = await startCart();
  for (let at = 10_000; at < 70_000; at += 5_000) await tapAt(cart, at);
  leavesAt(cart, 70_000);
  await tapAt(cart, 70_000 + BOUNCE_MS);
  expect(await counted(cart)).toBe(2);
});

test('a reader that is yanked with a badge on it, and a host that starts anew, forget that it lay there', async () => {
  const cart = await startCart();
  await tapAt(cart, 10_000);
  cart.host.tellRaw({ event: 'reader', monoMs: 11_000, reader: 'front reader', state: 'gone' });
  await tapAt(cart, 12_000);
  await cart.hostDies();
  await cart.hostStarts();
  await tapAt(cart, 500);
  expect(await counted(cart)).toBe(3);
});

test('somebody else taps in between: nobody is mistaken for the other', async () => {
  const cart = await startCart({ tablets: 1 });
  await tapAt(cart, 10_000);
  leavesAt(cart, 10_050);
  await tapAt(cart, 10_100, 'front reader', MARIA.uid);
  expect(cart.message()).toMatchObject({ kind: 'pin', name: 'Maria K.' });
});

test('the rule itself: from 300 ms on it is another tap', () => {
  const before = { badge: 'A', reader: 'r', tappedMs: 0, leftMs: 100 };
  expect([399, 400].map((tappedMs) => isSameTap(before, { badge: 'A', reader: 'r', tappedMs }))).toEqual([true, false]);
  expect(isSameTap(undefined, { badge: 'A', reader: 'r', tappedMs: 0 })).toBe(false);
});
