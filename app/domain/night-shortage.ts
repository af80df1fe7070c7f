import type { Places } from './night-candidate.ts';
import type { FilledNight } from './night-fill.ts';
import type { NightProblem, NotStarted, NotStartedReason, ShortReason, TabletForecast, WardShortage } from './night-problem.ts';
import { everFits } from './night-stages.ts';
import type { TabletWork } from './night-cart.ts';

/** Wards that will have fewer ready than they need in all, and why each of their tablets that is not ready is not. */
export function shortagesOf(works: readonly TabletWork[], tablets: readonly TabletForecast[], places: Places): WardShortage[] {
  const shortages: WardShortage[] = [];
  for (const [ward, dues] of places) {
    const own = works.filter(({ tablet }) => tablet.ward === ward);
    const ready = new Set(tablets.filter((tablet) => tablet.ward === ward && tablet.readyMs !== undefined).map(({ slot }) => slot));
    const shortBy = dues.length - ready.size;
    if (shortBy <= 0) continue;
    const counts = new Map<ShortReason, number>();
    const count = (reason: ShortReason, by: number): unknown => by > 0 && counts.set(reason, (counts.get(reason) ?? 0) + by);
    for (const { tablet, blocked } of own) if (!ready.has(tablet.slot)) count(blocked ?? 'cut-off', 1);
    count('absent', dues.length - own.length);
    const because = [...counts].map(([reason, by]) => ({ reason, count: by })).sort((a, b) => b.count - a.count);
    shortages.push({ ward, shortBy, because });
  }
  return shortages;
}

/** Everything owed that is not in the plan: wipes, updates, and charging that does not reach the floor. */
export function notStartedOf(problem: NightProblem, works: readonly TabletWork[], night: FilledNight): NotStarted[] {
  const planned = new Set(night.placed.map(({ stage }) => stage));
  return works.flatMap((work) => {
    const { slot, serial, bar, mayCharge } = work.tablet;
    const left: NotStarted[] = [];
    const leave = (what: NotStarted['work'], reason: NotStartedReason): unknown => left.push({ slot, serial, work: what, reason });
    const held = bar === 'unproven' ? undefined : bar;
    for (const stage of [...work.stages, ...(work.optional ? [work.optional] : [])]) {
      if (planned.has(stage)) continue;
      const without = problem.networkFromMs === undefined ? 'no-network' : undefined;
      leave(stage.kind, held ?? without ?? (everFits(problem.limits, stage) ? 'cut-off' : 'limits'));
    }
    if (work.tablet.update?.held) leave('update', 'not-orderable');
    if (work.debtMs.floor > 0 && !night.floorMs.has(slot)) {
      leave('charge', held ?? (mayCharge ? (work.chargeWatts > problem.limits.watts ? 'limits' : 'cut-off') : 'too-hot'));
    }
    return left;
  });
}
