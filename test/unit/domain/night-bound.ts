import type { NightProblem } from '../../../app/domain/night-problem.ts';
import { packable, updatesFit } from './night-packing.ts';
import { cheapest, installOf, readNight, type Cost, type Night, type Piece, type Running, type Way } from './night-ways.ts';

/**
 * Whether no plan whatever can have `count` of the needed tablets ready within `timeMs` from now. A bound for the time
 * at which the need is met is any time so refuted.
 *
 * Suppose some plan had them ready in time. Only tablets whose own way is no longer can be among them (the work one
 * stage after the other, charging beside it). Then each of the inequalities below holds for the tablets taken. It is fed
 * with the cheapest that could have been taken: of every ward its cheapest up to its need, of those the cheapest
 * `count`. Where one fails even so, there is no such plan.
 *
 * 1. Number: there are that many.
 * 2. Load: a piece of work takes share × time of a means (lane: 1 of W; watts of P; MB of B). At every moment the shares
 *    sum to at most 1, so what must fall into a window [s, e] sums to at most e − s. Of a piece with head h (it cannot
 *    begin before) and tail q (that much must follow) at least min(e − s, h + d − s, d − (T − q − e)) falls into it:
 *    it overlaps least when pushed to its earliest or to its latest place.
 * 3. Load with rounded shares: f with f(x1)+…+f(xn) ≤ 1 whenever x1+…+xn ≤ 1 (a dual feasible function) may be put
 *    before the shares, since the shares at each moment sum to at most 1. That says that of 15 W only two go into 40 W.
 * 4. Lanes: wipes that lie whole in a window lie in W lanes, each free for some time L of it (less what is under way).
 *    Give every wipe a value by its duration: a lane cannot hold more value than the best filling of L (a knapsack), so
 *    all together no more than the sum of these. With value 1 from a duration d on that is the pigeonhole: ⌊L/d⌋ each.
 *    The lanes are as many as are allowed, or as the smallest wipes' watts or rates allow.
 *    Whether the shortest wipes, or updates, that may be taken can be packed at all is searched, within reason: a
 *    packing of longer ones would be one of these too.
 * 5. Sets: weigh each tablet's charging, and its work, by v. What goes on at one moment is a set whose watts fit, so its
 *    weights sum to no more than the best such set's (a knapsack), K; so Σ v × time ≤ K × T.
 * 6. Updates: a ward with fewer tablets without one than it needs takes some with one; for every choice of these it is
 *    searched whether their updates fit into the lanes, none before its wipe can be over. (`night-packing.ts`)
 * 7. Mixtures: sums of such inequalities, with the tablets taken that are cheapest in the sum.
 */
export function refuted(problem: NightProblem, count: number, timeMs: number): boolean {
  const night = readNight(problem);
  const eligible = night.ways.filter(({ aloneMs }) => aloneMs <= timeMs);
  const number = cheapest(eligible, night.needs, count, () => 0).length;
  if (number < count) return true;
  const inequalities = inequalitiesAt(night, eligible, timeMs).map((one) => ({ ...one, costs: new Map(eligible.map((way) => [way, one.cost(way)])) }));
  const broken = (cost: Cost, capacity: number): boolean => cheapest(eligible, night.needs, count, cost).reduce((sum, one) => sum + one, 0) > capacity * (1 + 1e-9) + 1e-6;
  if (!packable('wipe', night, eligible, count, timeMs, night.waitMs)) return true;
  const heads = eligible.flatMap(({ pieces }) => pieces.flatMap(({ kind, headMs }) => (kind === 'update' ? [headMs] : [])));
  if (spread([night.waitMs, ...heads], 8, timeMs).some((fromMs) => !packable('update', night, eligible, count, timeMs, fromMs))) return true;
  if (inequalities.some(({ costs, capacity }) => broken((way) => costs.get(way) ?? 0, capacity))) return true;
  const whole = inequalities.filter(({ mixed }) => mixed);
  for (const [index, a] of whole.entries()) {
    for (const b of whole.slice(index + 1)) {
      for (const share of [0.25, 0.5, 0.75]) {
        const [x, y] = [share / Math.max(1e-9, a.capacity), (1 - share) / Math.max(1e-9, b.capacity)];
        if (broken((way) => x * (a.costs.get(way) ?? 0) + y * (b.costs.get(way) ?? 0), 1)) return true;
      }
    }
  }
  const all = [...night.needs.values()].reduce((sum, need) => sum + need, 0);
  if (count === cheapest(night.ways, night.needs, all, () => 0).length && !updatesFit(night, eligible, timeMs)) return true;
  return narrowWindows(night, eligible, timeMs).some(({ cost, capacity }) => broken(cost, capacity));
}

