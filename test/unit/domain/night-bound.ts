import type { NightProblem, NightTablet } from '../../../app/domain/night-problem.ts';

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
 * 6. Mixtures: sums of such inequalities, with the tablets taken that are cheapest in the sum.
 */
export function refuted(problem: NightProblem, count: number, timeMs: number): boolean {
  const night = readNight(problem);
  const eligible = night.ways.filter(({ aloneMs }) => aloneMs <= timeMs);
  const number = cheapest(eligible, night.needs, count, () => 0).length;
  if (number < count) return true;
  const inequalities = inequalitiesAt(night, eligible, timeMs).map((one) => ({ ...one, costs: new Map(eligible.map((way) => [way, one.cost(way)])) }));
  const broken = (cost: Cost, capacity: number): boolean => cheapest(eligible, night.needs, count, cost).reduce((sum, one) => sum + one, 0) > capacity * (1 + 1e-9) + 1e-6;
  if (!packable('wipe', night, eligible, count, timeMs) || !packable('update', night, eligible, count, timeMs)) return true;
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
  return narrowWindows(night, eligible, timeMs).some(({ cost, capacity }) => broken(cost, capacity));
}

/** Loads of the windows between the last moments at which work can begin, and the first at which it can end. */
function* windowsOf({ running }: Night, eligible: readonly Way[], timeMs: number): Generator<readonly [number, number]> {
  const pieces = eligible.flatMap((way) => way.pieces.filter(({ kind }) => kind !== 'charge'));
  const changes = running.flatMap(({ piece, taken }) => [piece.durationMs, ...taken.map(([atMs]) => atMs)]);
  const begins = spread([0, ...pieces.flatMap(({ headMs, tailMs, durationMs }) => [headMs, timeMs - tailMs - durationMs])], 24, timeMs);
  const ends = spread([timeMs, ...changes, ...pieces.flatMap(({ headMs, tailMs, durationMs }) => [headMs + durationMs, timeMs - tailMs])], 24, timeMs);
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

interface Piece {
  readonly kind: 'wipe' | 'update' | 'charge';
  readonly durationMs: number;
  readonly megabytes: number;
  /** Of a wipe, which downloads evenly; of an update the most. */
  readonly rate: number;
  readonly watts: number;
  readonly headMs: number;
  readonly tailMs: number;
}
interface Way {
  readonly ward: string;
  readonly pieces: readonly Piece[];
  readonly aloneMs: number;
}
interface Night {
  readonly problem: NightProblem;
  readonly needs: ReadonlyMap<string, number>;
  readonly ways: readonly Way[];
  readonly running: readonly Running[];
  readonly waitMs: number;
}

const nights = new WeakMap<NightProblem, Night>();

function readNight(problem: NightProblem): Night {
  const known = nights.get(problem);
  if (known) return known;
  const needs = new Map<string, number>();
  for (const { ward, count } of problem.needs) needs.set(ward, Math.max(needs.get(ward) ?? 0, count));
  const running = runningOf(problem);
  const night = {
    problem,
    needs,
    ways: problem.tablets.flatMap((tablet) => wayOf(problem, running, tablet) ?? []),
    running,
    waitMs: Math.max(0, (problem.networkFromMs ?? Infinity) - problem.nowMs),
  };
  nights.set(problem, night);
  return night;
}

function piecesOf({ limits, estimates }: NightProblem, { model, update }: NightTablet): { readonly wipe: Piece; readonly update: Piece | undefined } {
  const estimate = estimates.get(model);
  if (!estimate) throw new Error('a model without its estimate');
  const rate = Math.min(limits.megabytesPerSecond, limits.tabletMegabytesPerSecond);
  const { wipeMs, wipeMegabytes, wipeWatts, updateWatts } = estimate;
  const loose = { headMs: 0, tailMs: 0 };
  return {
    wipe: { kind: 'wipe', durationMs: wipeMs, megabytes: wipeMegabytes, rate: (wipeMegabytes * 1000) / wipeMs, watts: wipeWatts, ...loose },
    update: update && { kind: 'update', durationMs: Math.ceil((update.megabytes / rate) * 1000) + update.installMs, megabytes: update.megabytes, rate, watts: updateWatts, ...loose },
  };
}

/**
 * What is left of work under way, and how it goes on: wipes evenly, updates with whatever rate those leave, in the order
 * of their slots. Overdue work is given another minute. `taken`: MB/s from each moment on.
 */
interface Running {
  readonly slot: number;
  readonly piece: Piece;
  readonly taken: readonly (readonly [fromMs: number, rate: number])[];
}

function runningOf(problem: NightProblem): Running[] {
  const left = problem.tablets.flatMap(({ slot, ...tablet }): { readonly slot: number; readonly piece: Piece }[] => {
    const pieces = piecesOf(problem, { slot, ...tablet });
    const sinceMs = tablet.wipe.state === 'under-way' ? tablet.wipe.sinceMs : tablet.update?.sinceMs;
    const piece = tablet.wipe.state === 'under-way' ? pieces.wipe : pieces.update;
    if (sinceMs === undefined || !piece) return [];
    const goneMs = problem.nowMs - sinceMs;
    if (piece.kind === 'wipe') return [{ slot, piece: { ...piece, durationMs: Math.max(60_000, piece.durationMs - goneMs) } }];
    const megabytes = Math.max(0, piece.megabytes - (piece.rate * goneMs) / 1000);
    const installMs = Math.max(60_000, (tablet.update?.installMs ?? 0) - Math.max(0, goneMs - (piece.megabytes / piece.rate) * 1000));
    return [{ slot, piece: { ...piece, megabytes, durationMs: installMs } }];
  });
  const running: Running[] = left.flatMap(({ slot, piece }) => (piece.kind === 'wipe' ? [{ slot, piece, taken: [[0, piece.rate], [piece.durationMs, 0]] }] : []));
  for (const { slot, piece } of left.filter((one) => one.piece.kind === 'update')) {
    const { endMs, taken } = download(problem, running, piece.megabytes, piece.rate, 0);
    running.push({ slot, piece: { ...piece, durationMs: endMs + piece.durationMs }, taken });
  }
  return running;
}

const rateAt = ({ taken }: Pick<Running, 'taken'>, atMs: number): number => taken.findLast(([fromMs]) => fromMs <= atMs)?.[1] ?? 0;

/** Downloading at the most from `atMs` on beside what is under way. */
function download({ limits }: NightProblem, running: readonly Running[], megabytes: number, most: number, atMs: number): { readonly endMs: number; readonly taken: (readonly [number, number])[] } {
  const changes = [atMs, ...running.flatMap(({ taken }) => taken.map(([fromMs]) => fromMs)).filter((fromMs) => fromMs > atMs)].sort((a, b) => a - b);
  const taken: (readonly [number, number])[] = [];
  let left = megabytes;
  for (const [index, fromMs] of changes.entries()) {
    const rate = Math.min(most, limits.megabytesPerSecond - running.reduce((sum, one) => sum + rateAt(one, fromMs), 0));
    const untilMs = changes[index + 1] ?? Infinity;
    const neededMs = left <= 0 ? 0 : rate > 1e-6 ? (left / rate) * 1000 : Infinity;
    if (fromMs + neededMs <= untilMs) return { endMs: fromMs + neededMs, taken: [...taken, [fromMs, rate], [fromMs + neededMs, 0]] };
    taken.push([fromMs, Math.max(0, rate)]);
    left -= (Math.max(0, rate) * (untilMs - fromMs)) / 1000;
  }
  return { endMs: Infinity, taken };
}

/** From when on a lane, the watts and the rate for the piece are free beside what is under way, which only ever gives more back. */
function freeFrom({ limits }: NightProblem, running: readonly Running[], piece: Piece, atMs: number): number {
  const changes = [atMs, ...running.flatMap(({ taken, piece: { durationMs } }) => [durationMs, ...taken.map(([fromMs]) => fromMs)]).filter((fromMs) => fromMs > atMs)].sort((a, b) => a - b);
  const free = changes.find((fromMs) => {
    const still = running.filter(({ piece: { durationMs } }) => durationMs > fromMs);
    const lanes = still.filter(({ piece: { kind } }) => kind === piece.kind).length < (piece.kind === 'wipe' ? limits.wipes : limits.updates);
    const watts = still.reduce((sum, one) => sum + one.piece.watts, piece.watts) <= limits.watts + 1e-6;
    return lanes && watts && (piece.kind === 'update' || running.reduce((sum, one) => sum + rateAt(one, fromMs), piece.rate) <= limits.megabytesPerSecond + 1e-6);
  });
  return free ?? Infinity;
}

/** What a tablet has to go through before it is ready; nothing if it cannot be tonight. */
function wayOf(problem: NightProblem, running: readonly Running[], tablet: NightTablet): Way | undefined {
  const { nowMs, networkFromMs, limits, band } = problem;
  const estimate = problem.estimates.get(tablet.model);
  if (!estimate || tablet.bar) return undefined;
  const { wipe, update } = piecesOf(problem, tablet);
  const owed: Piece[] = [];
  if (tablet.wipe.state === 'owed') owed.push(wipe);
  if (update && tablet.update?.mandatory && tablet.update.sinceMs === undefined) owed.push(update);
  if (owed.some(({ watts, rate }) => watts > limits.watts || rate > limits.megabytesPerSecond)) return undefined;
  const chargeMs = Math.max(0, Math.ceil(((band.floorPercent - tablet.chargePercent) / estimate.chargePercentPerHour) * 3_600_000));
  if (chargeMs > 0 && (!tablet.mayCharge || estimate.chargeWatts > limits.watts)) return undefined;
  const runningMs = running.find(({ slot }) => slot === tablet.slot)?.piece.durationMs ?? 0;
  const pieces: Piece[] = [];
  let doneMs = owed.length === 0 ? runningMs : Math.max(runningMs, (networkFromMs ?? Infinity) - nowMs);
  for (const [index, piece] of owed.entries()) {
    const tailMs = owed.slice(index + 1).reduce((sum, { durationMs }) => sum + durationMs, 0);
    const headMs = freeFrom(problem, running, piece, doneMs);
    pieces.push({ ...piece, headMs, tailMs });
    const installMs = installOf(piece);
    doneMs = piece.kind === 'wipe' ? headMs + piece.durationMs : download(problem, running, piece.megabytes, piece.rate, headMs).endMs + installMs;
  }
  if (chargeMs > 0) pieces.push({ kind: 'charge', durationMs: chargeMs, megabytes: 0, rate: 0, watts: estimate.chargeWatts, headMs: 0, tailMs: 0 });
  const aloneMs = Math.max(chargeMs, doneMs);
  return Number.isFinite(aloneMs) ? { ward: tablet.ward, pieces, aloneMs } : undefined;
}

const installOf = (piece: Piece): number => piece.durationMs - (piece.megabytes / piece.rate) * 1000;

type Cost = (way: Way) => number;

/** Each ward's cheapest up to its need, and of those the cheapest `count`. */
function cheapest(ways: readonly Way[], needs: ReadonlyMap<string, number>, count: number, cost: Cost): number[] {
  const byWard = new Map<string, number[]>();
  for (const way of ways) {
    const costs = byWard.get(way.ward);
    if (costs) costs.push(cost(way));
    else byWard.set(way.ward, [cost(way)]);
  }
  const costs = [...byWard].flatMap(([ward, own]) => own.sort((a, b) => a - b).slice(0, needs.get(ward) ?? 0));
  return costs.length <= count ? costs : costs.sort((a, b) => a - b).slice(0, Math.max(0, count));
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

/** Most steps of the search; beyond it nothing is claimed. */
const MOST_STEPS = 60_000;

/** No more tablets with an update than this can be among them: the shortest ones fill the update lanes. */
function mostUpdates(lanes: number, running: readonly Running[], eligible: readonly Way[], waitMs: number, timeMs: number): number {
  const busyMs = running.filter(({ piece }) => piece.kind === 'update').reduce((sum, { piece }) => sum + Math.max(0, Math.min(timeMs, piece.durationMs) - waitMs), 0);
  let leftMs = lanes * Math.max(0, timeMs - waitMs) - busyMs;
  const shortest = eligible.flatMap(({ pieces }) => pieces.filter(({ kind }) => kind === 'update').map(({ durationMs }) => durationMs)).sort((a, b) => a - b);
  const tooMany = shortest.findIndex((durationMs) => (leftMs -= durationMs) < 0);
  return tooMany < 0 ? shortest.length : tooMany;
}

/** Whether the shortest wipes, or updates, that may be taken fit into their lanes, as far as a search can tell. */
function packable(work: 'wipe' | 'update', { problem: { limits }, needs, running, waitMs }: Night, eligible: readonly Way[], count: number, timeMs: number): boolean {
  const durationOf = ({ pieces }: Way): number => pieces.find(({ kind }) => kind === work)?.durationMs ?? 0;
  const most = mostUpdates(limits.updates, running, eligible, waitMs, timeMs);
  const capped = [...needs.keys()].flatMap((ward) => {
    const own = eligible.filter((way) => way.ward === ward).sort((a, b) => durationOf(a) - durationOf(b));
    let updates = 0;
    return own.filter((way) => !way.pieces.some(({ kind }) => kind === 'update') || ++updates <= most);
  });
  if (cheapest(capped, needs, count, () => 0).length < count) return false;
  const taken = cheapest(capped, needs, count, durationOf).filter((durationMs) => durationMs > 0);
  const busyMs = running.filter(({ piece }) => piece.kind === work).map(({ piece: { durationMs } }) => Math.max(waitMs, durationMs)).sort((a, b) => b - a);
  const windows = Array.from({ length: Math.max(work === 'wipe' ? limits.wipes : limits.updates, busyMs.length) }, (_, lane) => Math.max(0, timeMs - (busyMs[lane] ?? waitMs)));
  const durations = [...new Set(taken)].sort((a, b) => b - a);
  const left = durations.map((durationMs) => taken.filter((other) => other === durationMs).length);
  const hopeless = new Set<string>();
  /** What the lanes have more than is needed: no more can be left idle. */
  let spareMs = windows.reduce((sum, windowMs) => sum + windowMs, 0) - taken.reduce((sum, durationMs) => sum + durationMs, 0);
  let steps = 0;
  const rows = windows.map(() => durations.map(() => 0));
  const fill = (lane: number, type: number, freeMs: number, tied: boolean): boolean => {
    steps += 1;
    if (steps > MOST_STEPS || left.every((number) => number === 0)) return true;
    const durationMs = durations[type];
    const windowMs = windows[lane + 1];
    if (durationMs !== undefined) {
      // Of lanes free for as long a later one need not hold a larger filling than the one before it.
      const before = tied ? (rows[lane - 1]?.[type] ?? 0) : Infinity;
      const most = Math.min(before, left[type] ?? 0, Math.floor(freeMs / durationMs));
      for (let number = most; number >= 0; number--) {
        left[type] = (left[type] ?? 0) - number;
        const row = rows[lane];
        if (row) row[type] = number;
        const done = fill(lane, type + 1, freeMs - number * durationMs, tied && number === before);
        left[type] = (left[type] ?? 0) + number;
        if (done) return true;
      }
      return false;
    }
    // What still fits into this lane belongs into it: leaving it out helps no other lane.
    if (freeMs > spareMs || windowMs === undefined || durations.some((other, index) => (left[index] ?? 0) > 0 && other <= freeMs)) return false;
    const same = windowMs === windows[lane];
    const key = `${lane} ${left.join()} ${same ? rows[lane]?.join() : ''}`;
    if (hopeless.has(key)) return false;
    spareMs -= freeMs;
    const done = spareMs >= 0 && fill(lane + 1, 0, windowMs, same);
    spareMs += freeMs;
    if (!done) hopeless.add(key);
    return done;
  };
  return fill(0, 0, windows[0] ?? 0, false);
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
