import { describe, expect, it } from 'vitest';
import { stationState } from '../../app/contract/custody.ts';
import { docked } from './custody-cart.ts';
import { a, asset, b, central, custody, DAY, get, HOUR, iso, pass, SECOND, serial, takenAtHome, twoCarts, YEAR } from './two-carts.ts';

twoCarts();

describe('asked afterwards', () => {
  it('who held or touched it between two times: name, place, evidence and bounds of each end, and what happened inside', async () => {
    const takenMs = await takenAtHome();
    pass(HOUR);
    b.record(docked(serial, 2));
    await b.contact();
    pass(HOUR);
    b.record({ type: 'sanitization-requested', device: serial, slot: 2, body: { request: 'q1', nonce: 'a'.repeat(32), exposure: b.leaf(1), attempt: 1 } });
    await b.contact();
    const { intervals, truncated, asset: named } = await custody(takenMs, takenMs + 3 * HOUR);
    expect([named, truncated]).toEqual([asset, false]);
    expect(intervals.map(({ kind, holder, place, overlap }) => [kind, holder, place.cart, place.slot, overlap])).toEqual([
      ['docked', undefined, 'Cart A', 4, 'possible'],
      ['held', { kind: 'person', name: 'Somebody no longer in the directory' }, 'Cart A', 4, 'certain'],
      ['docked', undefined, 'Cart B', 2, 'certain'],
    ]);
    const [, held, there] = intervals;
    expect(held?.opened.evidence).toEqual({ origin: a.origin, seq: expect.any(Number) as number, leaf: a.leaf(held?.opened.evidence.seq ?? -1) });
    expect(Date.parse(held?.opened.time.notBefore ?? '')).toBeLessThanOrEqual(takenMs);
    expect(Date.parse(held?.opened.time.notAfter ?? '')).toBeGreaterThanOrEqual(takenMs);
    expect(held?.closed).toMatchObject({ how: 'elsewhere', evidence: { origin: b.origin } });
    expect(held?.touches.map(({ type }) => type)).toEqual(['removal-claimed']);
    expect(there?.touches.map(({ type, text }) => [type, text])).toEqual([['sanitization-requested', 'Wipe asked for']]);
    expect((await custody(takenMs - 10 * YEAR, takenMs - 9 * YEAR)).intervals).toEqual([]);
  });

  it('a span in which the cart was blind is told as unwatched, not as nothing', async () => {
    pass(90 * SECOND);
    a.record(docked(serial, 4));
    pass(HOUR);
    a.record({ type: 'host-lost', body: { cause: 'cable' } });
    await a.contact();
    const blindMs = central.clock.ms;
    pass(DAY);
    a.record({ type: 'host-restored', body: { gapMs: DAY } }, { type: 'exposed', device: serial, slot: 4, body: { cause: 'unobserved' } });
    await a.contact();
    const { intervals } = await custody(blindMs + HOUR, blindMs + 2 * HOUR);
    expect(intervals.map(({ kind, overlap, opened, closed }) => [kind, overlap, opened.how, closed?.how])).toEqual([['unwatched', 'possible', 'out-of-sight', 'seen-again']]);
  });

  it('with a span that ends before it begins, a time that is none, or nobody signed in: refused', async () => {
    expect((await get(`/api/custody?device=${serial}&from=${iso(2)}&to=${iso(1)}`)).status).toBe(400);
    expect((await get(`/api/custody?device=${serial}&from=yesterday&to=${iso(1)}`)).status).toBe(400);
    expect((await fetch(`${central.url}/api/custody?device=${serial}&from=${iso(1)}&to=${iso(2)}`)).status).toBe(401);
    expect((await fetch(`${central.url}/api/stations/${a.station}/state?at=${iso(1)}`)).status).toBe(401);
    expect((await get(`/api/stations/nowhere/state?at=${iso(1)}`)).status).toBe(404);
    expect((await fetch(`${central.url}/api/conflicts/1/close`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"reason":"because"}' })).status).toBe(401);
  });

  it('how the cart stood at an instant, by the server’s clock although its own is a year ahead', async () => {
    a.wallOffsetMs = YEAR;
    const takenMs = await takenAtHome();
    pass(HOUR);
    a.record(docked(serial, 5, 'r1'));
    await a.contact();
    const at = async (ms: number) => stationState.parse((await get(`/api/stations/${a.station}/state?at=${iso(ms)}`)).body).ledgers;
    expect(await at(takenMs + HOUR / 2)).toMatchObject([{ origin: a.origin, slots: [], out: [{ device: serial, release: 'r1', slot: 4, owed: false }], policyVersion: 2 }]);
    expect(await at(takenMs - 5 * SECOND)).toMatchObject([{ slots: [{ slot: 4, device: serial }], out: [] }]);
    expect(await at(takenMs + 2 * HOUR)).toMatchObject([{ slots: [{ slot: 5, device: serial }], out: [], last: { evidence: { seq: a.size() - 1 } } }]);
    expect(await at(takenMs - YEAR)).toEqual([]);
    // At the very moment the bounds do not decide it, and that is said.
    const [moment] = await at(takenMs);
    expect(moment?.uncertain?.count).toBeGreaterThan(0);
  });
});
