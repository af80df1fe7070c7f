import type { CartLimits } from './night-problem.ts';

/** Watts and rates are fractions that were added and taken away again; less than this is nothing. */
const NOTHING = 1e-6;

/**
 * What the cart has left at every moment: one number of each kind for every stretch, which lasts until the next begins;
 * the last one has no end. Arrays of numbers, because hundreds of them are tried for one plan.
 */
export interface Timeline {
  readonly fromMs: number[];
  readonly wipes: number[];
  readonly updates: number[];
  readonly watts: number[];
  readonly megabytesPerSecond: number[];
}

/**
 * One piece of work that cannot be interrupted: a wipe, which downloads evenly over `durationMs`, or an update, which
 * downloads `megabytes` with whatever rate is left, up to its most, and then takes `durationMs`.
 */
export interface Stage {
  readonly kind: 'wipe' | 'update';
  readonly durationMs: number;
  readonly megabytes: number;
  /** Of a wipe: its even rate. Of an update: the most it takes. */
  readonly megabytesPerSecond: number;
  readonly watts: number;
}

/** Where a stage goes: when, and how fast it downloads from when on. */
export interface Fit {
  readonly startMs: number;
  readonly endMs: number;
  /** Of an update; a wipe's rate is even. */
  readonly rates?: readonly { readonly fromMs: number; readonly megabytesPerSecond: number }[];
}

/** How much of the network an update takes: it begins where at least `least` is free of what it would take at `most` MB/s. */
export interface Taking {
  readonly least: number;
  readonly most: number;
}
export const ALL_THERE_IS: Taking = { least: 0, most: Infinity };

export function emptyCart(limits: CartLimits, nowMs: number): Timeline {
  return { fromMs: [nowMs], wipes: [limits.wipes], updates: [limits.updates], watts: [limits.watts], megabytesPerSecond: [limits.megabytesPerSecond] };
}

export function copyOf({ fromMs, wipes, updates, watts, megabytesPerSecond }: Timeline): Timeline {
  return { fromMs: fromMs.slice(), wipes: wipes.slice(), updates: updates.slice(), watts: watts.slice(), megabytesPerSecond: megabytesPerSecond.slice() };
}

/** When the stretch ends. */
export const untilOf = ({ fromMs }: Timeline, stretch: number): number => fromMs[stretch + 1] ?? Infinity;

/**
 * The first place from `notBeforeMs` on that has lane and watts for all of the stage's time and its download rate; an
 * update takes what `taking` says. Nothing if there is none.
 */
export function earliestFit(timeline: Timeline, stage: Stage, notBeforeMs: number, taking: Taking): Fit | undefined {
  const lanes = stage.kind === 'wipe' ? timeline.wipes : timeline.updates;
  const last = timeline.fromMs.length - 1;
  let first = 0;
  while (untilOf(timeline, first) <= notBeforeMs) first += 1;
  while (first <= last) {
    if ((lanes[first] ?? 0) < 1) {
      first += 1;
      continue;
    }
    const startMs = Math.max(notBeforeMs, timeline.fromMs[first] ?? 0);
    const fit = stage.kind === 'wipe' ? evenly(timeline, stage, first, startMs) : elastically(timeline, stage, first, startMs, taking);
    if (typeof fit !== 'number') return fit;
    first = fit + 1;
  }
  return undefined;
}

/** The wipe from `startMs`, or the stretch where it does not fit. */
function evenly({ fromMs, wipes, watts, megabytesPerSecond }: Timeline, stage: Stage, first: number, startMs: number): Fit | number {
  const endMs = startMs + stage.durationMs;
  for (let index = first; index < fromMs.length && (fromMs[index] ?? 0) < endMs; index++) {
    const short = (wipes[index] ?? 0) < 1 || (watts[index] ?? 0) + NOTHING < stage.watts || (megabytesPerSecond[index] ?? 0) + NOTHING < stage.megabytesPerSecond;
    if (short) return index;
  }
  return { startMs, endMs };
}

