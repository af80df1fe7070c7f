import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LADDER, ladderRow } from '../../../app/domain/staleness.ts';
import { MAX_LEAP_MS, trustedFloor, trustedTime, type ClockReading, type TimeAnchor } from '../../../app/domain/trusted-time.ts';

const HOUR_MS = 3_600_000;
const NOON_MS = Date.UTC(2027, 0, 4, 12);
const anchor: TimeAnchor = { trustedMs: NOON_MS, bootId: 'boot-1', monoMs: 5_000 };
const reading = (change: Partial<ClockReading>): ClockReading => ({ wallMs: NOON_MS, monoMs: 5_000, bootId: 'boot-1', ...change });

test.each([
  ['nothing was ever heard from the server: the wall clock, unsure', undefined, reading({}), { ms: NOON_MS, unsure: true }],
  ['an hour later in the same boot', anchor, reading({ monoMs: 5_000 + HOUR_MS }), { ms: NOON_MS + HOUR_MS, unsure: false }],
  ['the wall clock was turned back a year in the same boot: no difference', anchor, reading({ wallMs: 0, monoMs: 6_000 }), { ms: NOON_MS + 1_000, unsure: false }],
  ['the wall clock was turned ahead a year in the same boot: no difference', anchor, reading({ wallMs: NOON_MS * 2, monoMs: 6_000 }), { ms: NOON_MS + 1_000, unsure: false }],
  ['booted anew, off for two hours by the wall clock', anchor, reading({ wallMs: NOON_MS + 2 * HOUR_MS, monoMs: 60_000, bootId: 'boot-2' }), { ms: NOON_MS + 2 * HOUR_MS, unsure: false }],
  ['booted anew with the wall clock turned back: the high-water mark', anchor, reading({ wallMs: 0, monoMs: 60_000, bootId: 'boot-2' }), { ms: NOON_MS, unsure: true }],
  ['booted anew more than a day ahead: older, and not believed to be sure', anchor, reading({ wallMs: NOON_MS + MAX_LEAP_MS + 1, monoMs: 0, bootId: 'boot-2' }), { ms: NOON_MS + MAX_LEAP_MS + 1, unsure: true }],
  ['booted anew exactly a day ahead', anchor, reading({ wallMs: NOON_MS + MAX_LEAP_MS, monoMs: 0, bootId: 'boot-2' }), { ms: NOON_MS + MAX_LEAP_MS, unsure: false }],
  ['only a floor is known and the wall clock is behind it: the floor and the time since', { ...anchor, floor: true }, reading({ wallMs: 0, monoMs: 6_000 }), { ms: NOON_MS + 1_000, unsure: true }],
  ['only a floor is known and the wall clock is a little ahead of it: believed', { ...anchor, floor: true }, reading({ wallMs: NOON_MS + HOUR_MS, monoMs: 6_000 }), { ms: NOON_MS + HOUR_MS, unsure: false }],
] as const)('%s', (_, held, now, expected) => expect(trustedTime(held, now)).toEqual(expected));

/** One thing that can happen to a cart without a network. */
const event = fc.oneof(
  fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 240 * HOUR_MS }) }),
  fc.record({ kind: fc.constant('turn' as const), ms: fc.integer({ min: -400 * 24 * HOUR_MS, max: 400 * 24 * HOUR_MS }) }),
  fc.record({ kind: fc.constant('restart' as const), ms: fc.integer({ min: 0, max: HOUR_MS }) }),
  fc.record({ kind: fc.constant('reboot' as const), ms: fc.integer({ min: 0, max: 48 * HOUR_MS }) }),
);

test('no turning of the clock, restart or reboot, in any order, makes a bundle younger than the cart has seen it become', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30 }), (history) => {
      let held: TimeAnchor = { trustedMs: NOON_MS, bootId: 'boot-0', monoMs: 0 };
      let [wallMs, monoMs, boots, oldestMs] = [NOON_MS, 0, 0, NOON_MS];
      for (const { kind, ms } of history) {
        if (kind === 'reboot') boots += 1;
        wallMs += ms;
        if (kind !== 'turn') monoMs = kind === 'reboot' ? 0 : monoMs + ms;
        const now = { wallMs, monoMs, bootId: `boot-${boots}` };
        // A start in another boot keeps the mark and counts from there (observe.ts).
        if (kind === 'reboot') held = { ...held, bootId: now.bootId, monoMs, floor: true };
        const time = trustedTime(held, now);
        const floorMs = trustedFloor(held, now);
        expect(floorMs).toBeGreaterThanOrEqual(oldestMs);
        expect(LADDER.indexOf(ladderRow({ issuedAtMs: NOON_MS }, time))).toBeGreaterThanOrEqual(LADDER.indexOf(ladderRow({ issuedAtMs: NOON_MS }, { ms: oldestMs, unsure: false })));
        // What the station notes while it watches (observe.ts): a sure time, else only the mark.
        held = { trustedMs: time.unsure ? floorMs : time.ms, bootId: now.bootId, monoMs, floor: time.unsure };
        oldestMs = held.trustedMs;
      }
    }),
    { numRuns: 500 },
  );
});

test('time that passes within one boot is never less than what really passed', () => {
  fc.assert(
    fc.property(fc.nat(400 * 24 * HOUR_MS), fc.integer(), fc.boolean(), (passedMs, wallMs, floor) => {
      expect(trustedTime({ ...anchor, floor }, reading({ wallMs, monoMs: anchor.monoMs + passedMs })).ms).toBeGreaterThanOrEqual(NOON_MS + passedMs);
    }),
  );
});
