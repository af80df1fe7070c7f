import type { RecordedEntry } from './entries.ts';
import type { Moment } from './time-bounds.ts';

/** An entry with its place in the station's own time. */
export type TimedEntry = RecordedEntry & { readonly boot: string; readonly monoMs: number };

/** An entry as evidence: `atMs` is what the station's wall clock claimed. */
export interface Mark extends Moment {
  readonly leaf: string;
  readonly atMs: number;
}

export const INTERVAL_ENDS = ['put-in', 'returned', 'taken', 'elsewhere', 'out-of-sight', 'away-for-wipe', 'seen-again', 'passing'] as const;
export type EndKind = (typeof INTERVAL_ENDS)[number];

/** One end of an interval, as its own ledger tells it. */
export interface IntervalEnd {
  readonly how: EndKind;
  readonly mark: Mark;
  /** Nobody saw it happen: it was some time between this and `mark`. */
  readonly after?: Moment;
  /** `elsewhere`: the entry of another ledger that the server's statement named. */
  readonly stated?: { readonly station: string; readonly origin: string; readonly seq: number; readonly leaf: string; readonly claimedMs: number; readonly notBeforeMs?: number; readonly notAfterMs?: number };
}

export type IntervalHolder = { readonly kind: 'person'; readonly actor: string } | { readonly kind: 'unidentified' } | { readonly kind: 'ward' };

/** A stretch of one tablet's life as one ledger tells it: `docked` while the cart watched it in a slot, `held` from a removal to the return. The ledger and `opened.mark.seq` name it. */
export interface CustodyInterval {
  readonly origin: string;
  readonly station: string;
  readonly serial: string;
  readonly kind: 'held' | 'docked';
  readonly slot?: number;
  readonly release?: string;
  readonly holder?: IntervalHolder;
  /** `held`: how the stay in the slot began that the removal ended. */
  readonly left?: IntervalEnd;
  readonly opened: IntervalEnd;
  readonly closed?: IntervalEnd;
}

/** Whether the cart sees its slots, as its entries show. */
export type Sight =
  | { readonly kind: 'watching' }
  /** Since `since` nobody watched (left out: there is no earlier entry). */
  | { readonly kind: 'lost'; readonly since?: Mark }
  /** It sees again from `from` on, and is comparing its slots with the ledger. */
  | { readonly kind: 'comparing'; readonly since?: Mark; readonly from: Moment };

/** What the fold of one ledger's custody stands on, beside the last interval of each tablet. */
export interface CustodyFold {
  readonly sight: Sight;
  readonly previous?: Mark;
}

export const FIRST_FOLD: CustodyFold = { sight: { kind: 'lost' } };

/** The last interval of each tablet in this ledger. `docked` lists those that are in a slot, or were when sight was lost. */
export interface Tails {
  get(serial: string): CustodyInterval | undefined;
  docked(): Iterable<CustodyInterval>;
}

/** The slots are compared with the ledger in one go once the cart sees again; well within this, everything that happened unseen has been recorded. */
const COMPARISON_MS = 60_000;

/** Entries that only a cart makes that sees its slots. */
const SEEING: ReadonlySet<RecordedEntry['type']> = new Set<RecordedEntry['type']>(['offered', 'released', 'wrong-pull', 'returned', 'foreign-docked', 'absent', 'reappeared', 'exposed', 'sanitization-requested']);

export const markOf = ({ seq, boot, monoMs, leaf, atMs }: TimedEntry): Mark => ({ seq, boot, monoMs, leaf, atMs });

/**
 * What one entry changes in the intervals of its ledger: the rows that are new or other than before, in order. A loss of sight ends
 * what was docked; what has not left by the time the comparison is over is docked again from then on.
 */
