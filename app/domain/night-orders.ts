import type { TabletWork } from './night-cart.ts';
import { fillLanes } from './night-lanes.ts';
import type { Places } from './night-candidate.ts';
import type { NightProblem } from './night-problem.ts';
import { atLeastMs } from './night-stages.ts';

export type Order = (a: TabletWork, b: TabletWork) => number;
const workMs = ({ wipeMs, updateMs }: TabletWork): number => wipeMs + updateMs;
const tie: Order = (a, b) => b.debtMs.floor - a.debtMs.floor || a.tablet.slot - b.tablet.slot;
export const longestFirst: Order = (a, b) => workMs(b) - workMs(a) || tie(a, b);
export const shortestFirst: Order = (a, b) => workMs(a) - workMs(b) || tie(a, b);
export const longestUpdateFirst: Order = (a, b) => b.updateMs - a.updateMs || longestFirst(a, b);
/** Johnson's rule for two stages: first those that come to the second soonest, so that it never waits. */
export const feedUpdates: Order = (a, b) => {
  const [first, second] = [a.updateMs > 0, b.updateMs > 0];
  if (first !== second) return first ? -1 : 1;
  return (first ? a.wipeMs - b.wipeMs : 0) || longestFirst(a, b);
};

/** From when on each wipe lane is free, in milliseconds from now. */
export function freeLanes({ nowMs, networkFromMs, limits }: NightProblem, busy: readonly number[]): number[] {
  const onlineMs = Math.max(0, (networkFromMs ?? nowMs) - nowMs);
  return Array.from({ length: limits.wipes }, (_, lane) => Math.max(onlineMs, (busy[lane] ?? nowMs) - nowMs));
}

/**
 * By the start that each wipe gets when the lanes are filled for the goal. `busy`: when those under way end.
 * `updatesFirst`: those with updates go before all that, so that the update lanes never wait.
 */
export function packed(problem: NightProblem, busy: readonly number[], chosen: readonly TabletWork[], goalMs: number, updatesFirst: boolean): TabletWork[] {
  const lanes = freeLanes(problem, busy);
  const startMs = new Map<TabletWork, number>();
  for (const work of updatesFirst ? chosen.filter((one) => one.updateMs > 0).sort(feedUpdates) : []) {
    const lane = lanes.indexOf(Math.min(...lanes));
    startMs.set(work, lanes[lane] ?? 0);
    lanes[lane] = (lanes[lane] ?? 0) + work.wipeMs;
  }
  const rest = chosen.filter((work) => !startMs.has(work) && work.wipeMs > 0);
  const starts = fillLanes(lanes, rest.map(({ wipeMs, updateMs }) => ({ durationMs: wipeMs, headMs: 0, tailMs: updateMs })), goalMs);
  for (const [index, work] of rest.entries()) startMs.set(work, starts[index] ?? 0);
  return chosen.toSorted((a, b) => (startMs.get(a) ?? 0) - (startMs.get(b) ?? 0) || longestFirst(a, b));
}

/** What a tablet costs of one of the cart's means, in milliseconds of the whole cart. */
export type Cost = (work: TabletWork) => number;

/** Wipe lanes, update lanes, power, network. */
export function meansOf({ limits }: NightProblem): readonly Cost[] {
  return [
    ({ wipeMs }) => wipeMs / limits.wipes,
    ({ updateMs }) => updateMs / limits.updates,
    ({ stages, chargeWatts, debtMs }) => stages.reduce((sum, stage) => sum + stage.watts * atLeastMs(stage), chargeWatts * debtMs.floor) / limits.watts,
    ({ stages }) => (1000 * stages.reduce((sum, { megabytes }) => sum + megabytes, 0)) / limits.megabytesPerSecond,
  ];
}

/** In which the means are weighed against each other. */
const MIXTURES: readonly (readonly number[])[] = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1], [0, 1, 0, 1], [2, 1, 0, 0], [1, 2, 0, 0], [4, 1, 0, 0], [1, 4, 0, 0], [3, 2, 0, 0], [2, 3, 0, 0], [1, 1, 1, 1]];

/** The costs by which tablets are worth choosing: mixtures of the means that are scarce. */
export function costsFor(means: readonly Cost[], loads: readonly number[], goalMs: number): readonly Cost[] {
  const scarce = loads.map((loadMs) => loadMs >= SCARCE * goalMs);
  const mixtures = MIXTURES.filter((weights) => weights.every((weight, mean) => weight === 0 || scarce[mean]));
  return [...mixtures.map((weights): Cost => (work) => means.reduce((sum, mean, index) => sum + (weights[index] ? weights[index] * mean(work) : 0), 0)), ({ aloneMs }) => aloneMs];
}

/** A means of which less than this share of the goal is needed decides nothing. */
const SCARCE = 0.5;

/** Each ward's cheapest tablets, as many as it needs. */
export function cheapest(works: readonly TabletWork[], places: Places, cost: Cost): TabletWork[] {
  const byWard = new Map<string, { readonly work: TabletWork; readonly cost: number }[]>();
  for (const work of works) {
    const own = byWard.get(work.tablet.ward);
    const costed = { work, cost: cost(work) };
    if (own) own.push(costed);
    else byWard.set(work.tablet.ward, [costed]);
  }
  const cheaper = (a: { readonly work: TabletWork; readonly cost: number }, b: typeof a): number => a.cost - b.cost || a.work.aloneMs - b.work.aloneMs || a.work.tablet.slot - b.work.tablet.slot;
  return [...places].flatMap(([ward, dues]) => (byWard.get(ward) ?? []).sort(cheaper).slice(0, dues.length).map(({ work }) => work));
}
