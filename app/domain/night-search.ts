import { better, tryOrder, type Candidate, type Manner, type Places } from './night-candidate.ts';
import type { BusyCart, TabletWork } from './night-cart.ts';
import { improve } from './night-improve.ts';
import { cheapest, costsOf, feedUpdates, longestFirst, longestUpdateFirst, packed, type Cost } from './night-orders.ts';
import type { CartLimits, NightProblem } from './night-problem.ts';
import type { Taking } from './night-timeline.ts';

/** Rounds of the search for the earliest goal; each halves the time between what is out of reach and what was found. */
const ROUNDS = 6;
/** Found so close to the goal is good enough. */
const CLOSE = 1.004;
const MOST_TRIES = 800;
/** How many of the longest charges may go before all work. */
const URGENT = [1, 2, 3, 4, 6, 9, 14, 20];
/** Tablets put into the cart in all tries together, so that planning 64 slots takes well under 50 ms. */
const MOST_PUT = 24_000;

/**
 * Which tablets meet the morning's need, and in which order they are worked on. Goes for a goal: tablets that alone
 * take longer than that are left aside, of the others each ward's cheapest are taken by several kinds of cost, and put
 * in by several orders. Found: a nearer goal; not found: a later one. What is best then is improved step by step.
 */
export function findEarliest(problem: NightProblem, cart: BusyCart, places: Places): Candidate {
  const usable = cart.works.filter(({ blocked }) => !blocked);
  const costs = costsOf(problem);
  const search: Search = { problem, cart, places, usable, put: 0, best: undefined };
  const leastMs = leastOf(usable, places, costs);
  let lowMs = leastMs;
  let goalMs = lowMs;
  for (let round = 0; round < ROUNDS; round++) {
    const foundMs = foundOf(search, tryGoal(search, costs, goalMs));
    if (foundMs > goalMs) lowMs = goalMs;
    if (foundMs <= lowMs * CLOSE || search.put > MOST_PUT / 2) break;
    goalMs = Math.floor((lowMs + foundMs) / 2);
  }
  for (let missing = search.best?.score.missing ?? 0; missing > 0 && search.put < MOST_PUT * 0.75; ) {
    missing -= 1;
    const most = [...places.values()].reduce((sum, dues) => sum + dues.length, 0) - missing;
    const best = tryGoal(search, costs, problem.shiftMs - problem.nowMs, most);
    if (best.score.missing > missing) break;
    missing = best.score.missing;
  }
  const { best } = search;
  if (!best) throw new Error('nothing was tried');
  if (foundOf(search, best) <= leastMs * CLOSE || best.order.length === 0) return best;
  const tries = Math.min(MOST_TRIES, Math.floor((MOST_PUT - search.put) / best.order.length));
  const good = { goodMs: problem.nowMs + leastMs * CLOSE, tries, megabytesPerSecond: problem.limits.megabytesPerSecond };
  return improve(best, usable, good, (order, manner, beat) => tryOrder(problem, cart, order, manner, places, beat));
}

interface Search {
  readonly problem: NightProblem;
  readonly cart: BusyCart;
  readonly places: Places;
  readonly usable: readonly TabletWork[];
  /** Tablets put into the cart so far. */
  put: number;
  best: Candidate | undefined;
}

function tried(search: Search, order: readonly TabletWork[], manner: Manner): Candidate {
  search.put += order.length;
  const candidate = tryOrder(search.problem, search.cart, order, manner, search.places, search.best?.score);
  if (candidate && (!search.best || better(candidate.score, search.best.score))) search.best = candidate;
  if (!search.best) throw new Error('the first try has nothing to beat');
  return search.best;
}

function foundOf({ problem }: Search, { score }: Candidate): number {
  return (score.missing > 0 ? problem.shiftMs : score.metMs) - problem.nowMs;
}

/** Where the time is not enough for all, the cheapest `most` go first. */
function tryGoal(search: Search, costs: readonly Cost[], goalMs: number, most = Infinity): Candidate {
  const eligible = search.usable.filter(({ aloneMs }) => aloneMs <= goalMs);
  const updates = eligible.some(({ stages }) => stages.some(({ kind }) => kind === 'update'));
  const draw = eligible.reduce((sum, { chargeWatts, debtMs, stages }) => sum + (debtMs.floor > 0 ? chargeWatts : 0) + Math.max(0, ...stages.map(({ watts }) => watts)), 0);
  const scarce = draw > search.problem.limits.watts;
  const manners = mannersFor(updates, search.problem.nowMs + goalMs, search.problem.limits);
  const [usual] = manners;
  const busyMs = search.cart.works.flatMap(({ tablet, running }) => (running?.kind === 'wipe' ? (search.cart.running.get(tablet.slot)?.endMs ?? []) : []));
  const seen = new Set<string>();
  for (const cost of costs) {
    const all = cheapest(eligible, search.places, cost);
    const chosen = all.length > most ? all.toSorted((a, b) => cost(a) - cost(b)).slice(0, most) : all;
    const rest = all.filter((work) => !chosen.includes(work));
    const key = chosen.map(({ tablet }) => tablet.slot).join();
    if (seen.has(key)) continue;
    seen.add(key);
    const orders: readonly (readonly [readonly TabletWork[], boolean])[] = [
      [packed(search.problem, busyMs, chosen, goalMs), true],
      [chosen.toSorted(longestFirst), true],
      ...(updates ? [[chosen.toSorted(longestUpdateFirst), false] as const, [chosen.toSorted(feedUpdates), false] as const] : []),
    ];
    for (const [order, wipesFirst] of orders) {
      const best = tried(search, [...order, ...rest], { ...usual, wipesFirst });
      if (foundOf(search, best) <= goalMs) return best;
    }
  }
  if (!search.best) throw new Error('no kind of cost');
  const { order } = search.best;
  for (const manner of manners) if (foundOf(search, tried(search, order, manner)) <= goalMs) break;
  if (!scarce) return search.best;
  for (const urgent of URGENT) if (foundOf(search, tried(search, search.best.order, { ...search.best.manner, goalMs: usual.goalMs, urgent })) <= goalMs) break;
  return search.best;
}

/** How updates may share the network with wipes; the usual way first. */
function mannersFor(updates: boolean, goalMs: number, { megabytesPerSecond }: CartLimits): readonly [Manner, ...Manner[]] {
  const usual: Manner = { goalMs, taking: { least: 0.5, most: Infinity }, wipesFirst: true, urgent: 0 };
  if (!updates) return [usual];
  const takings: readonly Taking[] = [0.05, 0.5, 1].flatMap((least) => [{ least, most: Infinity }, { least, most: megabytesPerSecond / 3 }]);
  return [usual, ...takings.flatMap((taking) => [true, false].map((wipesFirst): Manner => ({ ...usual, taking, wipesFirst })))];
}

/** No plan meets the need sooner: not sooner than its slowest tablet alone, nor than any one of the cart's means allows. */
function leastOf(usable: readonly TabletWork[], places: Places, [alone, ...means]: readonly Cost[]): number {
  const slowest = alone ? cheapest(usable, places, alone).reduce((most, { aloneMs }) => Math.max(most, aloneMs), 0) : 0;
  const sums = means.slice(0, 4).map((cost) => cheapest(usable, places, cost).reduce((sum, work) => sum + cost(work), 0));
  return Math.max(slowest, ...sums);
}