/** Loads of the windows between the last moments at which work can begin, and the first at which it can end. */
function* windowsOf({ running }: Night, eligible: readonly Way[], timeMs: number): Generator<readonly [number, number]> {
  const pieces = eligible.flatMap((way) => way.pieces.filter(({ kind }) => kind !== 'charge'));
  const changes = running.flatMap(({ piece, taken }) => [piece.durationMs, ...taken.map(([atMs]) => atMs)]);
  const begins = spread([0, ...pieces.flatMap(({ headMs, tailMs, durationMs }) => [headMs, timeMs - tailMs - durationMs])], 48, timeMs);
  const ends = spread([timeMs, ...changes, ...pieces.flatMap(({ headMs, tailMs, durationMs }) => [headMs + durationMs, timeMs - tailMs])], 48, timeMs);
  for (const fromMs of begins) for (const untilMs of ends) if (untilMs > fromMs) yield [fromMs, untilMs];
}

function narrowWindows(night: Night, eligible: readonly Way[], timeMs: number): Inequality[] {
  return [...windowsOf(night, eligible, timeMs)].flatMap(([fromMs, untilMs]) => loads(night, timeMs, fromMs, untilMs, false, []));
}

/** The most tablets that can be ready by the shift if each were alone, up to the wards' needs. */
export function reachable(problem: NightProblem): number {
  const { needs, ways } = readNight(problem);
  return cheapest(ways.filter(({ aloneMs }) => aloneMs <= problem.shiftMs - problem.nowMs), needs, Infinity, () => 0).length;
}

