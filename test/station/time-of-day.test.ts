import { expect, test } from 'vitest';
import { isBetween, nextTimeOfDay, timeOfDay } from '../../app/station/time-of-day.ts';

const at = (text: string): number => Date.parse(text);

test.each([
  ['later today', 'UTC', '07:00', '2026-11-22T05:30:20Z', '2026-11-22T07:00:00Z'],
  ['not before tomorrow', 'UTC', '07:00', '2026-11-22T07:00:00Z', '2026-11-23T07:00:00Z'],
  ['in the zone’s own time', 'America/New_York', '07:00', '2026-11-22T05:00:00Z', '2026-11-22T12:00:00Z'],
  ['in a zone of half hours', 'Asia/Kolkata', '06:45', '2026-11-22T00:00:00Z', '2026-11-22T01:15:00Z'],
  ['the night the clocks go forward', 'Europe/Berlin', '07:00', '2026-03-28T21:00:00Z', '2026-03-29T05:00:00Z'],
  ['the night the clocks go back', 'Europe/Berlin', '07:00', '2026-10-24T20:00:00Z', '2026-10-25T06:00:00Z'],
])('the shift begins %s', (_, zone, wanted, from, next) => {
  expect(new Date(nextTimeOfDay(zone, wanted, at(from))).toISOString()).toBe(new Date(at(next)).toISOString());
  expect(timeOfDay(zone, nextTimeOfDay(zone, wanted, at(from)))).toBe(wanted);
});

test('a span may pass midnight; its end is not in it', () => {
  expect(['20:59', '21:00', '00:00', '06:59', '07:00'].map((clock) => isBetween(clock, '21:00', '07:00'))).toEqual([false, true, true, true, false]);
  expect(['08:59', '09:00', '17:00'].map((clock) => isBetween(clock, '09:00', '17:00'))).toEqual([false, true, false]);
});
