import type { TabletWork } from './night-cart.ts';
import type { Places } from './night-candidate.ts';
import type { NightProblem } from './night-problem.ts';
import { atLeastMs } from './night-stages.ts';

export type Order = (a: TabletWork, b: TabletWork) => number;
const remainingMs = ({ stages }: TabletWork): number => stages.reduce((sum, stage) => sum + atLeastMs(stage), 0);
const updateMs = ({ stages }: TabletWork): number => stages.reduce((sum, stage) => sum + (stage.kind === 'update' ? atLeastMs(stage) : 0), 0);
const tie: Order = (a, b) => b.debtMs.floor - a.debtMs.floor || a.tablet.slot - b.tablet.slot;
export const longestFirst: Order = (a, b) => remainingMs(b) - remainingMs(a) || tie(a, b);
export const longestUpdateFirst: Order = (a, b) => updateMs(b) - updateMs(a) || longestFirst(a, b);
/** Johnson's rule for two stages: first those that come to the second soonest, so that it never waits. */
export const feedUpdates: Order = (a, b) => {
  const [first, second] = [updateMs(a) > 0, updateMs(b) > 0];
  if (first !== second) return first ? -1 : 1;
  return (first ? remainingMs(a) - updateMs(a) - (remainingMs(b) - updateMs(b)) : 0) || longestFirst(a, b);
};

/** The longest first, each into the wipe lane that it leaves least time in before the goal; then by start. `busy`: when those under way end. */
export function packed(problem: NightProblem, busy: readonly number[], chosen: readonly TabletWork[], goalMs: number): TabletWork[] {
  const { nowMs, limits } = problem;
  const freeMs = busy.map((endMs) => endMs - nowMs);
  const onlineMs = Math.max(0, (problem.networkFromMs ?? nowMs) - nowMs);
  const lanes = Array.from({ length: limits.wipes }, (_, lane) => Math.max(onlineMs, freeMs[lane] ?? 0));
  const starts = new Map<TabletWork, number>();
  for (const work of chosen.toSorted((a, b) => remainingMs(b) - remainingMs(a) || tie(a, b))) {
    const wipeMs = remainingMs(work) - updateMs(work);
    if (wipeMs === 0) continue;
    let fullest = -1;
    let emptiest = 0;
    for (const [lane, untilMs] of lanes.entries()) {
      if (untilMs + remainingMs(work) <= goalMs && untilMs > (lanes[fullest] ?? -1)) fullest = lane;
      if (untilMs < (lanes[emptiest] ?? Infinity)) emptiest = lane;
    }
    const lane = fullest < 0 ? emptiest : fullest;
    starts.set(work, lanes[lane] ?? 0);
    lanes[lane] = (lanes[lane] ?? 0) + wipeMs;
  }
  return chosen.toSorted((a, b) => (starts.get(a) ?? 0) - (starts.get(b) ?? 0) || remainingMs(b) - remainingMs(a) || tie(a, b));
}

/** What a tablet costs of the cart's means, in milliseconds of the whole cart. */
export type Cost = (work: TabletWork) => number;

/** Weights of wipe lanes, update lanes, power and network. */
const MIXTURES = [
  [1, 0, 0, 0],
  [0, 0, 1, 0],
  [0, 1, 0, 0],
  [0, 0, 0, 1],
  [1, 1, 0, 0],
  [1, 0, 1, 0],
  [1, 0, 0, 1],
  [0, 1, 0, 1],
  [1, 1, 1, 1],
  [2, 1, 0, 0],
  [1, 2, 0, 0],
] as const;

export function costsOf({ limits }: NightProblem): readonly Cost[] {
  const lane = (kind: 'wipe' | 'update', lanes: number): Cost => ({ stages }) => stages.reduce((sum, stage) => sum + (stage.kind === kind ? atLeastMs(stage) / lanes : 0), 0);
  const [wipes, updates] = [lane('wipe', limits.wipes), lane('update', limits.updates)];
  const power: Cost = ({ stages, chargeWatts, debtMs }) => stages.reduce((sum, stage) => sum + stage.watts * atLeastMs(stage), chargeWatts * debtMs.floor) / limits.watts;
  const network: Cost = ({ stages }) => (1000 * stages.reduce((sum, { megabytes }) => sum + megabytes, 0)) / limits.megabytesPerSecond;
  const mixed = MIXTURES.map(([a, b, c, d]): Cost => (work) => (a && a * wipes(work)) + (b && b * updates(work)) + (c && c * power(work)) + (d && d * network(work)));
  return [({ aloneMs }) => aloneMs, ...mixed];
}

/** Each ward's cheapest tablets, as many as it needs. */
export function cheapest(works: readonly TabletWork[], places: Places, cost: Cost): TabletWork[] {
  const chosen: TabletWork[] = [];
  for (const [ward, dues] of places) {
    const own = works.filter(({ tablet }) => tablet.ward === ward).map((work) => ({ work, cost: cost(work) }));
    own.sort((a, b) => a.cost - b.cost || a.work.aloneMs - b.work.aloneMs || a.work.tablet.slot - b.work.tablet.slot);
    chosen.push(...own.slice(0, dues.length).map(({ work }) => work));
  }
  return chosen;
}
