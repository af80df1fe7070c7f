import type { CustodyInterval } from '../domain/custody-intervals.ts';
import { judgeCustody, type Bounded, type Join } from '../domain/custody-order.ts';
import type { CustodyClaims } from '../contract/statement.ts';
import { recordConflicts, type ConflictFound } from './conflicts.ts';
import { finite, nameOf, type CustodyBook, type CustodyNews, type ToJudge } from './custody-book.ts';
import type { Queryable } from './database.ts';
import { inOrder } from './in-order.ts';
import { timesFor } from './ledger-times.ts';
import { savePlacements } from './placements.ts';

/** Signs and queues a custody statement in the transaction of `client`; the tenant and the time are its own to say. */
export type StateElsewhere = (client: Queryable, statement: Omit<CustodyClaims, 'tenant' | 'issuedAtMs'>) => Promise<void>;

/** The interval at another cart that ended a held one. */
export interface Joined {
  readonly origin: string;
  readonly seq: number;
  readonly ended: boolean;
  readonly certain: boolean;
}

interface Stored {
  readonly row: CustodyInterval;
  readonly from_ms: number | null;
  readonly until_ms: number | null;
  readonly joined: Joined | null;
  readonly last: boolean;
  readonly judged: boolean;
}

/** Of one serial, at most so many intervals are weighed at once: the newest. */
const MOST_WEIGHED = 400;

/** After so long the bounds of what is unsettled will not improve any more. */
const WATCH_MS = 7 * 86_400_000;

/** Writes down how far the book is and settles what its news are about; `cosigned` as `CustodyBook.settle` says. */
export async function settleBook(client: Queryable, book: CustodyBook, nowMs: number, stateElsewhere: StateElsewhere | undefined, cosigned?: { readonly size: number; readonly atMs: number }): Promise<void> {
  const { news, written } = await book.settle(cosigned);
  await inOrder([written, settleCustody(client, news, nowMs, stateElsewhere)]);
}

/**
 * Judges the custody of these serials over all ledgers and writes down what follows: where held tablets were put in again, where
 * each tablet is, conflicts, and, once per release, the statement that tells the home cart. One serial is judged by one
 * transaction at a time, whichever process or ledger it belongs to.
 */
async function settleCustody(client: Queryable, { origin: told, times, serials: wanted, fresh }: CustodyNews, nowMs: number, stateElsewhere: StateElsewhere | undefined): Promise<void> {
  if (wanted.length === 0) return;
  const serials = wanted.map(({ serial }) => serial).sort();
  // What is read next is sent behind it, and read once the lock is held.
  const locked = client.query(`select pg_advisory_xact_lock(hashtextextended('custody ' || serial, 0)) from (select serial from unnest($1::text[]) as wanted (serial) order by serial) as ordered`, [serials]);
  const loading = loadIntervals(client, told, wanted);
  await inOrder([locked, loading]);
  const { stored, watched } = await loading;
  for (const { row, fromMs, last } of fresh) {
    const own = stored.get(row.serial) ?? [];
    const before = own.find((each) => each.row.origin === row.origin && nameOf(each.row) === nameOf(row));
    stored.set(row.serial, [...own.filter((each) => each !== before), { row, from_ms: fromMs, until_ms: null, joined: before?.joined ?? null, last, judged: false }]);
  }
  const all = [...stored.values()].flat();
  const timesOf = await timesFor(client, all.map(({ row }) => row), { origin: told, times });

  const changed: Stored[] = [];
  const conflicts: ConflictFound[] = [];
  const ended: { readonly join: Join; readonly docked: Bounded }[] = [];
  const placements = new Map<string, ReturnType<typeof judgeCustody>['placement']>();
  const watch: { serial: string; origin: string; fromMs: number | null }[] = [];
  for (const serial of serials) {
    const own = stored.get(serial) ?? [];
    const { bounded, joins, conflicts: pairs, placement, unsettled } = judgeCustody(own.map(({ row }) => row), timesOf);
    const joinOf = new Map(joins.map((join) => [join.held, join]));
    const boundsOf = new Map(bounded.map((each) => [each.row, each]));
    for (const each of own) {
      const join = joinOf.get(each.row);
      const next = withVerdict(each, join, own, boundsOf);
      if (!each.judged || next.from_ms !== each.from_ms || next.until_ms !== each.until_ms || JSON.stringify(next.joined) !== JSON.stringify(each.joined)) changed.push(next);
      if (join?.ended !== true || each.row.closed) continue;
      if (stateElsewhere) ended.push({ join, docked: known(boundsOf, join.docked) });
      // Told when the home cart speaks next.
      else watch.push({ serial, origin: each.row.origin, fromMs: next.from_ms });
    }
    for (const pair of pairs) conflicts.push({ serial, pair });
    placements.set(serial, placement);
    for (const [origin, from] of unsettled) watch.push({ serial, origin, fromMs: finite(from) });
  }
  const written = [saveVerdicts(client, changed), savePlacements(client, placements)];
  if (watched || watch.length > 0) written.push(saveWatch(client, serials, [...new Map(watch.map((each) => [`${each.serial} ${each.origin}`, each])).values()], nowMs));
  await inOrder(written);
  await recordConflicts(client, conflicts, nowMs);
  if (stateElsewhere) await stateEnds(client, ended, nowMs, stateElsewhere);
}

