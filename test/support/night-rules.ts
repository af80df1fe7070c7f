import type { Rules } from '../../app/contract/policy-bundle.ts';

/** The night of the ward that the tests stand in: from nine in the evening, ready at seven. */
export const NIGHT: NonNullable<Rules['overnight']> = {
  from: '21:00',
  shift: '07:00',
  needs: [{ ward: '7e', count: 2, due: '07:00' }],
  limits: { watts: 400, megabytesPerSecond: 20, tabletMegabytesPerSecond: 5, wipes: 2, updates: 2 },
  band: { floorPercent: 30, upperPercent: 80, morningPercent: 95 },
  estimate: { wipeMs: 15 * 60_000, wipeMegabytes: 300, wipeWatts: 6, updateWatts: 6, chargeWatts: 18, chargePercentPerHour: 30 },
  wipeBoundsMs: { least: 5 * 60_000, most: 45 * 60_000 },
};
