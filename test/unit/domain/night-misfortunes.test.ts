import { expect, test } from 'vitest';
import { busyCart } from '../../../app/domain/night-cart.ts';
import { placesOf } from '../../../app/domain/night-candidate.ts';
import { planNight } from '../../../app/domain/night-plan.ts';
import type { NightPlan, NightProblem, NightTablet, OwedWipe } from '../../../app/domain/night-problem.ts';
import { findEarliest } from '../../../app/domain/night-search.ts';
import { violations } from './night-check.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const NOW_MS = Date.UTC(2026, 10, 22, 22);

/** Wipes take 10 min, charging 30 min for 10 per cent; lanes, power and network are ample. */
function night(tablets: readonly Partial<NightTablet>[], change: Partial<NightProblem> = {}): NightProblem {
  return {
    nowMs: NOW_MS,
    shiftMs: NOW_MS + 9 * HOUR_MS,
    networkFromMs: NOW_MS,
    tablets: tablets.map((tablet, index) => ({ slot: index + 1, serial: `T${index + 1}`, ward: '7e', model: 'tab', chargePercent: 80, mayCharge: true, wipe: { state: 'owed' }, ...tablet })),
    estimates: new Map([['tab', { wipeMs: 10 * MINUTE_MS, wipeMegabytes: 300, wipeWatts: 5, updateWatts: 6, chargeWatts: 12, chargePercentPerHour: 20 }]]),
    limits: { watts: 400, megabytesPerSecond: 50, tabletMegabytesPerSecond: 10, wipes: 8, updates: 4 },
    band: { floorPercent: 60, upperPercent: 80, morningPercent: 80 },
    needs: [{ ward: '7e', count: tablets.length, dueMs: NOW_MS + 9 * HOUR_MS }],
    ...change,
  };
}

function planned(problem: NightProblem): NightPlan {
  const plan = planNight(problem);
  expect(violations(problem, plan)).toEqual([]);
  return plan;
}
const tasks = (plan: NightPlan, kind: string) => plan.tasks.filter((task) => task.kind === kind).map(({ slot, startMs, endMs }) => [slot, (startMs - NOW_MS) / MINUTE_MS, (endMs - NOW_MS) / MINUTE_MS]);
const metMinutes = ({ metMs }: NightPlan): number | undefined => (metMs === undefined ? undefined : (metMs - NOW_MS) / MINUTE_MS);
const CLEAN: OwedWipe = { state: 'none' };

test('all are clean and charged: the need is met now, and nothing is done', () => {
  const plan = planned(night([{ wipe: CLEAN }, { wipe: CLEAN }]));
  expect(plan).toMatchObject({ metMs: NOW_MS, tasks: [], short: [], notStarted: [] });
});

test('the cart is empty though a ward needs two: it is short, for want of tablets', () => {
  const plan = planned(night([], { needs: [{ ward: '7e', count: 2, dueMs: NOW_MS + HOUR_MS }] }));
  expect(plan.metMs).toBeUndefined();
  expect(plan.short).toEqual([{ ward: '7e', shortBy: 2, because: [{ reason: 'absent', count: 2 }] }]);
});

test('two may be wiped at once, three are needed, four are owed: the needed ones first, the fourth as well', () => {
  const problem = night([{ ward: '8w' }, {}, {}, {}], { needs: [{ ward: '7e', count: 3, dueMs: NOW_MS + 9 * HOUR_MS }] });
  const plan = planned({ ...problem, limits: { ...problem.limits, wipes: 2 } });
  expect(metMinutes(plan)).toBe(20);
  expect(tasks(plan, 'wipe').map(([, startMs]) => startMs)).toEqual([0, 0, 10, 10]);
  expect(plan.tasks.find(({ slot }) => slot === 1)).toMatchObject({ needed: false, startMs: NOW_MS + 10 * MINUTE_MS });
});

test('another ward’s tablets do not help', () => {
  const plan = planned(night([{ ward: '8w', wipe: CLEAN }, {}], { needs: [{ ward: '7e', count: 2, dueMs: NOW_MS + HOUR_MS }] }));
  expect(plan.short).toEqual([{ ward: '7e', shortBy: 1, because: [{ reason: 'absent', count: 1 }] }]);
});

test('counts of one ward at several hours do not add up', () => {
  const plan = planned(night([{}, {}, { wipe: CLEAN }], { needs: [{ ward: '7e', count: 1, dueMs: NOW_MS + HOUR_MS }, { ward: '7e', count: 2, dueMs: NOW_MS + 2 * HOUR_MS }] }));
  expect(plan.needs.map(({ metMs }) => metMs)).toEqual([NOW_MS, NOW_MS + 10 * MINUTE_MS]);
  expect(plan.short).toEqual([]);
});

