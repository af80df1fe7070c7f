import type { CustodyFold, CustodyInterval } from '../domain/custody-intervals.ts';
import type { LedgerTimes } from '../domain/custody-order.ts';
import type { BootTimes } from '../domain/time-bounds.ts';
import type { Queryable } from './database.ts';

const UNKNOWN: LedgerTimes = { boots: [], newest: undefined };

/**
 * The anchors that bound these intervals, by ledger: the boots in which their ends stand, the nearest ones to either side that
 * heard or showed a time, and the newest; not the whole history. `own`: times that the caller has at hand.
 */
export async function timesFor(client: Queryable, rows: readonly CustodyInterval[], own?: { readonly origin: string; readonly times: LedgerTimes }): Promise<(origin: string) => LedgerTimes> {
  const spans = new Map<string, { from: number; to: number }>();
  for (const { origin, left, opened, closed } of rows) {
    const seqs = [left?.mark.seq, opened.after?.seq, opened.mark.seq, closed?.after?.seq, closed?.mark.seq].filter((seq) => seq !== undefined);
    const span = spans.get(origin);
    spans.set(origin, { from: Math.min(...seqs, span?.from ?? Number.MAX_SAFE_INTEGER), to: Math.max(...seqs, span?.to ?? 0) });
  }
  // What is at hand is enough where it begins before the first of them, in a boot that heard a time.
  const first = own?.times.boots[0];
  const span = own && spans.get(own.origin);
  const athand = own && span && first && first.notBefore.length > 0 && first.first.seq <= span.from ? own : undefined;
  if (athand) spans.delete(athand.origin);
  const others = await timesOver(client, [...spans].map(([origin, { from, to }]) => ({ origin, from, to })));
  return (origin) => (origin === athand?.origin ? athand.times : others(origin));
}

/** The same for stretches of entries. */
export async function timesOver(client: Queryable, spans: readonly { readonly origin: string; readonly from: number; readonly to: number }[]): Promise<(origin: string) => LedgerTimes> {
  const times = new Map<string, { boots: BootTimes[]; newest: CustodyFold['previous'] }>();
  if (spans.length === 0) return () => UNKNOWN;
  const found = await client.query<{ origin: string; times: BootTimes; previous: CustodyFold['previous'] | null }>(
    `select w.origin, near.times, f.fold->'previous' as previous
     from unnest($1::text[], $2::bigint[], $3::bigint[]) as w (origin, lo, hi)
     join custody_fold f on f.origin = w.origin
     cross join lateral (
       (select first_seq, times from ledger_boot b where b.origin = w.origin
          and first_seq >= coalesce((select max(first_seq) from ledger_boot c where c.origin = w.origin and c.times->'notBefore' <> '[]'
                                       and c.first_seq < (select max(first_seq) from ledger_boot d where d.origin = w.origin and d.first_seq <= w.lo)), 0)
          and first_seq <= coalesce((select min(first_seq) from ledger_boot c where c.origin = w.origin and c.times->'notAfter' <> '[]' and c.first_seq > w.hi), w.hi)
        order by first_seq desc limit 200)
       union all
       (select first_seq, times from ledger_boot b where b.origin = w.origin order by first_seq desc limit 1)
       union all
       (select first_seq, times from ledger_boot b where b.origin = w.origin and b.times->'notBefore' <> '[]' order by first_seq desc limit 1)
     ) as near`,
    [spans.map(({ origin }) => origin), spans.map(({ from }) => from), spans.map(({ to }) => to)],
  );
  for (const row of found.rows) {
    const known = times.get(row.origin) ?? { boots: [], newest: row.previous ?? undefined };
    times.set(row.origin, known);
    if (!known.boots.some(({ first }) => first.seq === row.times.first.seq)) known.boots.push(row.times);
  }
  for (const { boots } of times.values()) boots.sort((a, b) => a.first.seq - b.first.seq);
  return (origin) => times.get(origin) ?? UNKNOWN;
}