/** What may overlap the news, the last of every ledger, and as far back as anything about the serial is in doubt; of a tablet that only the ledger `told` knows, what is new. */
async function loadIntervals(client: Queryable, told: string, wanted: readonly ToJudge[]): Promise<{ readonly stored: Map<string, Stored[]>; readonly watched: boolean }> {
  const found = await client.query<{ [K in keyof Stored]: Stored[K] | null } & { readonly watched: boolean }>(
    `select near.row, near.from_ms, near.until_ms, near.joined, near.last, near.judged, w.watched from (
       select wanted.serial, case when doubt.open then null else least(wanted.from_ms, doubt.from_ms) end as from_ms,
              exists (select 1 from custody_interval t where t.serial = wanted.serial and t.last and t.origin <> $3) as shared,
              exists (select 1 from custody_watch x where x.serial = wanted.serial) as watched
       from (select serial, from_ms from unnest($1::text[], $2::bigint[]) as each (serial, from_ms)) as wanted
       cross join lateral (select min(d.from_ms) as from_ms, wanted.from_ms is null or coalesce(bool_or(d.from_ms is null), false) as open
                           from custody_interval d where d.serial = wanted.serial and d.joined @> '{"certain": false}') as doubt
     ) as w left join lateral (
       (select origin, seq, row, from_ms, until_ms, joined, last, judged from custody_interval c where c.serial = w.serial and c.last)
       union
       (select origin, seq, row, from_ms, until_ms, joined, last, judged from custody_interval c where w.shared and c.serial = w.serial and (c.until_ms is null or w.from_ms is null or c.until_ms >= w.from_ms)
        order by c.until_ms desc nulls first limit ${MOST_WEIGHED})
       union
       (select origin, seq, row, from_ms, until_ms, joined, last, judged from custody_interval c where c.serial = w.serial and not c.judged)
     ) as near on true`,
    [wanted.map(({ serial }) => serial), wanted.map(({ fromMs }) => fromMs), told],
  );
  const bySerial = new Map<string, Stored[]>();
  for (const { row, from_ms, until_ms, joined, last, judged } of found.rows) {
    if (row) bySerial.set(row.serial, [...(bySerial.get(row.serial) ?? []), { row, from_ms, until_ms, joined, last: last === true, judged: judged === true }]);
  }
  return { stored: bySerial, watched: found.rows.some(({ watched }) => watched) };
}

function withVerdict(each: Stored, join: Join | undefined, weighed: readonly Stored[], boundsOf: ReadonlyMap<CustodyInterval, Bounded>): Stored {
  const { joined: before } = each;
  // It ended so long ago that the end is not weighed any more: nothing that is weighed can have come before it.
  const past = before?.ended === true && !weighed.some(({ row }) => row.origin === before.origin && row.opened.mark.seq === before.seq);
  if (past) return { ...each, judged: true };
  const own = known(boundsOf, each.row);
  const elsewhere = join && known(boundsOf, join.docked);
  const closeTo = join?.ended === true ? Math.min(own.closeTo, elsewhere?.openTo ?? Number.POSITIVE_INFINITY) : own.closeTo;
  const joined = join ? { origin: join.docked.origin, seq: join.docked.opened.mark.seq, ended: join.ended, certain: join.certain } : null;
  return { row: each.row, from_ms: finite(own.openFrom), until_ms: finite(closeTo), joined, last: each.last, judged: true };
}

