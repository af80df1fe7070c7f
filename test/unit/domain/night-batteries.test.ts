import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BATTERY_LIMITS, judgeBattery } from '../../../app/domain/battery-care.ts';
import { chargeOrders, topUpFromMs, type BandTablet } from '../../../app/domain/charge-band.ts';
import { learntDurationMs, overdueAfterMs } from '../../../app/domain/learnt-durations.ts';

const BAND = { floorPercent: 40, upperPercent: 80, morningPercent: 100 };
const tablet = (slot: number, percent: number, change: Partial<BandTablet> = {}): BandTablet => ({ slot, percent, watts: 10, charging: false, mayCharge: true, ...change });
const states = (tablets: readonly BandTablet[], change: { watts?: number; nowMs?: number; topUpFromMs?: number } = {}) => chargeOrders(tablets, { band: BAND, nowMs: 0, watts: 1000, ...change }).map(({ state }) => state);

test('a battery at the upper edge pauses, and does not flutter: it goes on only five per cent below', () => {
  expect(states([tablet(1, 79, { charging: true }), tablet(2, 80, { charging: true }), tablet(3, 79), tablet(4, 76), tablet(5, 74)])).toEqual(['filling', 'paused', 'paused', 'paused', 'filling']);
});

test('the top-up before the shift fills what paused', () => {
  expect(states([tablet(1, 80), tablet(2, 99), tablet(3, 100, { charging: true })], { nowMs: 10, topUpFromMs: 11 })).toEqual(['paused', 'paused', 'paused']);
  expect(states([tablet(1, 80), tablet(2, 99), tablet(3, 100, { charging: true })], { nowMs: 11, topUpFromMs: 11 })).toEqual(['topping-up', 'paused', 'paused']);
});

test('too little power: first those below the floor that are ready soonest, then what the plan wants, then the emptiest', () => {
  const all = [tablet(1, 30), tablet(2, 20), tablet(3, 60), tablet(4, 50), tablet(5, 70, { planned: true }), tablet(6, 10, { mayCharge: false })];
  expect(states(all, { watts: 35 })).toEqual(['needed', 'needed', 'no-power', 'no-power', 'needed', 'held']);
  expect(states(all, { watts: 15 })).toEqual(['needed', 'no-power', 'no-power', 'no-power', 'no-power', 'held']);
});

test('among equals who charges already goes on', () => {
  expect(chargeOrders([tablet(1, 60), tablet(2, 60, { charging: true })], { band: BAND, nowMs: 0, watts: 10 }).map(({ on }) => on)).toEqual([false, true]);
});

test('whatever stands there, the power is never exceeded, nothing held is charged, and nothing is left waiting that would fit', () => {
  const any = fc.record({ percent: fc.nat(100), watts: fc.integer({ min: 5, max: 18 }), charging: fc.boolean(), mayCharge: fc.boolean(), planned: fc.boolean() });
  fc.assert(
    fc.property(fc.array(any, { maxLength: 32 }), fc.nat(300), fc.boolean(), (drawn, watts, toppingUp) => {
      const tablets = drawn.map((one, index) => ({ slot: index + 1, ...one }));
      const orders = chargeOrders(tablets, { band: BAND, nowMs: 0, watts, ...(toppingUp ? { topUpFromMs: 0 } : {}) });
      const on = tablets.filter(({ slot }) => orders.find((order) => order.slot === slot)?.on);
      const drawnWatts = on.reduce((sum, one) => sum + one.watts, 0);
      expect(drawnWatts).toBeLessThanOrEqual(watts);
      expect(on.every(({ mayCharge, percent }) => mayCharge && percent < 100)).toBe(true);
      for (const { slot, state } of orders) if (state === 'no-power') expect(drawnWatts + (tablets[slot - 1]?.watts ?? 0)).toBeGreaterThan(watts);
    }),
  );
});

test('the top-up begins in time for the slowest and for all together', () => {
  expect(topUpFromMs([{ ms: 600, watts: 10 }, { ms: 100, watts: 10 }], 1000, 0, 10_000)).toBe(10_000 - 660);
  expect(topUpFromMs([{ ms: 600, watts: 10 }, { ms: 600, watts: 10 }], 10, 0, 10_000)).toBe(10_000 - 1320);
  expect(topUpFromMs([{ ms: 600, watts: 10 }], 10, 9_900, 10_000)).toBe(9_900);
});

test('a hot battery stops charging and starts again only when it is clearly cooler', () => {
  const first = judgeBattery({ temperatureC: 41 }, BATTERY_LIMITS);
  expect(first.mayCharge).toBe(true);
  const hot = judgeBattery({ temperatureC: 42 }, BATTERY_LIMITS, first);
  expect(hot).toEqual({ mayCharge: false, worn: false });
  expect(judgeBattery({ temperatureC: 40 }, BATTERY_LIMITS, hot).mayCharge).toBe(false);
  expect(judgeBattery({}, BATTERY_LIMITS, hot).mayCharge).toBe(false);
  expect(judgeBattery({ temperatureC: 37.9 }, BATTERY_LIMITS, hot).mayCharge).toBe(true);
});

test('a swollen, a dead and a burning battery are a person’s business; a worn one is not', () => {
  expect(judgeBattery({ health: 'swollen', temperatureC: 20 }, BATTERY_LIMITS)).toMatchObject({ mayCharge: false, danger: 'swollen' });
  expect(judgeBattery({ health: 'dead' }, BATTERY_LIMITS)).toMatchObject({ mayCharge: false, danger: 'dead' });
  expect(judgeBattery({ temperatureC: 55 }, BATTERY_LIMITS)).toMatchObject({ mayCharge: false, danger: 'hot' });
  expect(judgeBattery({ cycleCount: 800, temperatureC: 20 }, BATTERY_LIMITS)).toEqual({ mayCharge: true, worn: true });
});

test('a tablet from the cold ambulance bay is not charged until it has warmed up', () => {
  expect(judgeBattery({ temperatureC: 4 }, BATTERY_LIMITS).mayCharge).toBe(false);
  expect(judgeBattery({ temperatureC: 5 }, BATTERY_LIMITS).mayCharge).toBe(true);
});

const BOUNDS = { leastMs: 300, mostMs: 2000 };

test('one hang in ten teaches the cart nothing, two do, and never beyond the bounds', () => {
  const nine = [600, 610, 620, 630, 640, 650, 660, 670, 680];
  expect(learntDurationMs([...nine, 9000], 500, BOUNDS)).toBe(680);
  expect(learntDurationMs([...nine.slice(1), 9000, 9000], 500, BOUNDS)).toBe(2000);
  expect(learntDurationMs([1, 1, 1, 1], 500, BOUNDS)).toBe(300);
});

test('too few observations, or none that took any time: what was configured stands', () => {
  expect(learntDurationMs([700, 700, 700], 500, BOUNDS)).toBe(500);
  expect(learntDurationMs([0, 0, 0, 0, 700], 500, BOUNDS)).toBe(500);
});

test('a new OS makes wipes slower: after twenty of them the old ones are forgotten', () => {
  expect(learntDurationMs([...Array.from({ length: 50 }, () => 400), ...Array.from({ length: 20 }, () => 900)], 500, BOUNDS)).toBe(900);
});

test('late is twice what is usual, and never later than policy says', () => {
  expect(overdueAfterMs(600, 5000)).toBe(1200);
  expect(overdueAfterMs(600, 1000)).toBe(1000);
});
