import { fromOf, untilOf, wattsOf, type Timeline } from './night-timeline.ts';

const NOTHING = 1e-6;
/** No charging is broken off in its first minute nor before its last one. */
const LEAST_MS = 60_000;

/** Charging that is wanted: `debtMs` of it from `fromMs` on, in as many parts as it takes. */
export interface ChargeWish {
  readonly slot: number;
  readonly watts: number;
  readonly debtMs: number;
  readonly fromMs: number;
  /** Lower ones go first, whatever they owe. */
  readonly rank: number;
}

export interface ChargeSpan {
  readonly slot: number;
  readonly watts: number;
  readonly startMs: number;
  readonly endMs: number;
}

export interface Charging {
  readonly spans: readonly ChargeSpan[];
  /** By slot; absent where the debt is not paid by `untilMs`. */
  readonly paidMs: ReadonlyMap<number, number>;
  /** How often a debt was looked at, which is what sharing costs. */
  readonly looks: number;
}

interface Debtor {
  readonly wish: ChargeWish;
  leftMs: number;
  /** Since when it has been charging without a break. */
  onSinceMs: number | undefined;
  on: boolean;
}

/**
 * Shares what power the timeline has left: the longest debts of a rank first, looked at anew whenever one is paid, the power
 * changes, or a waiting one would be late if it waited longer (its debt is all the time to the common `goalMs`). With
 * equal watts and ranks that meets the goal whenever it can be met: those with no time to spare are the longest, power is left
 * over only when all are charging, and more of them than it is enough for would together owe more than it can give.
 */
export function shareCharge(timeline: Timeline, wishes: readonly ChargeWish[], fromMs: number, untilMs: number, goalMs: number): Charging {
  const spans: ChargeSpan[] = [];
  const paidMs = new Map<number, number>();
  const debtors: Debtor[] = [];
  for (const wish of wishes) {
    if (wish.debtMs > 0) debtors.push({ wish, leftMs: wish.debtMs, onSinceMs: undefined, on: false });
    else paidMs.set(wish.slot, Math.max(fromMs, wish.fromMs));
  }
  if (allAtOnce(timeline, debtors, fromMs, untilMs)) {
    for (const { wish, leftMs } of debtors) {
      spans.push({ slot: wish.slot, watts: wish.watts, startMs: fromMs, endMs: fromMs + leftMs });
      paidMs.set(wish.slot, fromMs + leftMs);
    }
    return { spans, paidMs, looks: debtors.length };
  }
  let looks = 0;
  const stop = (debtor: Debtor, atMs: number): void => {
    const { slot, watts } = debtor.wish;
    if (debtor.onSinceMs !== undefined) spans.push({ slot, watts, startMs: debtor.onSinceMs, endMs: atMs });
    debtor.onSinceMs = undefined;
  };
  let nowMs = fromMs;
  let stretch = 0;
  while (debtors.length > 0 && nowMs < untilMs) {
    while (untilOf(timeline, stretch) <= nowMs) stretch += 1;
    debtors.sort((a, b) => settled(a, nowMs) - settled(b, nowMs) || a.wish.rank - b.wish.rank || b.leftMs - a.leftMs || a.wish.slot - b.wish.slot);
    looks += debtors.length;
    let watts = wattsOf(timeline, stretch);
    let nextMs = Math.min(untilMs, untilOf(timeline, stretch));
    for (const debtor of debtors) {
      const { wish, leftMs } = debtor;
      debtor.on = wish.fromMs <= nowMs && wish.watts <= watts + NOTHING;
      if (debtor.on) {
        watts -= wish.watts;
        nextMs = Math.min(nextMs, nowMs + leftMs);
      } else if (wish.fromMs > nowMs) nextMs = Math.min(nextMs, wish.fromMs);
      else if (goalMs - leftMs > nowMs) nextMs = Math.min(nextMs, goalMs - leftMs);
    }
    let kept = 0;
    for (const debtor of debtors) {
      if (debtor.on) {
        debtor.onSinceMs ??= nowMs;
        debtor.leftMs -= nextMs - nowMs;
      } else stop(debtor, nowMs);
      if (debtor.leftMs > 0) debtors[kept++] = debtor;
      else {
        stop(debtor, nextMs);
        paidMs.set(debtor.wish.slot, nextMs);
      }
    }
    debtors.length = kept;
    nowMs = nextMs;
  }
  for (const debtor of debtors) stop(debtor, nowMs);
  return { spans, paidMs, looks };
}

function settled({ onSinceMs, leftMs }: Debtor, nowMs: number): number {
  return onSinceMs !== undefined && (nowMs - onSinceMs < LEAST_MS || leftMs <= LEAST_MS) ? 0 : 1;
}

/** Whether there is power for all from the beginning to the end. */
function allAtOnce(timeline: Timeline, debtors: readonly Debtor[], fromMs: number, untilMs: number): boolean {
  let watts = 0;
  let longestMs = 0;
  for (const { wish, leftMs } of debtors) {
    if (wish.fromMs > fromMs) return false;
    watts += wish.watts;
    longestMs = Math.max(longestMs, leftMs);
  }
  if (fromMs + longestMs > untilMs) return false;
  for (let index = 0; index < timeline.rows && fromOf(timeline, index) < fromMs + longestMs; index++) {
    if (untilOf(timeline, index) > fromMs && wattsOf(timeline, index) + NOTHING < watts) return false;
  }
  return true;
}
