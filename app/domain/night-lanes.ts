/** Steps after which the fullest filling of a lane found so far is good enough. */
const FILLING_STEPS = 60;

/** Steps after which the search for a packing gives up. */
const PACKING_STEPS = 100;

/** Work for one lane. Milliseconds from now. */
export interface LaneItem {
  readonly durationMs: number;
  /** It cannot begin before. */
  readonly headMs: number;
  /** So much of its tablet's work follows. */
  readonly tailMs: number;
}

/** Items that are the same for a lane; those with the longest tails are begun first. */
interface Kind {
  readonly durationMs: number;
  readonly headMs: number;
  readonly indices: number[];
  readonly starts: number[];
  left: number;
}

/**
 * When each item begins if one lane after the other, the one with least time to the goal first, is filled as full as it
 * gets (minimum bin slack), and what is left over goes where most time is. `freeMs`: from when on each lane is free.
 */
export function fillLanes(freeMs: readonly number[], items: readonly LaneItem[], goalMs: number): number[] {
  const kinds = kindsOf(items);
  const lanes = freeMs.toSorted((a, b) => b - a);
  const put = (lane: number, kind: Kind): void => {
    const startMs = Math.max(lanes[lane] ?? 0, kind.headMs);
    kind.starts.push(startMs);
    kind.left -= 1;
    lanes[lane] = startMs + kind.durationMs;
  };
  const packing = items.some(({ headMs }) => headMs > 0) ? undefined : packLanes(lanes, kinds.map(({ durationMs, left }) => ({ durationMs, count: left })), goalMs).filling;
  for (const [lane, fromMs] of lanes.entries()) {
    for (const [index, count] of (packing ? (packing[lane] ?? []) : fullest(kinds, fromMs, goalMs)).entries()) {
      const kind = kinds[index];
      for (let nth = 0; kind && nth < count; nth++) put(lane, kind);
    }
  }
  for (const kind of kinds.toSorted((a, b) => b.durationMs - a.durationMs)) while (kind.left > 0) put(lanes.indexOf(Math.min(...lanes)), kind);
  const result = items.map(() => 0);
  for (const { indices, starts } of kinds) {
    starts.sort((a, b) => a - b);
    for (const [nth, index] of indices.entries()) result[index] = starts[nth] ?? 0;
  }
  return result;
}

export interface Packing {
  /** `unknown`: the search gave up. */
  readonly fits: 'yes' | 'no' | 'unknown';
  /** How many of each kind go into each lane. */
  readonly filling?: readonly (readonly number[])[];
}

/**
 * Whether all fit into the lanes before the goal, by trying lane after lane every filling that leaves no room for
 * another piece: where a piece still fits, leaving it out helps no other lane. Of lanes free for as long, a later one
 * has no larger filling than the one before it, which only sorts them.
 */
export function packLanes(lanes: readonly number[], kinds: readonly { readonly durationMs: number; readonly count: number }[], goalMs: number): Packing {
  const byLength = [...kinds.keys()].sort((a, b) => (kinds[b]?.durationMs ?? 0) - (kinds[a]?.durationMs ?? 0));
  const left = kinds.map(({ count }) => count);
  const filling = lanes.map(() => kinds.map(() => 0));
  const hopeless = new Set<string>();
  /** What the lanes have more than is needed: no more may be left idle. */
  let spareMs = lanes.reduce((sum, fromMs) => sum + Math.max(0, goalMs - fromMs), 0) - kinds.reduce((sum, { durationMs, count }) => sum + durationMs * count, 0);
  if (spareMs < 0) return { fits: 'no' };
  let steps = 0;
  const fill = (lane: number, nth: number, freeMs: number, tied: boolean): boolean => {
    steps += 1;
    if (left.every((count) => count === 0)) return true;
    const row = filling[lane];
    if (steps > PACKING_STEPS || !row) return false;
    const kind = byLength[nth];
    if (kind === undefined) {
      if (kinds.some(({ durationMs }, other) => (left[other] ?? 0) > 0 && durationMs <= freeMs)) return false;
      const same = lanes[lane + 1] === lanes[lane];
      const key = `${lane} ${left.join()} ${same ? row.join() : ''}`;
      if (hopeless.has(key)) return false;
      hopeless.add(key);
      const idleMs = Math.max(0, freeMs);
      if (idleMs > spareMs) return false;
      spareMs -= idleMs;
      if (fill(lane + 1, 0, goalMs - (lanes[lane + 1] ?? goalMs), same)) return true;
      spareMs += idleMs;
      return false;
    }
    const durationMs = kinds[kind]?.durationMs ?? Infinity;
    const before = tied ? (filling[lane - 1]?.[kind] ?? 0) : Infinity;
    for (let count = Math.min(before, left[kind] ?? 0, Math.max(0, Math.floor(freeMs / durationMs))); count >= 0; count--) {
      row[kind] = count;
      left[kind] = (left[kind] ?? 0) - count;
      if (fill(lane, nth + 1, freeMs - count * durationMs, tied && count === before)) return true;
      left[kind] = (left[kind] ?? 0) + count;
      row[kind] = 0;
    }
    return false;
  };
  if (fill(0, 0, goalMs - (lanes[0] ?? goalMs), false)) return { fits: 'yes', filling };
  return { fits: steps > PACKING_STEPS ? 'unknown' : 'no' };
}

/** In the order in which a lane takes them: by head, then those with the longest tail, then the longest. */
function kindsOf(items: readonly LaneItem[]): Kind[] {
  const kinds = new Map<string, Kind>();
  for (const [index, { durationMs, headMs }] of items.entries()) {
    const key = `${durationMs} ${headMs}`;
    const kind = kinds.get(key);
    if (kind) kind.indices.push(index);
    else kinds.set(key, { durationMs, headMs, indices: [index], starts: [], left: 0 });
  }
  const tail = (index: number | undefined): number => (index === undefined ? 0 : (items[index]?.tailMs ?? 0));
  for (const kind of kinds.values()) {
    kind.indices.sort((a, b) => tail(b) - tail(a) || a - b);
    kind.left = kind.indices.length;
  }
  return [...kinds.values()].sort((a, b) => a.headMs - b.headMs || tail(b.indices[0]) - tail(a.indices[0]) || b.durationMs - a.durationMs);
}

/** How many of each kind fill the lane with least idle time. */
function fullest(kinds: readonly Kind[], fromMs: number, goalMs: number): readonly number[] {
  let mostMs = 0;
  let best: readonly number[] = [];
  let steps = 0;
  const taken = kinds.map(() => 0);
  const fill = (index: number, untilMs: number, workedMs: number): void => {
    steps += 1;
    if (workedMs > mostMs) {
      mostMs = workedMs;
      best = taken.slice();
    }
    const kind = kinds[index];
    if (!kind) return;
    const startMs = Math.max(untilMs, kind.headMs);
    const most = Math.min(kind.left, Math.floor((goalMs - startMs) / kind.durationMs));
    for (let count = Math.max(0, most); count >= 0 && steps < FILLING_STEPS && mostMs < goalMs - fromMs; count--) {
      taken[index] = count;
      fill(index + 1, count > 0 ? startMs + count * kind.durationMs : untilMs, workedMs + count * kind.durationMs);
    }
    taken[index] = 0;
  };
  fill(0, fromMs, 0);
  return best;
}
