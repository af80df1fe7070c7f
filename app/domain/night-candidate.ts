import { shareCharge, type Charging, type ChargeSpan } from './night-charging.ts';
import type { NightProblem } from './night-problem.ts';
import { fillLanes } from './night-lanes.ts';
import type { BusyCart, TabletWork } from './night-cart.ts';
import { addWipeLanes, copyOf, draw, earliestFit, occupy, type Fit, type Stage, type Taking, type Timeline } from './night-timeline.ts';

/** The due times of a ward's needed tablets, earliest first: one for each tablet that it needs in all. */
export type Places = ReadonlyMap<string, readonly number[]>;

export interface PlacedStage {
  readonly work: TabletWork;
  readonly stage: Stage;
  readonly fit: Fit;
}

/** How an order is carried out. */
export interface Manner {
  /** By when everybody should be charged: decides whose charging is urgent. */
  readonly goalMs: number;
  readonly taking: Taking;
  /** Each tablet's update with its wipe; or all wipes first, then the updates: in the same order, the longest first, or
   *  as they fill the update lanes best. */
  readonly updates: 'with-wipe' | 'in-order' | 'longest-first' | 'packed';
  /** So many of the longest charges get their power before any work. */
  readonly urgent: number;
  /** Wipe lanes left empty, so that fewer wipes at once leave power for whole charges. */
  readonly empty: number;
  /** Charging goes by when each tablet is due, not by how long it takes. */
  readonly byDue: boolean;
}

/** What all tries for one night have in common. */
export interface Tries {
  readonly problem: NightProblem;
  readonly cart: BusyCart;
  /** Of the tablets that are tried. */
  readonly places: Places;
  /** What they cost so far: tablets ordered, stages put into the cart, debts shared out. The search ends by it and not by a clock, so that the same night has the same plan. */
  cost: number;
}

/** One way to bring the needed tablets to readiness, and how good it is. */
export interface Candidate {
  readonly order: readonly TabletWork[];
  readonly manner: Manner;
  readonly placed: readonly PlacedStage[];
  /** The cart with that work in it, and the charging that went before it. */
  readonly timeline: Timeline;
  readonly urgentSpans: readonly ChargeSpan[];
  /** The other charging, which the timeline does not hold yet. */
  readonly spans: readonly ChargeSpan[];
  /** By slot: charged to the floor. */
  readonly paidMs: ReadonlyMap<number, number>;
  /** The one that is ready last, or never. */
  readonly last: TabletWork | undefined;
  readonly score: Score;
}

/** Better first in this order: fewer tablets missing at the shift, fewer missing when due, the whole need met earlier, and in sum. */
export interface Score {
  readonly missing: number;
  readonly late: number;
  readonly metMs: number;
  readonly sumMs: number;
}

export function better(a: Score, b: Score): boolean {
  return (compareNeed(a, b) || a.sumMs - b.sumMs) < 0;
}

/** Without the sum: negative if the need is met better by the first. */
export function compareNeed(a: Score, b: Score): number {
  return a.missing - b.missing || a.late - b.late || a.metMs - b.metMs;
}

/** Nobody is missing or late, and the whole need is met by then. */
export function isGood({ score }: Pick<Candidate, 'score'>, byMs: number): boolean {
  return score.missing === 0 && score.late === 0 && score.metMs <= byMs;
}

/** An hour that has passed is now: who is ready is in time, and the search for an earlier way has an end. */
export function placesOf({ needs, nowMs }: Pick<NightProblem, 'needs' | 'nowMs'>): Map<string, number[]> {
  const places = new Map<string, number[]>();
  for (const { ward, count, dueMs } of needs) {
    const dues = places.get(ward) ?? [];
    places.set(ward, dues);
    for (let place = 0; place < count; place++) dues[place] = Math.min(dues[place] ?? Infinity, Math.max(nowMs, dueMs));
  }
  for (const dues of places.values()) dues.sort((a, b) => a - b);
  return places;
}

/**
 * Puts the work of the chosen into the cart in the given order, each stage as early as it fits, and shares what power
 * is left among those that must be charged. Work that would end after the shift is left out. Given a score to beat, it
 * gives up with nothing as soon as it cannot be as good.
 */
