import type { CustodyInterval, IntervalEnd } from './custody-intervals.ts';
import { boundsOf, type BootTimes, type Moment } from './time-bounds.ts';

/** What is known of a ledger's time: its boots, and the newest entry, up to which what is still open has certainly lasted. */
export interface LedgerTimes {
  readonly boots: readonly BootTimes[];
  readonly newest: Moment | undefined;
}

/** An interval with the earliest and latest that it can have opened and closed; infinite where nothing is known. */
export interface Bounded {
  readonly row: CustodyInterval;
  readonly openFrom: number;
  readonly openTo: number;
  readonly closeFrom: number;
  readonly closeTo: number;
  /** `held`: the latest that the stay can have begun which the removal ended; where the ledger tells of none, the removal itself. */
  readonly leftTo: number;
}

/**
 * Where a held tablet was put in again, if that was at another ledger's cart. `ended`: it stood there after it was taken here, beyond
 * doubt. `certain`: and nowhere else in between; otherwise another stay may by its bounds have come first.
 */
export interface Join {
  readonly held: CustodyInterval;
  readonly docked: CustodyInterval;
  readonly ended: boolean;
  readonly certain: boolean;
}

/** Where the tablet is by the order of all that is known: the last interval of one ledger, or of several whose order is open (`undecided`) or impossible (`overlap`). */
export interface Placement {
  readonly kind: 'placed' | 'undecided' | 'overlap';
  readonly rows: readonly CustodyInterval[];
}

export interface CustodyVerdict {
  /** Every row with its bounds. */
  readonly bounded: readonly Bounded[];
  readonly joins: readonly Join[];
  /** Pairs that cannot both be true of one tablet, each with the ledger named first in front. */
  readonly conflicts: readonly (readonly [CustodyInterval, CustodyInterval])[];
  readonly placement: Placement | undefined;
  /** Ledgers whose next word, or whose tighter bounds, can change the verdict; with the earliest opening that it is about, infinite where that is not bounded. */
  readonly unsettled: ReadonlyMap<string, number>;
}

/**
 * What the intervals of one serial in all ledgers mean together, on the assumption that there is one such tablet: it is in one
 * slot at a time, so that two stays in different carts came one after the other. Which came first follows from bounds alone; wall
 * clocks decide nothing. Stays that overlap beyond every bound contradict the assumption.
 */
export function judgeCustody(rows: readonly CustodyInterval[], timesOf: (origin: string) => LedgerTimes): CustodyVerdict {
  const bounded = rows.map((row) => boundedBy(row, timesOf(row.origin))).sort((a, b) => (a.row.origin < b.row.origin ? -1 : a.row.origin > b.row.origin ? 1 : a.row.opened.mark.seq - b.row.opened.mark.seq));
  const stays = bounded.filter(({ row }) => row.kind === 'docked');
  const conflicts: (readonly [CustodyInterval, CustodyInterval])[] = [];
  const unsettled = new Map<string, number>();
  const unsettle = (...about: readonly Bounded[]): void => {
    const from = Math.min(...about.map(({ openFrom }) => openFrom));
    for (const { row } of about) unsettled.set(row.origin, Math.min(from, unsettled.get(row.origin) ?? from));
  };
  for (const [index, a] of stays.entries()) {
    for (const b of stays.slice(index + 1)) {
      if (a.row.origin === b.row.origin) continue;
      const before = canPrecede(a, b);
      const after = canPrecede(b, a);
      if (!before && !after) conflicts.push([a.row, b.row]);
      if (before && after) unsettle(a, b);
      // What came first and is not known to have left will contradict the later one with its next entries, or has left.
      const first = before && !after ? a : after && !before ? b : undefined;
      if (first && !first.row.closed) unsettle(first);
    }
  }
  const joins: Join[] = [];
  for (const held of bounded) {
    const found = held.row.kind === 'held' ? joinOf(held, bounded, stays) : undefined;
    if (!found) continue;
    joins.push({ held: held.row, docked: found.stay.row, ended: found.ended, certain: found.certain });
    if (!found.certain) unsettle(held, found.stay);
  }
  return { bounded, joins, conflicts, placement: placementOf(bounded), unsettled };
}

