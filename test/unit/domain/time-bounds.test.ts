import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bootOf, bootsAround, boundsOf, DRIFT, withCosignature, withEntry, type BootTimes, type Moment } from '../../../app/domain/time-bounds.ts';

const at = (seq: number, monoMs: number, boot = 'one'): Moment => ({ seq, boot, monoMs });
const grown = (times: BootTimes, entry: Moment, statedMs?: number): BootTimes => {
  const next = withEntry(times, entry, statedMs);
  if (!next) throw new Error('another boot');
  return next;
};

test('nothing signed was ever heard: nothing is known, whatever the wall clock claims', () => {
  expect(boundsOf([grown(bootOf(at(0, 1_000)), at(1, 2_000))], at(1, 2_000))).toEqual({});
});

test('a bundle was heard: later entries are not before it, by the monotonic time since and less the drift', () => {
  const times = grown(bootOf(at(0, 1_000), 50_000), at(1, 3_601_000));
  expect(boundsOf([times], at(1, 3_601_000))).toEqual({ notBeforeMs: 50_000 + 3_600_000 - 3_600_000 * DRIFT });
});

test('an entry from before the bundle is bounded by it too, within the same boot', () => {
  const times = grown(bootOf(at(0, 1_000)), at(1, 11_000), 50_000);
  expect(boundsOf([times], at(0, 1_000))).toEqual({ notBeforeMs: 50_000 - 10_000 - 10_000 * DRIFT });
});

test('a day’s backlog is cosigned in pieces: the best of the cosignatures bounds the first entry, not the first of them', () => {
  let times = bootOf(at(0, 0));
  times = withCosignature(grown(times, at(1, 1_000)), at(1, 1_000), 90_000_000);
  times = withCosignature(grown(times, at(2, 86_400_000)), at(2, 86_400_000), 90_001_000);
  expect(boundsOf([times], at(0, 0)).notAfterMs).toBe(90_001_000 - 86_400_000 + 86_400_000 * DRIFT);
});

test('across a restart only order carries over', () => {
  const before = withCosignature(grown(bootOf(at(0, 0), 10_000), at(1, 5_000)), at(1, 5_000), 16_000);
  const between = bootOf(at(2, 100, 'two'));
  const after = withCosignature(bootOf(at(3, 70, 'three'), 90_000), at(3, 70, 'three'), 91_000);
  expect(boundsOf([before, between, after], at(2, 100, 'two'))).toEqual({ notBeforeMs: 14_999, notAfterMs: 91_000 });
});

test('the boot says that its clock went back: it is another boot', () => {
  expect(withEntry(bootOf(at(0, 1_000)), at(1, 999))).toBeUndefined();
  expect(withEntry(bootOf(at(0, 1_000)), at(1, 1_000, 'two'))).toBeUndefined();
});

test('the server’s own times contradict each other: they bound nothing rather than the wrong thing', () => {
  const times = withCosignature(bootOf(at(0, 1_000), 50_000), at(0, 1_000), 40_000);
  expect(boundsOf([times], at(0, 1_000))).toEqual({});
});

/** A boot whose clock runs fast or slow within what is allowed, with its true times. */
const truth = fc.record({
  drift: fc.double({ min: -DRIFT * 0.999, max: DRIFT * 0.999, noNaN: true }),
  steps: fc.array(fc.record({ waitMs: fc.nat(4_000_000), heard: fc.option(fc.nat(5_000), { nil: undefined }), seen: fc.option(fc.nat(90_000_000), { nil: undefined }) }), { minLength: 1, maxLength: 300 }),
});

test('whatever is heard and seen, however late: the true time is within the bounds, and letting anchors go only widens them', () => {
  fc.assert(
    fc.property(truth, ({ drift, steps }) => {
      const startMs = 1_790_000_000_000;
      let trueMs = startMs;
      let times: BootTimes | undefined;
      const entries: { moment: Moment; trueMs: number }[] = [];
      const all: { lower: { monoMs: number; atMs: number }[]; upper: { monoMs: number; atMs: number }[] } = { lower: [], upper: [] };
      for (const [seq, { waitMs, heard, seen }] of steps.entries()) {
        trueMs += waitMs;
        const moment = at(seq, Math.floor((trueMs - startMs) * (1 + drift)));
        const stated = heard === undefined ? undefined : trueMs - heard;
        times = times ? grown(times, moment, stated) : bootOf(moment, stated);
        entries.push({ moment, trueMs });
        if (stated !== undefined) all.lower.push({ monoMs: moment.monoMs, atMs: stated });
        if (seen === undefined) continue;
        times = withCosignature(times, moment, trueMs + seen);
        all.upper.push({ monoMs: moment.monoMs, atMs: trueMs + seen });
      }
      if (!times) return;
      for (const { moment, trueMs: real } of entries) {
        const { notBeforeMs = Number.NEGATIVE_INFINITY, notAfterMs = Number.POSITIVE_INFINITY } = boundsOf([times], moment);
        // A monotonic reading is whole milliseconds.
        expect(notBeforeMs).toBeLessThanOrEqual(real + 1);
        expect(notAfterMs).toBeGreaterThanOrEqual(real - 1);
        const distance = ({ monoMs }: { monoMs: number }): number => moment.monoMs - monoMs;
        const best = Math.max(...all.lower.map((anchor) => anchor.atMs + distance(anchor) - DRIFT * Math.abs(distance(anchor))));
        const least = Math.min(...all.upper.map((anchor) => anchor.atMs + distance(anchor) + DRIFT * Math.abs(distance(anchor))));
        expect(notBeforeMs).toBeLessThanOrEqual(best + 1);
        expect(notAfterMs).toBeGreaterThanOrEqual(least - 1);
        if (times.notBefore.length < 33 && all.lower.length > 0) expect(notBeforeMs).toBeGreaterThanOrEqual(best - 1);
        if (times.notAfter.length < 33 && all.upper.length > 0) expect(notAfterMs).toBeLessThanOrEqual(least + 1);
      }
      expect(times.notBefore.length).toBeLessThanOrEqual(64);
      expect(times.notAfter.length).toBeLessThanOrEqual(64);
    }),
    { numRuns: 100 },
  );
});

test('of many boots those around an entry are enough, and hold what bounds it', () => {
  const boots = Array.from({ length: 9 }, (_, n) => {
    const boot = bootOf(at(n, 10, String(n)), n % 4 === 0 ? n * 1_000 : undefined);
    return n % 4 === 0 ? withCosignature(boot, at(n, 10, String(n)), n * 1_000 + 500) : boot;
  });
  for (let seq = 0; seq < 9; seq += 1) expect([seq, boundsOf(bootsAround(boots, seq), at(seq, 10, String(seq)))]).toEqual([seq, boundsOf(boots, at(seq, 10, String(seq)))]);
});
