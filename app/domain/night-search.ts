import { better, duesOf, isGood, tryOrder, type Candidate, type Manner, type Places, type Tries } from './night-candidate.ts';
import type { BusyCart, TabletWork } from './night-cart.ts';
import { improve } from './night-improve.ts';
import { packLanes } from './night-lanes.ts';
import { cheapest, costsFor, feedUpdates, freeLanes, longestFirst, longestUpdateFirst, meansOf, packed, shortestFirst, type Cost } from './night-orders.ts';
import type { NightProblem } from './night-problem.ts';
import { workMs } from './night-stages.ts';
import type { Taking } from './night-timeline.ts';

/** Goals tried, as shares of the way from no sooner than possible to what was found. */
const GOALS = [0, 0.5, 0.25];
/** Found so close to the least possible is good enough. */
const CLOSE = 1.004;
/** The most that all tries together may cost (`Tries`), and those for goals. */
const MOST_COST = 24_000;
const MOST_COST_FOR_GOALS = 12_000;
/** Small carts are not tried for ever either. */
const MOST_STEPS = 1000;

/**
 * Which tablets meet the morning's need, and in which order they are worked on. Goes for a goal: tablets that alone
 * take longer than that are left aside, of the others each ward's cheapest are taken by several kinds of cost, and put
 * in by several orders. What is best after several goals is improved step by step.
 */
export function findEarliest(problem: NightProblem, cart: BusyCart, needed: Places): Candidate {
  const ready = cheapest(cart.works.filter(({ aloneMs }) => aloneMs === 0), needed, () => 0);
  const usable = cart.works.filter(({ blocked, aloneMs }) => !blocked && aloneMs > 0);
  const countOf = (works: readonly TabletWork[], ward: string): number => works.filter(({ tablet }) => tablet.ward === ward).length;
  const places = new Map([...needed].map(([ward, dues]) => [ward, dues.slice(countOf(ready, ward)).slice(0, countOf(usable, ward))]));
  const found = searchAll({ problem, cart, places, usable, means: meansOf(problem), running: runningWork(cart), cost: 0, best: undefined });
  return { ...found, order: [...found.order, ...ready] };
}

function searchAll(search: Search): Candidate {
  const { problem, cart, places, usable } = search;
  const leastMs = leastOf(search);
  const horizonMs = problem.shiftMs - problem.nowMs;
  for (const share of GOALS) {
    const foundMs = search.best ? foundOf(search, search.best) : leastMs;
    tryGoal(search, Math.floor(leastMs + (foundMs - leastMs) * share));
    if (search.best && isGood(search.best, problem.nowMs + leastMs * CLOSE)) return search.best;
    if (search.cost > MOST_COST_FOR_GOALS || search.best?.score.missing) break;
  }
  const all = [...places.values()].reduce((sum, dues) => sum + dues.length, 0);
  for (let missing = search.best?.score.missing ?? 0; missing > 0 && search.cost < MOST_COST_FOR_GOALS; missing = search.best?.score.missing ?? 0) {
    tryGoal(search, horizonMs, all - missing + 1);
    if (search.best?.score.missing === missing) break;
  }
  if (search.best?.score.late) tryDues(search);
  const { best } = search;
  if (!best) throw new Error('there is no goal');
  if (best.order.length === 0) return best;
  const walk = {
    goodMs: problem.nowMs + leastMs * CLOSE,
    goesOn: (step: number) => step < MOST_STEPS && search.cost < MOST_COST,
    megabytesPerSecond: problem.limits.megabytesPerSecond,
    wipes: problem.limits.wipes,
    pack: (chosen: readonly TabletWork[], goalMs: number, updatesFirst: boolean) => packed(problem, busyUntil(cart), chosen, goalMs - problem.nowMs, updatesFirst),
  };
  return improve(best, usable, walk, (order, manner, beat) => tryOrder(search, order, manner, beat));
}

interface Search extends Tries {
  /** Those that are not ready yet and can be. */
  readonly usable: readonly TabletWork[];
  readonly means: readonly Cost[];
  /** What is under way, as if it were to be done. */
  readonly running: readonly TabletWork[];
  best: Candidate | undefined;
}

function runningWork({ works }: BusyCart): TabletWork[] {
  return works.flatMap((work) => (work.running ? [{ ...work, stages: [work.running], wipeMs: workMs([work.running], 'wipe'), updateMs: workMs([work.running], 'update'), debtMs: { ...work.debtMs, floor: 0 } }] : []));
}

/** How much of each of the means is needed in any case, taking only tablets that alone meet the goal. */
function loadsAt({ usable, places, means, running }: Search, goalMs: number): readonly number[] {
  const eligible = usable.filter(({ aloneMs }) => aloneMs <= goalMs);
  const passing = (work: TabletWork): number => Math.min(1, goalMs / Math.max(1, work.wipeMs + work.updateMs));
  return means.map((mean) => cheapest(eligible, places, mean).reduce((sum, work) => sum + mean(work), 0) + running.reduce((sum, work) => sum + passing(work) * mean(work), 0));
}

/** How much of each of the means the most expensive choice would need: one of which even that is little decides nothing. */
function mostLoadsAt({ usable, places, means }: Search, goalMs: number): readonly number[] {
  const eligible = usable.filter(({ aloneMs }) => aloneMs <= goalMs);
  return means.map((mean) => cheapest(eligible, places, (work) => -mean(work)).reduce((sum, work) => sum + mean(work), 0));
}