/** `closed` of an open stay in a slot is the newest entry of its ledger: so long the cart has certainly watched it. */
export function boundedBy(row: CustodyInterval, { boots, newest }: LedgerTimes): Bounded {
  const { opened, closed } = row;
  const open = endBounds(boots, opened);
  const close = closed ? endBounds(boots, closed) : { from: newest && row.kind === 'docked' ? (boundsOf(boots, newest).notBeforeMs ?? open.from) : open.from, to: Number.POSITIVE_INFINITY };
  const leftTo = row.left ? Math.min(endBounds(boots, row.left).to, open.to) : open.to;
  return { row, openFrom: open.from, openTo: open.to, closeFrom: Math.max(close.from, open.from), closeTo: close.to, leftTo };
}

export function endBounds(boots: readonly BootTimes[], { mark, after, stated }: IntervalEnd): { readonly from: number; readonly to: number } {
  const own = boundsOf(boots, mark);
  if (stated) return { from: stated.notBeforeMs ?? Number.NEGATIVE_INFINITY, to: Math.min(stated.notAfterMs ?? Number.POSITIVE_INFINITY, own.notAfterMs ?? Number.POSITIVE_INFINITY) };
  const from = after ? boundsOf(boots, after).notBeforeMs : own.notBeforeMs;
  return { from: from ?? Number.NEGATIVE_INFINITY, to: own.notAfterMs ?? Number.POSITIVE_INFINITY };
}

/** Whether `a` can have ended before `b` began. */
const canPrecede = (a: Bounded, b: Bounded): boolean => (a.row.origin === b.row.origin ? a.row.opened.mark.seq < b.row.opened.mark.seq : a.closeFrom <= b.openTo);

/** Certain: `a` came first, and nothing else is possible. */
const precedes = (a: Bounded, b: Bounded): boolean => canPrecede(a, b) && !canPrecede(b, a);

/** The first stay elsewhere after the tablet was taken here and before it was back. */
function joinOf(held: Bounded, all: readonly Bounded[], stays: readonly Bounded[]): { readonly stay: Bounded; readonly ended: boolean; readonly certain: boolean } | undefined {
  const { origin, opened, closed } = held.row;
  const own = all.filter(({ row }) => row.origin === origin);
  // The stay that the removal ended.
  const left: Bounded = { ...held, openTo: held.leftTo, closeFrom: held.openFrom };
  const back = own.find(({ row }) => row.kind === 'docked' && row.opened.mark.seq > opened.mark.seq);
  const elsewhere = stays.filter((stay) => stay.row.origin !== origin && canPrecede(left, stay) && (!back || canPrecede(stay, back)));
  const certain = elsewhere.filter((stay) => precedes(left, stay) && (!back || precedes(stay, back)));
  const first = earliest(certain);
  if (first) return { stay: first, ended: true, certain: elsewhere.every((stay) => stay === first || precedes(first, stay)) };
  // What came back here, or is known to be elsewhere, needs no guess.
  const guess = closed ? undefined : earliest(elsewhere);
  return guess && { stay: guess, ended: false, certain: false };
}

function earliest(stays: readonly Bounded[]): Bounded | undefined {
  return stays.reduce<Bounded | undefined>((best, stay) => (!best || precedes(stay, best) || (!precedes(best, stay) && stay.openTo < best.openTo) ? stay : best), undefined);
}

function placementOf(all: readonly Bounded[]): Placement | undefined {
  const last = new Map<string, Bounded>();
  // Of what was taken out it is known only that it was there until then.
  for (const each of all) last.set(each.row.origin, each.row.kind === 'held' ? { ...each, openTo: each.leftTo, closeFrom: each.openFrom } : each);
  const candidates = [...last.values()];
  const newest = candidates.filter((each) => !candidates.some((other) => other !== each && precedes(each, other)));
  if (newest.length === 0) return candidates.length === 0 ? undefined : { kind: 'overlap', rows: candidates.map(({ row }) => row) };
  if (newest.length === 1) return { kind: 'placed', rows: newest.map(({ row }) => row) };
  const overlap = newest.some((a) => newest.some((b) => a !== b && !canPrecede(a, b) && !canPrecede(b, a)));
  return { kind: overlap ? 'overlap' : 'undecided', rows: newest.toSorted((a, b) => b.openFrom - a.openFrom).map(({ row }) => row) };
}
