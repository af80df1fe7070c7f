import type { CustodyInterval, EndKind, IntervalEnd } from './custody-intervals.ts';
import { boundedBy, endBounds, type Join, type LedgerTimes } from './custody-order.ts';
import type { EntryType } from './entries.ts';

/** Unix milliseconds of the server's clock, both ends included. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** One end of a stretch of the past: the entry that shows it, what its cart's clock claimed, and the bounds; infinite where nothing is known. */
export interface PastEnd {
  readonly how: EndKind;
  readonly origin: string;
  readonly station: string;
  readonly slot?: number;
  readonly seq: number;
  readonly leaf: string;
  readonly claimedMs: number;
  readonly from: number;
  readonly to: number;
  /** False: by the bounds it may not have been so. */
  readonly certain: boolean;
}

/** A stretch of a tablet's past. `unwatched`: it had been in the slot of `row`, and the cart did not see or it was away for its wipe. */
export interface PastInterval {
  readonly kind: CustodyInterval['kind'] | 'unwatched';
  readonly row: CustodyInterval;
  readonly opened: PastEnd;
  readonly closed?: PastEnd;
  readonly overlap: 'certain' | 'possible';
  /** Entries of the ledger between which it lies; `toSeq` is left out while it goes on. */
  readonly fromSeq: number;
  readonly toSeq?: number;
}

/** What is told of a tablet inside an interval, beside its ends. */
export const TOUCHES: ReadonlySet<EntryType> = new Set<EntryType>([
  'offered', 'offer-lapsed', 'released', 'wrong-pull', 'unidentified-removal', 'removal-claimed', 'removal-unclaimed', 'returned', 'returned-elsewhere', 'return-stated', 'foreign-docked', 'absent', 'reappeared', 'exposed',
  'sanitization-requested', 'sanitization-failed', 'sanitized', 'update-requested', 'updated', 'update-failed', 'quarantined', 'device-standing',
]);

/**
 * Every interval of one serial that was, or by the bounds may have been, at some moment of the span, in order of opening. Custody is
 * what the records say: a held tablet is answered for until it was put in, here or elsewhere.
 */
export function pastIntervals(rows: readonly CustodyInterval[], joins: readonly Join[], timesOf: (origin: string) => LedgerTimes, span: Span): readonly PastInterval[] {
  const past: PastInterval[] = [];
  for (const row of rows) {
    const times = timesOf(row.origin);
    const opened = pastEnd(row, seen(row.opened), times);
    const join = joins.find(({ held }) => held === row);
    const own = row.closed && pastEnd(row, row.closed, times);
    const closed = join ? { ...pastEnd(join.docked, join.docked.opened, timesOf(join.docked.origin)), how: 'elsewhere' as const, certain: join.certain } : own;
    const certainly = join && !join.certain ? opened.from : closed ? closed.from : lastKnown(row, times);
    const ends = join && !join.ended ? (own?.to ?? Number.POSITIVE_INFINITY) : (closed?.to ?? Number.POSITIVE_INFINITY);
    const toSeq = row.closed?.mark.seq;
    const overlap = overlapOf(opened, Math.max(certainly, opened.from), ends, span);
    if (overlap) past.push({ kind: row.kind, row, opened, ...(closed ? { closed } : {}), overlap, fromSeq: row.opened.mark.seq, ...(toSeq === undefined ? {} : { toSeq }) });
    if (own && (own.how === 'out-of-sight' || own.how === 'away-for-wipe')) past.push(...unwatched(row, own, rows, times, span));
  }
  return past.sort((a, b) => a.opened.from - b.opened.from || a.opened.to - b.opened.to || a.fromSeq - b.fromSeq);
}

/** From the moment that the cart did not see it until the cart's next word about it. */
function unwatched(row: CustodyInterval, opened: PastEnd, rows: readonly CustodyInterval[], times: LedgerTimes, span: Span): readonly PastInterval[] {
  const next = rows.filter(({ origin, opened: { mark } }) => origin === row.origin && mark.seq > opened.seq).sort((a, b) => a.opened.mark.seq - b.opened.mark.seq)[0];
  const closed = next && pastEnd(next, seen(next.opened), times);
  const overlap = overlapOf(opened, opened.from, closed?.to ?? Number.POSITIVE_INFINITY, span);
  return overlap ? [{ kind: 'unwatched', row, opened, ...(closed ? { closed, toSeq: closed.seq } : {}), overlap: 'possible', fromSeq: opened.seq }] : [];
}

/** What was seen again was there from then on; the time before is told as unwatched. */
function seen({ after, ...end }: IntervalEnd): IntervalEnd {
  return end.how === 'seen-again' || after === undefined ? end : { ...end, after };
}

function pastEnd(row: CustodyInterval, end: IntervalEnd, { boots }: LedgerTimes): PastEnd {
  const { from, to } = endBounds(boots, end);
  const { how, mark, stated } = end;
  const where = stated
    ? { origin: stated.origin, station: stated.station, seq: stated.seq, leaf: stated.leaf, claimedMs: stated.claimedMs }
    : { origin: row.origin, station: row.station, seq: mark.seq, leaf: mark.leaf, claimedMs: mark.atMs, ...(row.slot === undefined ? {} : { slot: row.slot }) };
  return { how, ...where, from, to, certain: true };
}

/** How long an open interval has certainly lasted: up to the newest entry that its ledger has shown. */
function lastKnown(row: CustodyInterval, times: LedgerTimes): number {
  const own = boundedBy(row, times);
  const newest = times.newest && !row.closed ? boundedBy({ ...row, kind: 'docked' }, times).closeFrom : own.closeFrom;
  return Math.max(own.closeFrom, newest);
}

function overlapOf(opened: PastEnd, closeFrom: number, closeTo: number, { fromMs, toMs }: Span): PastInterval['overlap'] | undefined {
  if (opened.from > toMs || closeTo < fromMs) return undefined;
  // It had opened before the span was over, and had not closed before it began: wherever in their bounds the ends lie.
  return opened.to <= toMs && closeFrom >= fromMs ? 'certain' : 'possible';
}
