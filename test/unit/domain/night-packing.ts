import { cheapest, type Night, type Running, type Way } from './night-ways.ts';

/** Most steps of one search; beyond it nothing is claimed. */
const MOST_STEPS = 60_000;
/** Most ways tried in which the wards share the update lanes. */
const MOST_SHARINGS = 300;

/**
 * Whether the shortest wipes, or updates, that may be taken and cannot begin before `fromMs` fit into their lanes, as
 * far as a search can tell. Of tablets with an update no more can be among them than update lanes hold of the shortest,
 * however the wards share these.
 */
export function packable(work: 'wipe' | 'update', night: Night, eligible: readonly Way[], count: number, timeMs: number, fromMs: number): boolean {
  const durationOf = ({ pieces }: Way): number => pieces.find(({ kind, headMs }) => kind === work && headMs >= fromMs)?.durationMs ?? 0;
  const byWard = [...night.needs].map(([ward, need]) => {
    const own = eligible.filter((way) => way.ward === ward).sort((a, b) => durationOf(a) - durationOf(b));
    return { own, updates: Math.min(need, own.filter(hasUpdate).length) };
  });
  const most = mostUpdates(night, eligible, timeMs);
  const lanes = lanesFree(night, work, timeMs, fromMs);
  for (const shares of sharings(byWard.map(({ updates }) => updates), most)) {
    const capped = byWard.flatMap(({ own }, index) => {
      let updates = 0;
      return own.filter((way) => !hasUpdate(way) || ++updates <= (shares[index] ?? 0));
    });
    if (cheapest(capped, night.needs, count, () => 0).length < count) continue;
    if (fits(lanes, cheapest(capped, night.needs, count, durationOf))) return true;
  }
  return false;
}

const hasUpdate = ({ pieces }: Way): boolean => pieces.some(({ kind }) => kind === 'update');

/** How long each lane is free between `fromMs` and the time, the shortest first. */
function lanesFree({ problem: { limits }, running }: Night, work: 'wipe' | 'update', timeMs: number, fromMs: number): number[] {
  const busyMs = running.filter(({ piece }) => piece.kind === work).map(({ piece }: Running) => Math.max(fromMs, piece.durationMs)).sort((a, b) => b - a);
  return Array.from({ length: Math.max(work === 'wipe' ? limits.wipes : limits.updates, busyMs.length) }, (_, lane) => Math.max(0, timeMs - (busyMs[lane] ?? fromMs)));
}

function mostUpdates(night: Night, eligible: readonly Way[], timeMs: number): number {
  const lanes = lanesFree(night, 'update', timeMs, night.waitMs);
  const shortest = eligible.flatMap(({ pieces }) => pieces.filter(({ kind }) => kind === 'update').map(({ durationMs }) => durationMs)).sort((a, b) => a - b);
  for (let most = shortest.length; most > 0; most--) if (fits(lanes, shortest.slice(0, most))) return most;
  return 0;
}

/** All ways to share `most` among wards that can use so many; where these are too many, one that gives each all of it. */
function sharings(wards: readonly number[], most: number): readonly (readonly number[])[] {
  const all: number[][] = [];
  const share = (index: number, left: number, taken: readonly number[]): void => {
    const rest = wards.slice(index + 1).reduce((sum, own) => sum + own, 0);
    if (index === wards.length) all.push([...taken]);
    else for (let own = Math.min(left, wards[index] ?? 0); own >= 0 && all.length <= MOST_SHARINGS && own + rest >= Math.min(left, (wards[index] ?? 0) + rest); own--) share(index + 1, left - own, [...taken, own]);
  };
  share(0, most, []);
  return all.length > MOST_SHARINGS ? [wards.map((own) => Math.min(own, most))] : all;
}

/** Whether pieces of these durations fit into lanes free for so long; true as well where the search gives up. */
function fits(windows: readonly number[], pieces: readonly number[]): boolean {
  const needed = pieces.filter((durationMs) => durationMs > 0);
  const durations = [...new Set(needed)].sort((a, b) => b - a);
  const left = durations.map((durationMs) => needed.filter((other) => other === durationMs).length);
  const hopeless = new Set<string>();
  /** What the lanes have more than is needed: no more can be left idle. */
  let spareMs = windows.reduce((sum, windowMs) => sum + windowMs, 0) - needed.reduce((sum, durationMs) => sum + durationMs, 0);
  if (spareMs < 0) return false;
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


/** Most choices of tablets with updates that are gone through. */
const MOST_CHOICES = 400;

/**
 * Whether the updates of those tablets that a ward cannot do without fit into the update lanes, none before its wipe is
 * over; tried for every choice of them. Only where all needed tablets are asked for.
 */
export function updatesFit({ problem: { limits }, needs, running, waitMs }: Night, eligible: readonly Way[], timeMs: number): boolean {
  let choices: (readonly Way[])[] = [[]];
  for (const [ward, need] of needs) {
    const own = eligible.filter((way) => way.ward === ward);
    const updates = own.filter(hasUpdate);
    const forced = Math.min(need, own.length) - (own.length - updates.length);
    if (forced <= 0) continue;
    choices = choices.flatMap((chosen) => subsets(updates, forced).map((more) => [...chosen, ...more]));
    if (choices.length > MOST_CHOICES) return true;
  }
  const busyMs = running.flatMap(({ piece }) => (piece.kind === 'update' ? [Math.max(waitMs, piece.durationMs)] : []));
  const lanes = Array.from({ length: Math.max(limits.updates, busyMs.length) }, (_, lane) => busyMs[lane] ?? waitMs);
  return choices.some((chosen) => fitInOrder(lanes, chosen.flatMap(({ pieces }) => pieces.filter(({ kind }) => kind === 'update')), timeMs));
}

function subsets(all: readonly Way[], size: number): (readonly Way[])[] {
  if (size === 0) return [[]];
  const [first, ...rest] = all;
  if (!first || all.length < size) return [];
  const found = subsets(rest, size - 1).map((chosen) => [first, ...chosen]);
  return found.length > MOST_CHOICES ? found : [...found, ...subsets(rest, size)];
}

/** One lane after the other could not do better than to take its pieces in the order of their heads; true as well where the search gives up. */
function fitInOrder(freeMs: readonly number[], pieces: readonly { readonly headMs: number; readonly durationMs: number }[], timeMs: number): boolean {
  const sorted = [...pieces].sort((a, b) => a.headMs - b.headMs);
  const lanes = [...freeMs];
  let steps = 0;
  const place = (index: number): boolean => {
    steps += 1;
    const piece = sorted[index];
    if (!piece || steps > MOST_STEPS) return true;
    const tried = new Set<number>();
    for (const [lane, untilMs] of lanes.entries()) {
      const startMs = Math.max(untilMs, piece.headMs);
      if (tried.has(startMs) || startMs + piece.durationMs > timeMs) continue;
      tried.add(startMs);
      lanes[lane] = startMs + piece.durationMs;
      if (place(index + 1)) return true;
      lanes[lane] = untilMs;
    }
    return false;
  };
  return place(0);
}
