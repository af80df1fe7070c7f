import type { CartLimits } from './night-problem.ts';

/** Watts and rates are fractions that were added and taken away again; less than this is nothing. */
const NOTHING = 1e-6;

/**
 * What the cart has left at every moment: a row of numbers for each stretch of time, which lasts until the next one
 * begins; the last has no end. One plain array of numbers, because hundreds of them are made for one plan.
 */
export interface Timeline {
  rows: number;
  readonly cells: number[];
}
const FROM_MS = 0;
const WIPES = 1;
const UPDATES = 2;
const WATTS = 3;
const RATE = 4;
const WIDTH = 5;

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
  return { rows: 1, cells: [nowMs, limits.wipes, limits.updates, limits.watts, limits.megabytesPerSecond] };
}

export function copyOf({ rows, cells }: Timeline): Timeline {
  return { rows, cells: cells.slice() };
}

/** The same cart as if it had no limit but its network. */
export function networkOnly(timeline: Timeline): Timeline {
  const copy = copyOf(timeline);
  for (let row = 0; row < copy.rows; row++) copy.cells.fill(Infinity, row * WIDTH + WIPES, row * WIDTH + RATE);
  return copy;
}

/** Gives back, or takes, so many wipe lanes for all of the time. */
export function addWipeLanes({ rows, cells }: Timeline, lanes: number): void {
  for (let row = 0; row < rows; row++) cells[row * WIDTH + WIPES] = (cells[row * WIDTH + WIPES] ?? 0) + lanes;
}

const cellOf = ({ cells }: Timeline, row: number, column: number): number => cells[row * WIDTH + column] ?? 0;
export const fromOf = (timeline: Timeline, row: number): number => cellOf(timeline, row, FROM_MS);
export const wattsOf = (timeline: Timeline, row: number): number => cellOf(timeline, row, WATTS);
export const untilOf = (timeline: Timeline, row: number): number => (row + 1 < timeline.rows ? cellOf(timeline, row + 1, FROM_MS) : Infinity);

/**
 * The first place from `notBeforeMs` on that has lane and watts for all of the stage's time and its download rate; an
 * update takes what `taking` says. Nothing if there is none.
 */
export function earliestFit(timeline: Timeline, stage: Stage, notBeforeMs: number, taking: Taking): Fit | undefined {
  const lane = stage.kind === 'wipe' ? WIPES : UPDATES;
  let row = 0;
  while (untilOf(timeline, row) <= notBeforeMs) row += 1;
  while (row < timeline.rows) {
    if (cellOf(timeline, row, lane) < 1) {
      row += 1;
      continue;
    }
    const startMs = Math.max(notBeforeMs, fromOf(timeline, row));
    const fit = stage.kind === 'wipe' ? evenly(timeline, stage, row, startMs) : elastically(timeline, stage, row, startMs, taking);
    if (typeof fit !== 'number') return fit;
    row = fit + 1;
  }
  return undefined;
}

/** The wipe from `startMs`, or the row where it does not fit. */
function evenly(timeline: Timeline, stage: Stage, first: number, startMs: number): Fit | number {
  const endMs = startMs + stage.durationMs;
  for (let row = first; row < timeline.rows && fromOf(timeline, row) < endMs; row++) {
    if (cellOf(timeline, row, WIPES) < 1 || wattsOf(timeline, row) + NOTHING < stage.watts || cellOf(timeline, row, RATE) + NOTHING < stage.megabytesPerSecond) return row;
  }
  return { startMs, endMs };
}

/** The update from `startMs`, or the row where it does not fit. */
function elastically(timeline: Timeline, stage: Stage, first: number, startMs: number, taking: Taking): Fit | number {
  const most = Math.min(stage.megabytesPerSecond, taking.most);
  if (stage.megabytes > 0 && cellOf(timeline, first, RATE) + NOTHING < most * taking.least) return first;
  const rates: { fromMs: number; megabytesPerSecond: number }[] = [];
  let left = stage.megabytes;
  let endMs = left > 0 ? Infinity : startMs + stage.durationMs;
  for (let row = first; row < timeline.rows && fromOf(timeline, row) < endMs; row++) {
    if (cellOf(timeline, row, UPDATES) < 1 || wattsOf(timeline, row) + NOTHING < stage.watts) return row;
    if (left <= 0) continue;
    const fromMs = Math.max(startMs, fromOf(timeline, row));
    const untilMs = untilOf(timeline, row);
    const rate = Math.min(most, Math.max(0, cellOf(timeline, row, RATE)));
    rates.push({ fromMs, megabytesPerSecond: rate });
    const neededMs = rate < NOTHING ? Infinity : Math.ceil((left / rate) * 1000);
    if (fromMs + neededMs <= untilMs) {
      rates.push({ fromMs: fromMs + neededMs, megabytesPerSecond: 0 });
      left = 0;
      endMs = fromMs + neededMs + stage.durationMs;
    } else left -= (rate * (untilMs - fromMs)) / 1000;
  }
  return Number.isFinite(endMs) ? { startMs, endMs, rates } : timeline.rows;
}

/** Takes what the stage needs out of the timeline, whether it is there or not. */
export function occupy(timeline: Timeline, stage: Stage, { startMs, endMs, rates }: Fit): void {
  const lane = stage.kind === 'wipe' ? WIPES : UPDATES;
  splitAt(timeline, endMs);
  if (rates) for (const { fromMs } of rates) splitAt(timeline, fromMs);
  let next = 0;
  let rate = rates ? 0 : stage.megabytesPerSecond;
  for (let row = splitAt(timeline, startMs); row < timeline.rows && fromOf(timeline, row) < endMs; row++) {
    for (let due = rates?.[next]; due && due.fromMs <= fromOf(timeline, row); due = rates?.[next]) {
      rate = due.megabytesPerSecond;
      next += 1;
    }
    take(timeline, row, lane, 1);
    take(timeline, row, WATTS, stage.watts);
    take(timeline, row, RATE, rate);
  }
}

/** Takes watts alone out of the timeline. */
export function draw(timeline: Timeline, watts: number, startMs: number, endMs: number): void {
  splitAt(timeline, endMs);
  for (let row = splitAt(timeline, startMs); row < timeline.rows && fromOf(timeline, row) < endMs; row++) take(timeline, row, WATTS, watts);
}

function take({ cells }: Timeline, row: number, column: number, amount: number): void {
  cells[row * WIDTH + column] = (cells[row * WIDTH + column] ?? 0) - amount;
}

/** The row that begins at `atMs`, which is made if there is none. */
function splitAt(timeline: Timeline, atMs: number): number {
  let row = timeline.rows - 1;
  while (row >= 0 && fromOf(timeline, row) > atMs) row -= 1;
  if (row < 0) throw new Error(`the timeline begins after ${atMs}`);
  if (fromOf(timeline, row) === atMs) return row;
  const { cells } = timeline;
  for (let column = 0; column < WIDTH; column++) cells.push(0);
  for (let cell = cells.length - 1; cell >= (row + 1) * WIDTH; cell--) cells[cell] = cells[cell - WIDTH] ?? 0;
  cells[(row + 1) * WIDTH + FROM_MS] = atMs;
  timeline.rows += 1;
  return row + 1;
}
