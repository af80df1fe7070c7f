import { topUpFromMs } from './morning-top-up.ts';
import { placeStages, type Candidate, type PlacedStage, type Places } from './night-candidate.ts';
import { shareCharge, type Charging, type ChargeSpan, type ChargeWish } from './night-charging.ts';
import type { NightProblem } from './night-problem.ts';
import type { BusyCart, TabletWork } from './night-cart.ts';
import { atLeastMs, everFits } from './night-stages.ts';
import { draw, type Taking, type Timeline } from './night-timeline.ts';

/** Extra updates begin where half of their download rate is free. */
const EXTRA: Taking = { least: 0.5, most: Infinity };

/** The whole night's work: the needed as it was found, and whatever else fits without delaying it. */
export interface FilledNight {
  readonly placed: readonly PlacedStage[];
  readonly spans: readonly (ChargeSpan & { readonly needed: boolean })[];
  /** By slot: charged to the floor. */
  readonly floorMs: ReadonlyMap<number, number>;
}

export function fillNight(problem: NightProblem, cart: BusyCart, found: Candidate, places: Places): FilledNight {
  const { timeline } = found;
  const { works } = cart;
  const placed = [...found.placed];
  for (const { watts, startMs, endMs } of found.spans) draw(timeline, watts, startMs, endMs);
  const live = works.filter(({ tablet }) => tablet.bar !== 'quarantined' && tablet.bar !== 'unreachable');
  placeExtraWork(problem, cart, timeline, live, placed);
  placeOptionalUpdates(problem, cart, timeline, live, placed, found, places);
  const spans = [...found.urgentSpans, ...found.spans].map((span) => ({ ...span, needed: true }));
  const charge = (wishes: readonly ChargeWish[]): Charging => {
    const shared = shareCharge(timeline, wishes, problem.nowMs, problem.shiftMs, problem.shiftMs);
    for (const span of shared.spans) {
      draw(timeline, span.watts, span.startMs, span.endMs);
      spans.push({ ...span, needed: false });
    }
    return shared;
  };
  const chargeable = live.filter(({ tablet, chargeWatts }) => tablet.mayCharge && chargeWatts <= problem.limits.watts);
  const wishesTo = (mark: keyof TabletWork['debtMs'], below: keyof TabletWork['debtMs'] | undefined, after: ReadonlyMap<number, number>, notBeforeMs: number): ChargeWish[] =>
    chargeable.flatMap(({ tablet: { slot }, chargeWatts, debtMs }) => {
      const fromMs = below ? after.get(slot) : problem.nowMs;
      if (fromMs === undefined) return [];
      return [{ slot, watts: chargeWatts, debtMs: debtMs[mark] - (below ? debtMs[below] : 0), fromMs: Math.max(fromMs, notBeforeMs), rank: 0 }];
    });
  const begun = new Set([...found.paidMs.keys(), ...spans.map(({ slot }) => slot)]);
  const extra = charge(wishesTo('floor', undefined, new Map(), problem.nowMs).filter(({ slot }) => !begun.has(slot)));
  const floorMs = new Map([...works.filter(({ debtMs }) => debtMs.floor === 0).map(({ tablet }): [number, number] => [tablet.slot, problem.nowMs]), ...found.paidMs, ...extra.paidMs]);
  const { paidMs: upperMs } = charge(wishesTo('upper', 'floor', floorMs, problem.nowMs));
  const topUps = chargeable.map(({ debtMs, chargeWatts }) => ({ ms: debtMs.morning - debtMs.upper, watts: chargeWatts }));
  charge(wishesTo('morning', 'upper', upperMs, topUpFromMs(topUps, problem.limits.watts, problem.nowMs, problem.shiftMs)));
  return { placed, spans, floorMs };
}

/** What nobody needs by morning is still done tonight: first what takes least. */
function placeExtraWork(problem: NightProblem, { running }: BusyCart, timeline: Timeline, works: readonly TabletWork[], placed: PlacedStage[]): void {
  if (problem.networkFromMs === undefined) return;
  const begun = new Set(placed.map(({ work }) => work));
  const extras = works.filter((work) => !begun.has(work) && work.stages.length > 0);
  extras.sort((a, b) => stagesMs(a) - stagesMs(b) || a.tablet.slot - b.tablet.slot);
  for (const work of extras) {
    const possible = work.stages.findIndex((stage) => !everFits(problem.limits, stage));
    const stages = possible < 0 ? work.stages : work.stages.slice(0, possible);
    const freeMs = running.get(work.tablet.slot)?.endMs ?? problem.nowMs;
    if (placeStages(problem, timeline, work, stages, placed, freeMs, EXTRA) === undefined) placeStages(problem, timeline, work, stages.slice(0, 1), placed, freeMs, EXTRA);
  }
}

/** Optional updates wait until the need is met, and are over before a tablet counted on is due. */
function placeOptionalUpdates(problem: NightProblem, { running }: BusyCart, timeline: Timeline, works: readonly TabletWork[], placed: PlacedStage[], found: Candidate, places: Places): void {
  if (problem.networkFromMs === undefined) return;
  for (const work of works.toSorted((a, b) => stagesMs(a) - stagesMs(b) || a.tablet.slot - b.tablet.slot)) {
    const { optional, tablet } = work;
    if (!optional || !everFits(problem.limits, optional)) continue;
    const before = placed.filter((other) => other.work === work);
    if (before.length < work.stages.length) continue;
    const freeMs = before.reduce((latest, { fit }) => Math.max(latest, fit.endMs), Math.max(found.score.metMs, running.get(work.tablet.slot)?.endMs ?? problem.nowMs));
    const due = found.order.includes(work) ? (places.get(tablet.ward) ?? []).find((dueMs) => dueMs > problem.nowMs) : undefined;
    placeStages({ ...problem, shiftMs: Math.min(problem.shiftMs, due ?? Infinity) }, timeline, work, [optional], placed, freeMs, EXTRA);
  }
}

const stagesMs = ({ stages, optional }: TabletWork): number => [...stages, ...(optional ? [optional] : [])].reduce((sum, stage) => sum + atLeastMs(stage), 0);