/** The largest time refuted, within a thousandth; 0 if none is. */
export function nightBound(problem: NightProblem, count: number): number {
  if (!refuted(problem, count, 0)) return 0;
  let [low, high] = [0, 60_000];
  while (refuted(problem, count, high) && high < 1e9) [low, high] = [high, high * 2];
  while (high - low > Math.max(20, low / 1000)) {
    const middle = Math.floor((low + high) / 2);
    if (refuted(problem, count, middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** What the tablets taken cost sums to at most `capacity`. */
interface Inequality {
  readonly cost: Cost;
  readonly capacity: number;
  readonly mixed: boolean;
}

type Rounding = (share: number) => number;
/** Dual feasible functions: u(k) of Martello and Toth, and the thresholds. */
const ROUNDINGS: readonly Rounding[] = [
  ...Array.from({ length: 10 }, (_, n): Rounding => (share) => {
    const grown = share * (n + 2);
    return Math.abs(grown - Math.round(grown)) < 1e-9 ? share : Math.floor(grown) / (n + 1);
  }),
  ...[0.1, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5].map((least): Rounding => (share) => (share > 1 - least + 1e-9 ? 1 : share < least - 1e-9 ? 0 : share)),
];

function inequalitiesAt(night: Night, eligible: readonly Way[], timeMs: number): Inequality[] {
  const { waitMs } = night;
  const begins = spread([0, waitMs, ...eligible.flatMap(({ pieces }) => pieces.map(({ headMs }) => headMs)), ...night.running.map(({ piece }) => piece.durationMs)], 7, timeMs);
  const ends = spread([timeMs, ...eligible.flatMap(({ pieces }) => pieces.map((piece) => timeMs - piece.tailMs - (piece.kind === 'update' ? installOf(piece) : 0)))], 6, timeMs);
  const inequalities: Inequality[] = [];
  for (const fromMs of begins) {
    for (const untilMs of ends) {
      if (untilMs <= fromMs) continue;
      const whole = untilMs === timeMs && (fromMs === 0 || fromMs === waitMs);
      inequalities.push(...loads(night, timeMs, fromMs, untilMs, whole), ...lanesOf(night, eligible, timeMs, fromMs, untilMs, whole));
    }
  }
  return [...inequalities, ...powerSets(night, eligible, timeMs)];
}

/** At most `most` of the moments within the time, evenly picked, the first kept. */
function spread(moments: readonly number[], most: number, timeMs: number): number[] {
  const sorted = [...new Set(moments.filter((atMs) => atMs >= 0 && atMs <= timeMs))].sort((a, b) => a - b);
  if (sorted.length <= most) return sorted;
  return Array.from({ length: most }, (_, n) => sorted[Math.round((n * (sorted.length - 1)) / (most - 1))] ?? 0);
}

function loads({ problem: { limits }, running }: Night, timeMs: number, fromMs: number, untilMs: number, whole: boolean, roundings = ROUNDINGS): Inequality[] {
  const lengthMs = untilMs - fromMs;
  const insideMs = ({ kind, durationMs, headMs, tailMs }: Piece): number =>
    kind === 'charge'
      ? Math.max(0, durationMs - fromMs - (timeMs - untilMs))
      : Math.max(0, Math.min(lengthMs, durationMs, headMs + durationMs - fromMs, durationMs - (timeMs - tailMs - untilMs)));
  const fixedMs = ({ piece: { durationMs } }: Running): number => Math.max(0, Math.min(untilMs, durationMs) - fromMs);
  /** An update's download ends before its installation, which `durationMs` holds beside the download at its fastest. */
  const megabytes = (piece: Piece): number => {
    if (piece.kind !== 'update') return (piece.rate * insideMs(piece)) / 1000;
    const installMs = installOf(piece);
    const before = (piece.rate * Math.max(0, fromMs - piece.headMs)) / 1000;
    const after = (piece.rate * Math.max(0, timeMs - installMs - untilMs)) / 1000;
    return Math.max(0, piece.megabytes - before - after);
  };
  const taken = ({ taken: rates }: Running): number =>
    rates.reduce((sum, [at, rate], index) => sum + (rate * Math.max(0, Math.min(untilMs, rates[index + 1]?.[0] ?? Infinity) - Math.max(fromMs, at))) / 1000, 0);
  const inequality = (share: (piece: Piece) => number, amount: (piece: Piece) => number, fixed: (running: Running) => number, mixed: boolean): Inequality => ({
    cost: ({ pieces }) => pieces.reduce((sum, piece) => sum + share(piece) * amount(piece), 0),
    capacity: lengthMs - running.reduce((sum, one) => sum + share(one.piece) * fixed(one), 0),
    mixed,
  });
  const watts = (piece: Piece): number => piece.watts / limits.watts;
  const rate = (piece: Piece): number => (piece.kind === 'wipe' ? piece.rate / limits.megabytesPerSecond : 0);
  return [
    inequality(({ kind }) => (kind === 'wipe' ? 1 / limits.wipes : 0), insideMs, fixedMs, whole),
    inequality(({ kind }) => (kind === 'update' ? 1 / limits.updates : 0), insideMs, fixedMs, whole),
    inequality(watts, insideMs, fixedMs, whole),
    inequality(() => 1000 / limits.megabytesPerSecond, megabytes, taken, whole),
    ...roundings.flatMap((round) => [
      inequality((piece) => round(watts(piece)), insideMs, fixedMs, false),
      inequality((piece) => round(rate(piece)), insideMs, fixedMs, false),
    ]),
  ];
}

function lanesOf({ problem: { limits }, running }: Night, eligible: readonly Way[], timeMs: number, fromMs: number, untilMs: number, whole: boolean): Inequality[] {
  return (['wipe', 'update'] as const).flatMap((kind) => {
    const within = ({ headMs, tailMs, ...piece }: Piece): boolean => piece.kind === kind && headMs >= fromMs && timeMs - tailMs <= untilMs;
    const pieces = eligible.flatMap((way) => way.pieces.filter(within));
    if (pieces.length === 0) return [];
    const busyMs = running.filter(({ piece }) => piece.kind === kind).map(({ piece }) => Math.max(fromMs, piece.durationMs)).sort((a, b) => b - a);
    const all = [...pieces, ...running.map(({ piece }) => piece).filter((piece) => piece.kind === kind)];
    const fitting = (most: number, of: (piece: Piece) => number): number => Math.floor(most / all.reduce((least, piece) => Math.min(least, of(piece)), Infinity) + 1e-9);
    const lanes = Math.min(kind === 'wipe' ? limits.wipes : limits.updates, fitting(limits.watts, ({ watts }) => watts), kind === 'wipe' ? fitting(limits.megabytesPerSecond, ({ rate }) => rate) : Infinity);
    const windows = Array.from({ length: Math.max(lanes, busyMs.length) }, (_, lane) => Math.max(0, untilMs - (busyMs[lane] ?? fromMs)));
    const durations = [...new Set(pieces.map(({ durationMs }) => durationMs))].sort((a, b) => a - b);
    const longest = durations.at(-1) ?? 1;
    const counted = spread(durations, 8, Infinity);
    const values: ((durationMs: number) => number)[] = durations.length > 5 ? [] : [
      (durationMs) => durationMs / longest,
      (durationMs) => durations.indexOf(durationMs) + 1,
      (durationMs) => durationMs / longest + 1,
      ...counted.slice(1).map((leastMs) => (durationMs: number): number => (durationMs >= leastMs ? durationMs / longest : 0)),
    ];
    const cost = (value: (durationMs: number) => number): Cost => (way) => way.pieces.reduce((sum, piece) => sum + (within(piece) ? value(piece.durationMs) : 0), 0);
    return [
      ...counted.map((leastMs): Inequality => ({
        cost: cost((durationMs) => (durationMs >= leastMs ? 1 : 0)),
        capacity: windows.reduce((sum, windowMs) => sum + Math.floor(windowMs / leastMs), 0),
        mixed: whole,
      })),
      ...values.map((value): Inequality => ({ cost: cost(value), capacity: windows.reduce((sum, windowMs) => sum + fullest(durations, value, windowMs), 0), mixed: whole })),
    ];
  });
}

/** The most value that wipes of these durations can have in one lane that is free for so long. */
function fullest(durations: readonly number[], value: (durationMs: number) => number, windowMs: number): number {
  const [longest, ...shorter] = durations.toReversed();
  if (longest === undefined) return 0;
  if (windowMs / (durations[0] ?? 1) > 12) return windowMs * Math.max(...durations.map((durationMs) => value(durationMs) / durationMs));
  let best = 0;
  for (let count = Math.floor(windowMs / longest); count >= 0; count--) {
    best = Math.max(best, count * value(longest) + fullest(shorter.toReversed(), value, windowMs - count * longest));
  }
  return best;
}

/** Inequality 5 with weights that grow with the watts, and that count charging against work in several ratios. */
function powerSets({ problem: { limits }, running }: Night, eligible: readonly Way[], timeMs: number): Inequality[] {
  const pieces = [...eligible.flatMap((way) => way.pieces), ...running.map(({ piece }) => piece)];
  const charge = (own: number, other: number) => (piece: Piece): number => (piece.kind === 'charge' ? own : other * piece.watts);
  const weights: ((piece: Piece) => number)[] = [
    (piece) => piece.watts,
    (piece) => piece.watts + 5,
    (piece) => (piece.kind === 'charge' && piece.durationMs > timeMs / 2 ? 1 : 0),
    ...[0, 0.02, 0.04, 0.06, 0.08, 0.12].map((other) => charge(1, other)),
    ...[0.02, 0.04, 0.06, 0.08].map((other) => (piece: Piece): number => (piece.kind === 'charge' ? piece.watts / 15 : other * piece.watts)),
  ];
  return weights.map((weight): Inequality => ({
    cost: (way) => way.pieces.reduce((sum, piece) => sum + weight(piece) * piece.durationMs, 0),
    capacity: timeMs * heaviest(pieces.map((piece) => ({ watts: piece.watts, weight: weight(piece) })), limits.watts) - running.reduce((sum, { piece }) => sum + weight(piece) * Math.min(piece.durationMs, timeMs), 0),
    mixed: false,
  }));
}

/** The greatest weight of a set whose watts fit. Watts are whole. */
function heaviest(all: readonly { readonly watts: number; readonly weight: number }[], watts: number): number {
  const best = new Float64Array(Math.floor(watts) + 1);
  if (all.reduce((sum, one) => sum + one.watts, 0) <= watts) return all.reduce((sum, { weight }) => sum + weight, 0);
  for (const { watts: own, weight } of all) {
    for (let free = best.length - 1; free >= own; free--) best[free] = Math.max(best[free] ?? 0, (best[free - own] ?? 0) + weight);
  }
  return best.at(-1) ?? 0;
}