/** Whether the shortest wipes that may be chosen cannot be packed into the lanes: a packing of longer ones would be one of these too. */
function cannotPack({ usable, places, cart, problem }: Search, goalMs: number): boolean {
  const shortest = cheapest(usable.filter(({ aloneMs }) => aloneMs <= goalMs), places, ({ wipeMs }) => wipeMs);
  const counts = new Map<number, number>();
  for (const { wipeMs } of shortest) if (wipeMs > 0) counts.set(wipeMs, (counts.get(wipeMs) ?? 0) + 1);
  const kinds = [...counts].map(([durationMs, count]) => ({ durationMs, count }));
  return packLanes(freeLanes(problem, busyUntil(cart)).sort((a, b) => b - a), kinds, goalMs).fits === 'no';
}

/** No plan meets the need sooner: by then there are enough tablets that could be ready alone, and enough of every one of the means. */
function leastOf(search: Search): number {
  const slowest = cheapest(search.usable, search.places, ({ aloneMs }) => aloneMs).reduce((most, { aloneMs }) => Math.max(most, aloneMs), 0);
  let [low, high] = [slowest, slowest];
  const tooSoon = (goalMs: number): boolean => Math.max(...loadsAt(search, goalMs)) > goalMs || cannotPack(search, goalMs);
  while (tooSoon(high)) [low, high] = [high, high * 1.3 + 60_000];
  while (high - low > low / 1000) {
    const middle = (low + high) / 2;
    if (tooSoon(middle)) low = middle;
    else high = middle;
  }
  return Math.ceil(high);
}

/** The earliest due first, where some would be late otherwise. */
function tryDues(search: Search): void {
  const { best, places } = search;
  if (!best) return;
  for (const cost of costsFor(search.means, mostLoadsAt(search, foundOf(search, best)), foundOf(search, best))) {
    const chosen = cheapest(search.usable, places, cost);
    const dues = duesOf(chosen, places);
    const byDue = (within: typeof longestFirst): TabletWork[] => chosen.toSorted((a, b) => (dues.get(a) ?? 0) - (dues.get(b) ?? 0) || within(a, b));
    for (const order of [byDue(longestFirst), byDue(shortestFirst), byDue(feedUpdates)]) {
      for (const updates of ['with-wipe', 'in-order'] as const) tried(search, order, { ...best.manner, updates, byDue: true });
    }
  }
}

/** True once the goal is met, or nothing more may be spent. */
function tried(search: Search, order: readonly TabletWork[], manner: Manner): boolean {
  if (search.best && search.cost >= MOST_COST) return true;
  const candidate = tryOrder(search, order, manner, search.best?.score);
  if (candidate && (!search.best || better(candidate.score, search.best.score))) search.best = candidate;
  return search.best !== undefined && isGood(search.best, manner.goalMs);
}

function foundOf({ problem }: Search, { score }: Candidate): number {
  return (score.missing > 0 ? problem.shiftMs : score.metMs) - problem.nowMs;
}

/** When the wipes under way end. */
function busyUntil({ works, running }: BusyCart): readonly number[] {
  return works.flatMap((work) => (work.running?.kind === 'wipe' ? (running.get(work.tablet.slot)?.endMs ?? []) : []));
}

/** Where the time is not enough for all, the cheapest `most` go first. */
function tryGoal(search: Search, fromNowMs: number, most = Infinity): void {
  const { problem, places } = search;
  const goalMs = problem.nowMs + fromNowMs;
  const usual: Manner = { goalMs, taking: USUAL_TAKING, updates: 'in-order', urgent: 0, empty: 0, byDue: false };
  const eligible = search.usable.filter(({ aloneMs }) => aloneMs <= fromNowMs);
  const loads = mostLoadsAt(search, fromNowMs);
  const seen = new Set<string>();
  for (const cost of costsFor(search.means, loads, fromNowMs)) {
    const all = cheapest(eligible, places, cost);
    const chosen = all.length > most ? all.toSorted((a, b) => cost(a) - cost(b)).slice(0, most) : all;
    const key = chosen.map(({ tablet }) => tablet.slot).join();
    if (seen.has(key)) continue;
    seen.add(key);
    const rest = all.filter((work) => !chosen.includes(work));
    const orders = most < Infinity ? [[all.toSorted(shortestFirst), 'in-order'] as const, ...ordersOf(search, chosen, fromNowMs).slice(0, 4)] : ordersOf(search, chosen, fromNowMs);
    for (const [order, updates] of orders) if (tried(search, [...order, ...rest.filter((work) => !order.includes(work))], { ...usual, updates })) return;
  }
}

function ordersOf({ problem, cart }: Search, chosen: readonly TabletWork[], goalMs: number): readonly (readonly [readonly TabletWork[], Manner['updates']])[] {
  const busy = busyUntil(cart);
  const inLanes = packed(problem, busy, chosen, goalMs, false);
  if (!chosen.some(({ stages }) => stages.some(({ kind }) => kind === 'update'))) return [[inLanes, 'in-order'], [chosen.toSorted(longestFirst), 'in-order']];
  const fed = packed(problem, busy, chosen, goalMs, true);
  return [
    [fed, 'packed'],
    [inLanes, 'packed'],
    [fed, 'with-wipe'],
    [inLanes, 'in-order'],
    [chosen.toSorted(longestFirst), 'in-order'],
    [chosen.toSorted(longestUpdateFirst), 'with-wipe'],
    [chosen.toSorted(feedUpdates), 'with-wipe'],
  ];
}

const USUAL_TAKING: Taking = { least: 0.5, most: Infinity };