/** The update from `startMs`, or the stretch where it does not fit. */
function elastically(timeline: Timeline, stage: Stage, first: number, startMs: number, taking: Taking): Fit | number {
  const { fromMs, updates, watts, megabytesPerSecond } = timeline;
  const most = Math.min(stage.megabytesPerSecond, taking.most);
  if (stage.megabytes > 0 && (megabytesPerSecond[first] ?? 0) + NOTHING < most * taking.least) return first;
  const rates: { fromMs: number; megabytesPerSecond: number }[] = [];
  let left = stage.megabytes;
  let endMs = left > 0 ? Infinity : startMs + stage.durationMs;
  for (let index = first; index < fromMs.length && (fromMs[index] ?? 0) < endMs; index++) {
    if ((updates[index] ?? 0) < 1 || (watts[index] ?? 0) + NOTHING < stage.watts) return index;
    if (left <= 0) continue;
    const beginMs = Math.max(startMs, fromMs[index] ?? 0);
    const untilMs = untilOf(timeline, index);
    const rate = Math.min(most, Math.max(0, megabytesPerSecond[index] ?? 0));
    rates.push({ fromMs: beginMs, megabytesPerSecond: rate });
    const neededMs = rate < NOTHING ? Infinity : Math.ceil((left / rate) * 1000);
    if (beginMs + neededMs <= untilMs) {
      rates.push({ fromMs: beginMs + neededMs, megabytesPerSecond: 0 });
      left = 0;
      endMs = beginMs + neededMs + stage.durationMs;
    } else left -= (rate * (untilMs - beginMs)) / 1000;
  }
  return Number.isFinite(endMs) ? { startMs, endMs, rates } : fromMs.length;
}

/** Takes what the stage needs out of the timeline, whether it is there or not. */
export function occupy(timeline: Timeline, stage: Stage, { startMs, endMs, rates }: Fit): void {
  const lanes = stage.kind === 'wipe' ? timeline.wipes : timeline.updates;
  splitAt(timeline, endMs);
  if (rates) for (const { fromMs } of rates) splitAt(timeline, fromMs);
  let next = 0;
  let rate = rates ? 0 : stage.megabytesPerSecond;
  for (let index = splitAt(timeline, startMs); index < timeline.fromMs.length; index++) {
    const fromMs = timeline.fromMs[index] ?? Infinity;
    if (fromMs >= endMs) return;
    for (let due = rates?.[next]; due && due.fromMs <= fromMs; due = rates?.[next]) {
      rate = due.megabytesPerSecond;
      next += 1;
    }
    lanes[index] = (lanes[index] ?? 0) - 1;
    timeline.watts[index] = (timeline.watts[index] ?? 0) - stage.watts;
    timeline.megabytesPerSecond[index] = (timeline.megabytesPerSecond[index] ?? 0) - rate;
  }
}

/** Takes watts alone out of the timeline. */
export function draw(timeline: Timeline, watts: number, startMs: number, endMs: number): void {
  splitAt(timeline, endMs);
  for (let index = splitAt(timeline, startMs); index < timeline.fromMs.length; index++) {
    if ((timeline.fromMs[index] ?? Infinity) >= endMs) return;
    timeline.watts[index] = (timeline.watts[index] ?? 0) - watts;
  }
}

/** The index of the stretch that begins at `atMs`, which is made if there is none. */
function splitAt(timeline: Timeline, atMs: number): number {
  const { fromMs } = timeline;
  let index = fromMs.length - 1;
  while (index >= 0 && (fromMs[index] ?? 0) > atMs) index -= 1;
  if (index < 0) throw new Error(`the timeline begins after ${atMs}`);
  if (fromMs[index] === atMs) return index;
  for (const amounts of [timeline.wipes, timeline.updates, timeline.watts, timeline.megabytesPerSecond]) amounts.splice(index + 1, 0, amounts[index] ?? 0);
  fromMs.splice(index + 1, 0, atMs);
  return index + 1;
}