test('the earlier ward is due before both can be done: it goes first', () => {
  const problem = night([{ ward: '8w' }, { ward: '8w' }, {}, {}], { needs: [{ ward: '8w', count: 2, dueMs: NOW_MS + 9 * HOUR_MS }, { ward: '7e', count: 2, dueMs: NOW_MS + 10 * MINUTE_MS }] });
  const plan = planned({ ...problem, limits: { ...problem.limits, wipes: 2 } });
  expect(plan.needs.map(({ metMs }) => metMs)).toEqual([NOW_MS + 20 * MINUTE_MS, NOW_MS + 10 * MINUTE_MS]);
});

test('the hour of a need has passed and its tablets are ready: none of them is late, and no better night is searched for until the shift', () => {
  const problem = night([{ wipe: CLEAN }, {}], { needs: [{ ward: '7e', count: 1, dueMs: NOW_MS - HOUR_MS }] });
  expect(findEarliest(problem, busyCart(problem), placesOf(problem))).toMatchObject({ placed: [], score: { missing: 0, late: 0 } });
});

test('a wipe that cannot finish before the shift is not begun, not by a second', () => {
  const problem = night([{}]);
  expect(tasks(planned({ ...problem, shiftMs: NOW_MS + 10 * MINUTE_MS }), 'wipe')).toEqual([[1, 0, 10]]);
  const plan = planned({ ...problem, shiftMs: NOW_MS + 10 * MINUTE_MS - 1 });
  expect(plan.tasks).toEqual([]);
  expect(plan.notStarted).toEqual([{ slot: 1, serial: 'T1', work: 'wipe', reason: 'cut-off' }]);
  expect(plan.short).toEqual([{ ward: '7e', shortBy: 1, because: [{ reason: 'cut-off', count: 1 }] }]);
});

test('the network is gone: nothing is wiped, tablets are charged, and the ward is short because of it', () => {
  const { networkFromMs: _, ...offline } = night([{ chargePercent: 40 }, { wipe: CLEAN }]);
  const plan = planned(offline);
  expect(tasks(plan, 'wipe')).toEqual([]);
  expect(tasks(plan, 'charge')[0]).toEqual([1, 0, 60]);
  expect(plan.short).toEqual([{ ward: '7e', shortBy: 1, because: [{ reason: 'no-network', count: 1 }] }]);
});

test('the network is promised for midnight: no wipe begins before', () => {
  const plan = planned(night([{}], { networkFromMs: NOW_MS + 2 * HOUR_MS }));
  expect(tasks(plan, 'wipe')).toEqual([[1, 120, 130]]);
});

test('a quarantined tablet and one that does not answer are left alone and named', () => {
  const plan = planned(night([{ bar: 'quarantined' }, { bar: 'unreachable', chargePercent: 10 }, {}]));
  expect(plan.tasks.filter(({ slot }) => slot < 3)).toEqual([]);
  expect(plan.notStarted.map(({ slot, work, reason }) => [slot, work, reason])).toEqual([[1, 'wipe', 'quarantined'], [2, 'wipe', 'unreachable'], [2, 'charge', 'unreachable']]);
  expect(plan.short[0]?.because).toEqual([{ reason: 'quarantined', count: 1 }, { reason: 'unreachable', count: 1 }]);
});

test('a tablet too hot to be charged is wiped, counts if it is full enough, and is a shortage if it is not', () => {
  const plan = planned(night([{ mayCharge: false, chargePercent: 70 }, { mayCharge: false, chargePercent: 40 }]));
  expect(plan.tasks.map(({ kind, slot }) => [kind, slot])).toEqual([['wipe', 1], ['wipe', 2]]);
  expect(plan.short).toEqual([{ ward: '7e', shortBy: 1, because: [{ reason: 'too-hot', count: 1 }] }]);
});

test('the program starts again in the middle of the night: what is under way goes on, and the need is met when it would have been', () => {
  const problem = night([{}, {}, {}, {}, { chargePercent: 40 }]);
  const before = planned({ ...problem, limits: { ...problem.limits, wipes: 2, watts: 30 } });
  const laterMs = NOW_MS + 4 * MINUTE_MS;
  const tablets = problem.tablets.map((tablet): NightTablet => {
    const wipe = before.tasks.find(({ slot, kind }) => slot === tablet.slot && kind === 'wipe');
    const charged = before.tasks.filter(({ slot, kind }) => slot === tablet.slot && kind === 'charge').reduce((sum, { startMs, endMs }) => sum + Math.max(0, Math.min(laterMs, endMs) - startMs), 0);
    return { ...tablet, chargePercent: tablet.chargePercent + (charged / HOUR_MS) * 20, ...(wipe && wipe.startMs < laterMs ? { wipe: { state: 'under-way', sinceMs: wipe.startMs } } : {}) };
  });
  const after = planned({ ...problem, nowMs: laterMs, networkFromMs: laterMs, tablets, limits: { ...problem.limits, wipes: 2, watts: 30 } });
  expect(after.metMs).toBe(before.metMs);
  expect(after.tasks.filter(({ kind, startMs }) => kind === 'wipe' && startMs < laterMs)).toHaveLength(2);
});