export function foldCustody(fold: CustodyFold, tails: Tails, origin: string, entry: TimedEntry): { readonly fold: CustodyFold; readonly rows: readonly CustodyInterval[] } {
  const mark = markOf(entry);
  const rows: CustodyInterval[] = [];
  const changed = new Map<string, CustodyInterval>();
  const tail = (serial: string): CustodyInterval | undefined => changed.get(serial) ?? tails.get(serial);
  const write = (row: CustodyInterval): void => {
    const same = rows.findIndex(({ opened, serial }) => serial === row.serial && opened.mark.seq === row.opened.mark.seq);
    if (same === -1) rows.push(row);
    else rows[same] = row;
    changed.set(row.serial, row);
  };
  let { sight } = fold;

  const loseSight = (since: Mark | undefined): void => {
    if (since) for (const row of tails.docked()) if (!row.closed) write({ ...row, closed: { how: 'out-of-sight', mark: since } });
    const earliest = sight.kind === 'watching' ? since : sight.since;
    sight = earliest ? { kind: 'lost', since: earliest } : { kind: 'lost' };
  };
  const regain = (): void => {
    if (sight.kind === 'lost') sight = { kind: 'comparing', from: mark, ...(sight.since ? { since: sight.since } : {}) };
  };
  if (sight.kind === 'comparing' && (sight.from.boot !== mark.boot || mark.monoMs - sight.from.monoMs > COMPARISON_MS) && entry.type !== 'station-started' && entry.type !== 'recording-resumed') {
    sight = { kind: 'watching' };
    for (const row of tails.docked()) if (row.closed?.how === 'out-of-sight') write(seenAgain(row, mark));
  }
  if (SEEING.has(entry.type)) regain();

  /** Since when this may have happened, if nobody saw it happen. */
  const unseenSince = (row: CustodyInterval | undefined): Moment | undefined => (row?.closed && UNSEEN.has(row.closed.how) ? (row.closed.after ?? row.closed.mark) : sight.kind === 'watching' ? undefined : sight.since);
  const end = (how: EndKind, after: Moment | undefined): IntervalEnd => ({ how, mark, ...(after && after.seq < mark.seq ? { after: { seq: after.seq, boot: after.boot, monoMs: after.monoMs } } : {}) });

  const arrive = (serial: string, seen: 'put-in' | 'seen-again'): void => {
    const before = tail(serial);
    if (before?.kind === 'docked' && !before.closed && before.slot === entry.slot) return;
    const after = unseenSince(before);
    const held = before?.kind === 'held' && !before.closed;
    if (held) write({ ...before, closed: end('returned', after) });
    // It is in another slot than the cart believed: when it left the first one nobody knows.
    if (before?.kind === 'docked' && !before.closed) write({ ...before, closed: end('out-of-sight', before.opened.mark) });
    write({ origin, station: entry.station, serial, kind: 'docked', ...(entry.slot === undefined ? {} : { slot: entry.slot }), opened: end(held ? 'returned' : seen, after) });
  };
  const leave = (serial: string, release: string, holder: IntervalHolder): void => {
    const before = tail(serial);
    const after = unseenSince(before);
    if (before && !before.closed) write({ ...before, closed: end('taken', before.kind === 'held' ? before.opened.mark : undefined) });
    write({ origin, station: entry.station, serial, kind: 'held', release, holder, ...(entry.slot === undefined ? {} : { slot: entry.slot }), ...(before?.kind === 'docked' ? { left: before.opened } : {}), opened: end('taken', after) });
  };
  const holderIs = (serial: string, release: string, holder: IntervalHolder): void => {
    const held = tail(serial);
    if (held?.kind === 'held' && !held.closed && held.release === release) write({ ...held, holder });
  };

  const serial = entry.device;
  switch (entry.type) {
    case 'host-lost':
      loseSight(mark);
      break;
    case 'station-started':
      loseSight(fold.previous);
      break;
    case 'recording-resumed':
      loseSight(fold.previous);
      regain();
      break;
    case 'host-restored':
      regain();
      break;
    case 'returned':
      if (serial !== undefined) arrive(serial, 'put-in');
      break;
    case 'reappeared':
    case 'exposed':
    case 'offered':
    case 'sanitization-requested':
      if (serial !== undefined && tail(serial)?.kind !== 'held') arrive(serial, 'seen-again');
      break;
    case 'foreign-docked': {
      const before = serial === undefined ? undefined : tail(serial);
      if (serial === undefined || (before?.kind === 'docked' && !before.closed)) break;
      const passing = end('passing', unseenSince(before));
      write({ origin, station: entry.station, serial, kind: 'docked', ...(entry.slot === undefined ? {} : { slot: entry.slot }), opened: passing, closed: { how: 'passing', mark } });
      break;
    }
    case 'released':
    case 'wrong-pull':
      if (serial !== undefined && entry.actor !== undefined) leave(serial, entry.body.release, { kind: 'person', actor: entry.actor });
      break;
    case 'unidentified-removal':
      if (serial !== undefined) leave(serial, entry.body.release, { kind: 'unidentified' });
      break;
    case 'removal-claimed':
      if (serial !== undefined && entry.actor !== undefined) holderIs(serial, entry.body.release, { kind: 'person', actor: entry.actor });
      break;
    case 'removal-unclaimed':
      if (serial !== undefined) holderIs(serial, entry.body.release, { kind: 'ward' });
      break;
    case 'absent': {
      const before = serial === undefined ? undefined : tail(serial);
      if (before?.kind === 'docked' && (!before.closed || before.closed.how === 'out-of-sight')) write({ ...before, closed: end('away-for-wipe', unseenSince(before)) });
      break;
    }
    case 'returned-elsewhere': {
      const held = serial === undefined ? undefined : tail(serial);
      const { release, atStation, origin: at, seq, leaf, claimedMs, notBeforeMs, notAfterMs } = entry.body;
      if (held?.kind !== 'held' || held.closed || held.release !== release) break;
      write({ ...held, closed: { how: 'elsewhere', mark, stated: { station: atStation, origin: at, seq, leaf, claimedMs, ...(notBeforeMs === undefined ? {} : { notBeforeMs }), ...(notAfterMs === undefined ? {} : { notAfterMs }) } } });
      break;
    }
    default:
      break;
  }
  return { fold: { sight, previous: mark }, rows };
}

/** Ends after which nobody knows how long the tablet stayed. */
const UNSEEN: ReadonlySet<EndKind> = new Set<EndKind>(['out-of-sight', 'away-for-wipe']);

function seenAgain(row: CustodyInterval, mark: Mark): CustodyInterval {
  const { closed, ...rest } = row;
  return { ...rest, opened: { how: 'seen-again', mark, ...(closed ? { after: closed.mark } : {}) } };
}

/** A time signed by the server that this entry records, so that the entry came after it. Unix milliseconds. */
export function statedMs(entry: RecordedEntry): number | undefined {
  switch (entry.type) {
    case 'bundle-accepted':
    case 'statement-accepted':
    case 'updated':
    case 'returned-elsewhere':
      return Number.isSafeInteger(entry.body.issuedAtMs) ? entry.body.issuedAtMs : undefined;
    default:
      return undefined;
  }
}