function known(boundsOf: ReadonlyMap<CustodyInterval, Bounded>, row: CustodyInterval): Bounded {
  const found = boundsOf.get(row);
  if (!found) throw new Error('an interval was judged and not bounded');
  return found;
}

async function saveVerdicts(client: Queryable, changed: readonly Stored[]): Promise<void> {
  if (changed.length === 0) return;
  await client.query(
    `insert into custody_interval (origin, seq, serial, row, last, judged, from_ms, until_ms, joined)
     select origin, seq, serial, row, last, true, from_ms, until_ms, joined
     from jsonb_to_recordset($1::jsonb) as fresh (origin text, seq bigint, serial text, row jsonb, last boolean, from_ms bigint, until_ms bigint, joined jsonb)
     on conflict (origin, seq, serial) do update
       set row = excluded.row, last = excluded.last, judged = true, from_ms = excluded.from_ms, until_ms = excluded.until_ms, joined = excluded.joined`,
    [JSON.stringify(changed.map(({ row, last, from_ms, until_ms, joined }) => ({ origin: row.origin, seq: row.opened.mark.seq, serial: row.serial, row, last, from_ms, until_ms, joined })))],
  );
}

async function saveWatch(client: Queryable, serials: readonly string[], watch: readonly { serial: string; origin: string; fromMs: number | null }[], nowMs: number): Promise<void> {
  await client.query(
    `with fresh as (select * from unnest($2::text[], $3::text[], $4::bigint[]) as w (serial, origin, from_ms)),
          gone as (delete from custody_watch c where c.serial = any($1::text[]) and (c.until_ms < $5 or not exists (select 1 from fresh where fresh.serial = c.serial and fresh.origin = c.origin)))
     insert into custody_watch (serial, origin, from_ms, until_ms) select serial, origin, from_ms, $6 from fresh on conflict (serial, origin) do update set from_ms = excluded.from_ms`,
    [serials, watch.map(({ serial }) => serial), watch.map(({ origin }) => origin), watch.map(({ fromMs }) => fromMs), nowMs, nowMs + WATCH_MS],
  );
}

/** Tells the home cart of each release that certainly ended elsewhere, once, and only in the ledger that it writes now. */
async function stateEnds(client: Queryable, ended: readonly { readonly join: Join; readonly docked: Bounded }[], nowMs: number, stateElsewhere: StateElsewhere): Promise<void> {
  if (ended.length === 0) return;
  const homes = await client.query<{ origin: string; station: string }>(
    `select o.origin, o.station from origin o join station s on s.id = o.station
     where o.origin = any($1::text[]) and s.denied_at_ms is null and not exists (select 1 from origin later where later.station = o.station and later.epoch > o.epoch)`,
    [[...new Set(ended.map(({ join }) => join.held.origin))]],
  );
  const current = new Map(homes.rows.map(({ origin, station }) => [origin, station]));
  // Rows of stations are locked in one order, so that two transactions never wait for each other.
  const due = ended.flatMap(({ join, docked }) => {
    const station = current.get(join.held.origin);
    const { release } = join.held;
    return station === undefined || release === undefined ? [] : [{ station, release, join, docked }];
  });
  due.sort((a, b) => (a.station < b.station ? -1 : a.station > b.station ? 1 : 0));
  for (const { station, release, join, docked } of due) {
    const { mark } = join.docked.opened;
    const first = await client.query('insert into custody_statement (station, release, serial, origin, seq, issued_at_ms) values ($1, $2, $3, $4, $5, $6) on conflict do nothing', [station, release, join.held.serial, join.docked.origin, mark.seq, nowMs]);
    if (first.rowCount !== 1) continue;
    const [from, to] = [finite(docked.openFrom), finite(docked.openTo)];
    await stateElsewhere(client, {
      station,
      serial: join.held.serial,
      release,
      fact: { kind: 'returned-elsewhere', atStation: join.docked.station, origin: join.docked.origin, seq: mark.seq, leaf: mark.leaf, claimedMs: mark.atMs, ...(from === null ? {} : { notBeforeMs: from }), ...(to === null ? {} : { notAfterMs: to }) },
    });
  }
}