test('a wipe takes longer than it ever did: it keeps its lane, minute by minute, and the others are planned around it', () => {
  const problem = night([{ wipe: { state: 'under-way', sinceMs: NOW_MS - HOUR_MS } }, {}]);
  const plan = planned({ ...problem, limits: { ...problem.limits, wipes: 1 } });
  expect(tasks(plan, 'wipe')).toEqual([[1, -60, 1], [2, 1, 11]]);
});

test('the power is enough for two at once, three are empty: they take turns, and none waits for the last', () => {
  const empty: Partial<NightTablet> = { wipe: CLEAN, chargePercent: 40 };
  const problem = night([empty, empty, empty]);
  const plan = planned({ ...problem, limits: { ...problem.limits, watts: 24 } });
  // Three hours of charging for two at once; the goal is sought to a thousandth.
  expect(metMinutes(plan)).toBeGreaterThanOrEqual(90);
  expect(metMinutes(plan)).toBeLessThanOrEqual(90.1);
});

test('power for one, two are empty, one is due an hour sooner: it is not made to share', () => {
  const empty: Partial<NightTablet> = { wipe: CLEAN, chargePercent: 40 };
  const problem = night([{ ...empty, ward: '8w' }, empty], { needs: [{ ward: '8w', count: 1, dueMs: NOW_MS + 2 * HOUR_MS }, { ward: '7e', count: 1, dueMs: NOW_MS + HOUR_MS }] });
  const plan = planned({ ...problem, limits: { ...problem.limits, watts: 12 } });
  expect(plan.needs.map(({ metMs }) => metMs)).toEqual([NOW_MS + 2 * HOUR_MS, NOW_MS + HOUR_MS]);
});

test('a tablet owes a wipe and 20 per cent: both at once where there is power, one after the other where there is not', () => {
  const problem = night([{ chargePercent: 40 }]);
  expect(metMinutes(planned(problem))).toBe(60);
  expect(metMinutes(planned({ ...problem, limits: { ...problem.limits, watts: 12 } }))).toBe(70);
});

test('a mandatory update follows the wipe and counts; an optional one waits until the need is met', () => {
  const update = { megabytes: 600, installMs: 5 * MINUTE_MS };
  const plan = planned(night([{ update: { ...update, mandatory: true } }, { wipe: CLEAN, update: { ...update, mandatory: false } }]));
  expect(tasks(plan, 'update')).toEqual([[1, 10, 16], [2, 16, 22]]);
  expect(metMinutes(plan)).toBe(16);
});

test('an optional update that would not be over when its tablet is due is left for another night', () => {
  const update = { megabytes: 600, installMs: 5 * MINUTE_MS, mandatory: false };
  const plan = planned(night([{ wipe: CLEAN, update }], { needs: [{ ward: '7e', count: 1, dueMs: NOW_MS + 5 * MINUTE_MS }] }));
  expect(plan.tasks).toEqual([]);
  expect(plan.notStarted).toEqual([{ slot: 1, serial: 'T1', work: 'update', reason: 'cut-off' }]);
});

test('a tablet that draws more than the cart has is no work for tonight', () => {
  const problem = night([{}, { wipe: CLEAN, chargePercent: 50 }]);
  const plan = planned({ ...problem, limits: { ...problem.limits, watts: 4 } });
  expect(plan.notStarted.map(({ work, reason }) => [work, reason])).toEqual([['wipe', 'limits'], ['charge', 'limits']]);
});

test('batteries pause at the upper edge and are topped up just in time for the shift', () => {
  const plan = planned(night([{ wipe: CLEAN, chargePercent: 60 }], { band: { floorPercent: 40, upperPercent: 80, morningPercent: 100 } }));
  expect(tasks(plan, 'charge').map((task) => task.map(Math.round))).toEqual([[1, 0, 60], [1, 540 - 66, 540 - 6]]);
});

test('a model nobody has an estimate for is a mistake of the caller', () => {
  expect(() => planNight(night([{ model: 'unknown' }]))).toThrow('no estimate for model unknown');
});
