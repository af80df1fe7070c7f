import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LADDER, ladderRow } from '../../../app/domain/staleness.ts';

const HOUR_MS = 3_600_000;
const ISSUED = { issuedAtMs: Date.UTC(2027, 0, 4) };
const aged = (ageMs: number, unsure = false) => ladderRow(ISSUED, { ms: ISSUED.issuedAtMs + ageMs, unsure });

test.each([
  ['just issued', 0, 'fresh'],
  ['24 h', 24 * HOUR_MS, 'fresh'],
  ['24 h and a millisecond', 24 * HOUR_MS + 1, 'stale'],
  ['7 days', 168 * HOUR_MS, 'stale'],
  ['7 days and a millisecond', 168 * HOUR_MS + 1, 'break-glass-only'],
  ['issued in the future', -HOUR_MS, 'fresh'],
] as const)('%s', (_, ageMs, row) => expect(aged(ageMs)).toBe(row));

test('no bundle at all: nothing', () => expect(ladderRow(undefined, { ms: 0, unsure: false })).toBe('none'));

test('an unsure clock is never fresh, and otherwise changes nothing', () => {
  fc.assert(
    fc.property(fc.integer({ min: -HOUR_MS, max: 400 * HOUR_MS }), (ageMs) => {
      expect(aged(ageMs, true)).toBe(aged(ageMs) === 'fresh' ? 'stale' : aged(ageMs));
    }),
  );
});

test('the older, the less: the ladder only ever goes down', () => {
  fc.assert(
    fc.property(fc.nat(400 * HOUR_MS), fc.nat(400 * HOUR_MS), fc.boolean(), (ageMs, moreMs, unsure) => {
      expect(LADDER.indexOf(aged(ageMs + moreMs, unsure))).toBeGreaterThanOrEqual(LADDER.indexOf(aged(ageMs, unsure)));
    }),
  );
});
