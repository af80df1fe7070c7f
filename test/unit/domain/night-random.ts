import type { ModelEstimate, MorningNeed, NightProblem, NightTablet } from '../../../app/domain/night-problem.ts';
import { seededRandom } from '../../../app/simulator/world/random.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** 22 November 2026, 22:00 UTC. */
const NOW_MS = Date.UTC(2026, 10, 22, 22);

/**
 * One night, drawn by its seed as carts and wards are found:
 * - 8 to 64 tablets of 1 to 5 models and 1 to 4 wards, charged 5 to 100 %; of the tablets a share that differs by night
 *   owes a wipe (6 to 25 min, 100 to 900 MB), some an update (200 to 2,000 MB and 4 to 12 min), mandatory or not;
 * - work under way since a while, in some nights overdue; quarantined, unreachable, unproven and hot tablets;
 * - 2 to 16 wipes and 1 to 8 updates at once; power, at least 80 W, for 30 % of the cart up to more than it can
 *   draw; a network of 25 to 110 MB/s, or with `narrow` of 100 Mbit/s (12 MB/s); in one night of ten the network comes back only later;
 * - wards that need 20 to 110 % of their tablets, at one to three due times, in 2 to 10 hours; one night of twelve is
 *   begun only 20 to 90 min before the shift, so that not all can be had.
 */
export function randomNight(seed: number, options: { readonly slots?: number; readonly narrow?: boolean } = {}): NightProblem {
  const random = seededRandom(seed);
  const between = (low: number, high: number): number => low + random() * (high - low);
  const whole = (low: number, high: number): number => Math.floor(between(low, high + 1));
  const chance = (share: number): boolean => random() < share;

  const count = options.slots ?? whole(8, 64);
  const estimates = new Map<string, ModelEstimate>();
  for (let model = whole(1, 5); model > 0; model--) {
    estimates.set(`m${model}`, {
      wipeMs: whole(6 * 60, 25 * 60) * 1000,
      wipeMegabytes: whole(100, 900),
      wipeWatts: whole(3, 8),
      updateWatts: whole(3, 9),
      chargeWatts: whole(9, 18),
      chargePercentPerHour: whole(20, 60),
    });
  }
  const models = [...estimates.keys()];
  const wards = Array.from({ length: whole(1, 4) }, (_, n) => `w${n + 1}`);
  const draw = [...estimates.values()].reduce((sum, { chargeWatts, wipeWatts }) => sum + (chargeWatts + wipeWatts / 2) / estimates.size, 0) * count;
  const megabytesPerSecond = options.narrow ? 12 : whole(25, 110);
  const limits = {
    watts: Math.max(80, Math.round(draw * between(0.3, 1.1))),
    megabytesPerSecond,
    tabletMegabytesPerSecond: whole(2, Math.min(12, megabytesPerSecond / 3)),
    wipes: whole(2, 16),
    updates: whole(1, 8),
  };
  const shiftMs = NOW_MS + (chance(1 / 12) ? whole(20, 90) * MINUTE_MS : whole(120, 600) * MINUTE_MS);
  const owed = between(0.1, 1);
  const [mandatory, optional] = [chance(0.5) ? between(0, 0.4) : 0, chance(0.5) ? between(0, 0.4) : 0];
  const lanes = { wipes: limits.wipes, updates: limits.updates, watts: limits.watts, rate: limits.megabytesPerSecond };
  const lowCharge = whole(5, 60);
  const troubled = between(0, 0.15);

  const tablets = Array.from({ length: count }, (_, n): NightTablet => {
    const model = models[whole(0, models.length - 1)] ?? 'm1';
    const estimate = estimates.get(model);
    if (!estimate) throw new Error('a model without its estimate');
    const luck = random();
    const update = luck < mandatory + optional ? { megabytes: whole(200, 2000), installMs: whole(4, 12) * MINUTE_MS, mandatory: luck < mandatory } : undefined;
    const fits = lanes.wipes > 0 && lanes.watts >= estimate.wipeWatts && lanes.rate >= (estimate.wipeMegabytes * 1000) / estimate.wipeMs;
    const wipe = (): NightTablet['wipe'] => {
      if (!chance(owed)) return { state: 'none' };
      if (!fits || !chance(0.12)) return { state: 'owed' };
      lanes.wipes -= 1;
      lanes.watts -= estimate.wipeWatts;
      lanes.rate -= (estimate.wipeMegabytes * 1000) / estimate.wipeMs;
      return { state: 'under-way', sinceMs: NOW_MS - Math.floor(estimate.wipeMs * between(0, 1.1)) };
    };
    const owes = wipe();
    const rate = Math.min(limits.megabytesPerSecond, limits.tabletMegabytesPerSecond);
    const updating = owes.state === 'none' && update !== undefined && lanes.updates > 0 && lanes.watts >= estimate.updateWatts && lanes.rate >= rate && chance(0.15);
    if (updating) {
      lanes.updates -= 1;
      lanes.watts -= estimate.updateWatts;
      lanes.rate -= rate;
    }
    return {
      slot: n + 1,
      serial: `T${n + 1}`,
      ward: wards[whole(0, wards.length - 1)] ?? 'w1',
      model,
      chargePercent: whole(lowCharge, 100),
      mayCharge: !chance(troubled / 3),
      wipe: owes,
      ...(update ? { update: updating ? { ...update, sinceMs: NOW_MS - whole(0, 10 * 60) * 1000 } : update } : {}),
      ...(chance(troubled) ? { bar: (['quarantined', 'unreachable', 'unproven'] as const)[whole(0, 2)] ?? 'quarantined' } : {}),
    };
  });

  const needs = wards.flatMap((ward): MorningNeed[] => {
    const own = tablets.filter((tablet) => tablet.ward === ward).length;
    const all = Math.round(own * between(0.2, 1.1));
    const last: MorningNeed = { ward, count: all, dueMs: shiftMs };
    const earlier = whole(0, 2);
    return [...Array.from({ length: earlier }, (): MorningNeed => ({ ward, count: whole(0, all), dueMs: shiftMs - whole(0, (shiftMs - NOW_MS) / (2 * MINUTE_MS)) * MINUTE_MS })), last];
  });
  const networkFromMs = chance(0.1) ? NOW_MS + whole(5, 90) * MINUTE_MS : NOW_MS;
  const band = { floorPercent: whole(8, 16) * 5, upperPercent: 80, morningPercent: 100 };
  return { nowMs: NOW_MS, shiftMs, networkFromMs, tablets, estimates, limits, band, needs };
}

export { HOUR_MS, MINUTE_MS };
