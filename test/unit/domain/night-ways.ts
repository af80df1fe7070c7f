import type { NightProblem, NightTablet } from '../../../app/domain/night-problem.ts';

export interface Piece {
  readonly kind: 'wipe' | 'update' | 'charge';
  readonly durationMs: number;
  readonly megabytes: number;
  /** Of a wipe, which downloads evenly; of an update the most. */
  readonly rate: number;
  readonly watts: number;
  readonly headMs: number;
  readonly tailMs: number;
}
export interface Way {
  readonly ward: string;
  readonly pieces: readonly Piece[];
  readonly aloneMs: number;
}
export interface Night {
  readonly problem: NightProblem;
  readonly needs: ReadonlyMap<string, number>;
  readonly ways: readonly Way[];
  readonly running: readonly Running[];
  readonly waitMs: number;
}

const nights = new WeakMap<NightProblem, Night>();

export function readNight(problem: NightProblem): Night {
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
export interface Running {
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

export const installOf = (piece: Piece): number => piece.durationMs - (piece.megabytes / piece.rate) * 1000;

export type Cost = (way: Way) => number;

/** Each ward's cheapest up to its need, and of those the cheapest `count`. */
export function cheapest(ways: readonly Way[], needs: ReadonlyMap<string, number>, count: number, cost: Cost): number[] {
  const byWard = new Map<string, number[]>();
  for (const way of ways) {
    const costs = byWard.get(way.ward);
    if (costs) costs.push(cost(way));
    else byWard.set(way.ward, [cost(way)]);
  }
  const costs = [...byWard].flatMap(([ward, own]) => own.sort((a, b) => a - b).slice(0, needs.get(ward) ?? 0));
  return costs.length <= count ? costs : costs.sort((a, b) => a - b).slice(0, Math.max(0, count));
}
