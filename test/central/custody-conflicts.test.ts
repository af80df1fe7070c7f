import { describe, expect, it } from 'vitest';
import { docked, taken } from './custody-cart.ts';
import { a, b, central, conflicts, custody, DAY, device, HOUR, pass, post, SECOND, serial, twoCarts } from './two-carts.ts';

twoCarts();

describe('two tablets with one serial', () => {
  async function bothDocked(): Promise<void> {
    pass(90 * SECOND);
    a.record(docked(serial, 4));
    await a.contact();
    pass(HOUR);
    b.record(docked(serial, 2));
    await b.contact();
  }

  it('are a conflict as soon as the first cart still has its own: both sides are shown, neither wins', async () => {
    await bothDocked();
    // So far it may have left cart A, which has not said so yet.
    expect(await conflicts()).toEqual([]);
    pass(HOUR);
    await a.contact();
    const found = await conflicts();
    expect(found.map((each) => [each.device, each.count, new Set(each.sides.map(({ place }) => `${place.cart} ${place.slot}`))])).toEqual([[serial, 1, new Set(['Cart A 4', 'Cart B 2'])]]);
    expect(await device()).toMatchObject({ conflict: true, state: 'unknown', where: { kind: 'conflict', because: 'overlap' } });
    for (const side of found[0]?.sides ?? []) expect(side.opened.evidence.leaf).toBe((side.opened.evidence.origin === a.origin ? a : b).leaf(side.opened.evidence.seq));
    expect(await a.told()).toEqual([]);
  });

  it('stay a conflict until an administrator says why it is over, and then stay in the history', async () => {
    await bothDocked();
    pass(HOUR);
    await a.contact();
    const [conflict] = await conflicts();
    // More of the same is counted, not told again.
    for (const change of [taken(serial, 4, 'r1'), [docked(serial, 5, 'r1')], []]) {
      pass(HOUR);
      a.record(...change);
      await b.contact();
      await a.contact();
    }
    await b.contact();
    expect((await conflicts()).map(({ id, count }) => [id, count])).toEqual([[conflict?.id, 2]]);
    expect(await post(`/api/conflicts/${conflict?.id}/close`, { reason: '' })).toBe(400);
    expect(await post('/api/conflicts/999999/close', { reason: 'no such thing' })).toBe(404);
    expect(await post(`/api/conflicts/${conflict?.id}/close`, { reason: 'The second tablet was a repair swap with a cloned serial.' })).toBe(200);
    expect(await post(`/api/conflicts/${conflict?.id}/close`, { reason: 'again' })).toBe(400);
    // Both still stand where they stood: that is what the administrator has judged.
    for (const cart of [a, b]) {
      pass(HOUR);
      await cart.contact();
    }
    expect(await conflicts()).toEqual([]);
    expect((await device())?.conflict).toBeUndefined();
    const { conflicts: kept } = await custody(central.clock.ms - DAY, central.clock.ms);
    expect(kept).toMatchObject([{ id: conflict?.id, closed: { by: 'admin', reason: 'The second tablet was a repair swap with a cloned serial.' } }]);
    // What is put in after that contradicts anew.
    for (const change of [taken(serial, 2, 'r3'), [docked(serial, 8, 'r3')], []]) {
      pass(HOUR);
      b.record(...change);
      await b.contact();
      await a.contact();
    }
    expect((await conflicts()).map(({ id, count }) => [id === conflict?.id, count])).toEqual([[false, 1]]);
  });

  it('whose carts’ clocks are an hour apart, and one tablet after all: no conflict', async () => {
    b.wallOffsetMs = HOUR;
    a.wallOffsetMs = -HOUR;
    pass(90 * SECOND);
    a.record(docked(serial, 4));
    pass(60 * SECOND);
    a.record(...taken(serial, 4, 'r1'));
    pass(20 * SECOND);
    b.record(docked(serial, 2));
    pass(60 * SECOND);
    b.record(...taken(serial, 2, 'r2'));
    pass(20 * SECOND);
    a.record(docked(serial, 4, 'r1'));
    pass(HOUR);
    await b.contact();
    await a.contact();
    pass(HOUR);
    await a.contact();
    await b.contact();
    expect(await conflicts()).toEqual([]);
    expect((await device())?.where).toMatchObject({ kind: 'cart', cart: 'Cart A' });
  });
});