export function tryOrder(tries: Tries, order: readonly TabletWork[], manner: Manner, beat?: Score): Candidate | undefined {
  const { problem, cart, places } = tries;
  const { nowMs } = problem;
  const latestMs = beat && beat.missing === 0 && beat.late === 0 ? beat.metMs : Infinity;
  tries.cost += order.length;
  const timeline = copyOf(cart.timeline);
  addWipeLanes(timeline, -manner.empty);
  const dues = manner.byDue ? duesOf(order, places) : undefined;
  const share = (works: readonly TabletWork[]): Charging =>
    shareCharge(timeline, works.map((work) => ({ slot: work.tablet.slot, watts: work.chargeWatts, debtMs: work.debtMs.floor, fromMs: nowMs, rank: dues?.get(work) ?? 0 })), nowMs, Math.min(problem.shiftMs, latestMs), manner.goalMs);
  const debtors = order.filter(({ debtMs }) => debtMs.floor > 0).sort((a, b) => b.debtMs.floor - a.debtMs.floor || a.tablet.slot - b.tablet.slot);
  const urgent = share(debtors.slice(0, manner.urgent));
  for (const { watts, startMs, endMs } of urgent.spans) draw(timeline, watts, startMs, endMs);
  const placed: PlacedStage[] = [];
  const doneMs = order.map(({ runningMs }) => nowMs + runningMs);
  let missing = 0;
  for (const pass of manner.updates === 'with-wipe' ? AT_ONCE : WIPES_FIRST) {
    for (const index of pass === 'update' ? updateOrder(problem, cart, order, doneMs, manner) : order.keys()) {
      const work = order[index];
      const fromMs = doneMs[index];
      const stages = pass ? work?.stages.filter(({ kind }) => kind === pass) : work?.stages;
      if (!work || !stages || stages.length === 0 || fromMs === undefined) continue;
      tries.cost += 1;
      const endMs = placeStages(problem, timeline, work, stages, placed, fromMs, manner.taking) ?? Infinity;
      if (endMs === Infinity) missing += 1;
      if (endMs > latestMs || (beat && missing > beat.missing)) return undefined;
      doneMs[index] = endMs;
    }
  }
  addWipeLanes(timeline, manner.empty);
  const other = share(debtors.slice(manner.urgent).filter((work) => missing === 0 || doneMs[order.indexOf(work)] !== Infinity));
  tries.cost += (urgent.looks + other.looks) / LOOKS;
  const paidMs = new Map([...urgent.paidMs, ...other.paidMs]);
  const readyMs = order.map(({ tablet, debtMs }, index) => Math.max(doneMs[index] ?? Infinity, debtMs.floor > 0 ? (paidMs.get(tablet.slot) ?? Infinity) : nowMs));
  const last = order[readyMs.indexOf(Math.max(...readyMs))];
  return { order, manner, placed, timeline, urgentSpans: urgent.spans, spans: other.spans, paidMs, last, score: scoreOf(places, order, readyMs) };
}

/** In which order updates are put in once all wipes are: indices of `order`. */
function updateOrder({ nowMs, limits }: NightProblem, { works }: BusyCart, order: readonly TabletWork[], doneMs: readonly number[], { updates, goalMs }: Manner): Iterable<number> {
  const durationOf = (index: number): number => order[index]?.updateMs ?? 0;
  const indices = [...order.keys()].filter((index) => durationOf(index) > 0 && doneMs[index] !== Infinity);
  if (updates === 'in-order') return indices;
  if (updates === 'longest-first') return indices.sort((a, b) => durationOf(b) - durationOf(a));
  const busyMs = works.flatMap(({ running, runningMs }) => (running?.kind === 'update' ? runningMs : []));
  const freeMs = Array.from({ length: limits.updates }, (_, lane) => busyMs[lane] ?? 0);
  const starts = fillLanes(freeMs, indices.map((index) => ({ durationMs: durationOf(index), headMs: (doneMs[index] ?? nowMs) - nowMs, tailMs: 0 })), goalMs - nowMs);
  const startOf = new Map(indices.map((index, nth) => [index, starts[nth] ?? 0]));
  return indices.sort((a, b) => (startOf.get(a) ?? 0) - (startOf.get(b) ?? 0));
}

/** When each is due if a ward's quickest are for its earliest need. */
export function duesOf(chosen: readonly TabletWork[], places: Places): Map<TabletWork, number> {
  const dues = new Map<TabletWork, number>();
  const taken = new Map<string, number>();
  for (const work of chosen.toSorted((a, b) => a.aloneMs - b.aloneMs || a.tablet.slot - b.tablet.slot)) {
    const nth = taken.get(work.tablet.ward) ?? 0;
    taken.set(work.tablet.ward, nth + 1);
    dues.set(work, places.get(work.tablet.ward)?.[nth] ?? Number.MAX_SAFE_INTEGER);
  }
  return dues;
}

/** So many looks at a debt cost about as much as putting a stage into the cart. */
const LOOKS = 6;
const WIPES_FIRST = ['wipe', 'update'] as const;
const AT_ONCE = [undefined] as const;

/** Places stages one after the other; answers when the last one ends, or nothing if that is after the shift and nothing was placed. */
export function placeStages(problem: NightProblem, timeline: Timeline, work: TabletWork, stages: readonly Stage[], placed: PlacedStage[], notBeforeMs: number, taking: Taking): number | undefined {
  let fromMs = notBeforeMs;
  const fits: PlacedStage[] = [];
  for (const stage of stages) {
    const fit = earliestFit(timeline, stage, Math.max(fromMs, problem.networkFromMs ?? Infinity), taking);
    if (!fit || fit.endMs > problem.shiftMs) return undefined;
    fromMs = fit.endMs;
    fits.push({ work, stage, fit });
  }
  for (const one of fits) {
    occupy(timeline, one.stage, one.fit);
    placed.push(one);
  }
  return fromMs;
}

function scoreOf(places: Places, order: readonly TabletWork[], readyMs: readonly number[]): Score {
  const byWard = new Map<string, number[]>();
  for (const [index, { tablet }] of order.entries()) {
    const own = byWard.get(tablet.ward);
    const atMs = readyMs[index] ?? Infinity;
    if (own) own.push(atMs);
    else byWard.set(tablet.ward, [atMs]);
  }
  let [missing, late, metMs, sumMs] = [0, 0, 0, 0];
  for (const [ward, dues] of places) {
    const ready = (byWard.get(ward) ?? []).sort((a, b) => a - b);
    for (const [place, dueMs] of dues.entries()) {
      const atMs = ready[place] ?? Infinity;
      if (atMs === Infinity) {
        missing += 1;
        continue;
      }
      if (atMs > dueMs) late += 1;
      metMs = Math.max(metMs, atMs);
      sumMs += atMs;
    }
  }
  return { missing, late, metMs, sumMs };
}
