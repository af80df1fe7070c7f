import type { BoundedTime, ConflictSide, CustodyConflict, Holder } from '../contract/custody.ts';
import type { PastEnd } from '../domain/custody-history.ts';
import type { CustodyInterval, IntervalHolder } from '../domain/custody-intervals.ts';
import { endBounds, type LedgerTimes } from '../domain/custody-order.ts';
import type { Bounds } from '../domain/time-bounds.ts';
import type { ConflictRow } from './conflicts.ts';
import type { Queryable } from './database.ts';
import { timesFor } from './ledger-times.ts';

/** What people call the ledger's persons and stations. */
export interface Names {
  /** By what the ledger calls a person. */
  readonly people: ReadonlyMap<string, string>;
  readonly carts: ReadonlyMap<string, string>;
}

/** Custody as the people's API tells it: ISO times, names, and evidence. */
export const FORGOTTEN = 'Somebody no longer in the directory';

export async function carts(client: Queryable): Promise<ReadonlyMap<string, string>> {
  const found = await client.query<{ id: string; cart: string }>('select id, cart from station');
  return new Map(found.rows.map(({ id, cart }) => [id, cart]));
}

/** A station's clock may claim anything that an integer can hold; what no calendar has is told as the end that it is beyond. */
export const isoTime = (ms: number): string => new Date(Math.min(Math.max(ms, -8.64e15), 8.64e15)).toISOString();

export const holderAnswer = (holder: IntervalHolder, { people }: Names): Holder => (holder.kind === 'person' ? { kind: 'person', name: people.get(holder.actor) ?? FORGOTTEN } : holder);

export const boundedAnswer = (claimedMs: number, { notBeforeMs, notAfterMs }: Bounds): BoundedTime => ({
  claimed: isoTime(claimedMs),
  ...(notBeforeMs === undefined ? {} : { notBefore: isoTime(notBeforeMs) }),
  ...(notAfterMs === undefined ? {} : { notAfter: isoTime(notAfterMs) }),
});

export const finiteBounds = (from: number, to: number): Bounds => ({ ...(Number.isFinite(from) ? { notBeforeMs: from } : {}), ...(Number.isFinite(to) ? { notAfterMs: to } : {}) });

export function endAnswer({ how, origin, station, slot, seq, leaf, claimedMs, from, to, certain }: PastEnd, { carts: names }: Names): ConflictSide['opened'] {
  return { how, time: boundedAnswer(claimedMs, finiteBounds(from, to)), evidence: { origin, seq, leaf }, at: { station, cart: names.get(station) ?? station, ...(slot === undefined ? {} : { slot }) }, certain };
}

/** Conflicts with both sides' evidence, bounded by what is known by now. */
export async function conflictAnswers(client: Queryable, rows: readonly ConflictRow[], names: Names): Promise<CustodyConflict[]> {
  const timesOf = await timesFor(client, rows.flatMap(({ sides }) => [...sides]));
  return rows.map((row) => ({
    id: row.id,
    device: row.serial,
    ...(row.asset === null ? {} : { asset: row.asset }),
    sides: [sideAnswer(row.sides[0], timesOf, names), sideAnswer(row.sides[1], timesOf, names)],
    count: row.count,
    foundAt: isoTime(row.found_at_ms),
    lastAt: isoTime(row.last_at_ms),
    ...(row.closed_at_ms === null ? {} : { closed: { at: isoTime(row.closed_at_ms), by: row.closed_by ?? '', reason: row.reason ?? '' } }),
  }));
}

function sideAnswer(row: CustodyInterval, timesOf: (origin: string) => LedgerTimes, names: Names): ConflictSide {
  const { origin, station, slot } = row;
  const end = ({ how, mark, ...rest }: CustodyInterval['opened']): ConflictSide['opened'] => {
    const { from, to } = endBounds(timesOf(origin).boots, { how, mark, ...rest });
    return { how, time: boundedAnswer(mark.atMs, finiteBounds(from, to)), evidence: { origin, seq: mark.seq, leaf: mark.leaf }, certain: true };
  };
  return { place: { station, cart: names.carts.get(station) ?? station, ...(slot === undefined ? {} : { slot }) }, opened: end(row.opened), ...(row.closed ? { closed: end(row.closed) } : {}) };
}
