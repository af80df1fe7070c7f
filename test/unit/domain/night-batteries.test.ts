import { expect, test } from 'vitest';
import { BATTERY_LIMITS, judgeBattery } from '../../../app/domain/battery-care.ts';
import { topUpFromMs } from '../../../app/domain/morning-top-up.ts';
import { learntDurationMs, overdueAfterMs } from '../../../app/domain/learnt-durations.ts';

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
