import { expect, test } from 'vitest';
import { largestNeeds, needsOfCart, wardNeed, type CartShare } from '../../../app/domain/night-needs.ts';

const A = { ward: '7e', cart: 'Cart A' };
const needs = [
  { ward: '7e', cart: 'Cart A', count: 5 },
  { ward: '7e', cart: 'Cart B', count: 3 },
  { ward: '7w', cart: 'Cart A', count: 7 },
  { ward: '7w', count: 2 },
];
const share = (cart: string, has: number, own: number, shared = 0): CartShare => ({ cart, has, own, shared });

test('two carts of one ward no longer both prepare the whole need: each takes what names it', () => {
  expect(needsOfCart(needs, A)).toEqual([needs[0], needs[3]]);
  expect(needsOfCart(needs, { ward: '7e', cart: 'Cart B' })).toEqual([needs[1], needs[3]]);
});

test('two wards have a cart of the same name: neither takes the other’s need', () => {
  expect(needsOfCart(needs, { ward: '7w', cart: 'Cart A' })).toEqual([needs[2], needs[3]]);
});

test('a need from before needs named carts is taken by every cart, wherever it stands', () => {
  const old = [{ ward: '7e', count: 8 }];
  for (const place of [A, { ward: '7w', cart: 'Cart C' }]) expect(needsOfCart(old, place)).toEqual(old);
});

test('3 at six and 8 at seven are 8 in all, those of the cart and those of the ward apart', () => {
  expect(largestNeeds([{ ward: '7e', cart: 'Cart A', count: 3 }, { ward: '7e', cart: 'Cart A', count: 5 }, { ward: '7e', count: 8 }, { ward: '7w', count: 9 }], '7e')).toEqual({ own: 5, shared: 8 });
});

test('more in one cart do not make up for what the other was asked for by name', () => {
  expect(wardNeed([share('Cart A', 9, 5), share('Cart B', 1, 3)])).toEqual({ needed: 8, shortBy: 2 });
});

test('a need of the ward told by two carts is counted once and met by both together', () => {
  expect(wardNeed([share('Cart A', 5, 0, 8), share('Cart B', 3, 0, 8)])).toEqual({ needed: 8, shortBy: 0 });
  expect(wardNeed([share('Cart A', 5, 0, 8), share('Cart B', 1, 0, 8)])).toEqual({ needed: 8, shortBy: 2 });
});

test('two stations are called by the same name, for one took the other’s place: the need of that cart is counted once', () => {
  expect(wardNeed([share('Cart A', 2, 5), share('Cart A', 1, 5)])).toEqual({ needed: 5, shortBy: 2 });
});

test('needs of carts and of their ward: as many are short as would do if they were put where they lack, and not one fewer', () => {
  const numbers = (most: number): number[] => Array.from({ length: most + 1 }, (_, number) => number);
  const met = (carts: readonly CartShare[]): boolean => carts.every(({ own, has }) => has >= own) && carts.reduce((all, { has }) => all + has, 0) >= Math.max(...carts.map(({ shared }) => shared));
  const fewest = ([a, b]: readonly [CartShare, CartShare]): number | undefined => numbers(9).find((extra) => numbers(extra).some((more) => met([{ ...a, has: a.has + more }, { ...b, has: b.has + extra - more }])));
  const wrong: unknown[] = [];
  for (const shared of numbers(5)) for (const own of numbers(3)) for (const other of numbers(3)) for (const has of numbers(3)) for (const left of numbers(3)) {
    const carts = [share('Cart A', has, own, shared), share('Cart B', left, other, shared)] as const;
    if (wardNeed(carts).shortBy !== fewest(carts)) wrong.push(carts);
  }
  expect(wrong).toEqual([]);
});
