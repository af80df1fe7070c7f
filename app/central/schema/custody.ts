/** Custody across carts: intervals, joins, conflicts, and the anchors of time that bound them. Times are Unix milliseconds of the server's clock unless a comment says otherwise. */
export const CUSTODY = `
-- When the witness first cosigned a ledger at a size: what stood below was not made after that.
create table cosignature (origin text not null references origin(origin), size bigint not null, at_ms bigint not null, primary key (origin, size));
-- The anchors of one boot of a station (domain/time-bounds.ts), as JSON.
create table ledger_boot (origin text not null references origin(origin), first_seq bigint not null, times jsonb not null, primary key (origin, first_seq));
-- How far a ledger's intervals have been folded, and what the fold stands on.
create table custody_fold (origin text primary key references origin(origin), fold jsonb not null);
-- One stretch of one tablet's life in one ledger (domain/custody-intervals.ts), named by the entry that opened it and the tablet.
create table custody_interval (
  origin text not null references origin(origin),
  seq bigint not null,
  serial text not null,
  row jsonb not null,
  -- The last interval of this tablet in this ledger.
  last boolean not null,
  -- Weighed against the other ledgers since it was written.
  judged boolean not null default false,
  -- The earliest that it can have opened, the latest that it can have closed; null where nothing is known. Later anchors only narrow it.
  from_ms bigint,
  until_ms bigint,
  -- A held one that ended at another cart: the interval there, {origin, seq, certain}.
  joined jsonb,
  primary key (origin, seq, serial)
);
create index custody_by_serial on custody_interval (serial, until_ms);
create index custody_in_doubt on custody_interval (serial) where joined @> '{"certain": false}';
create index custody_unjudged on custody_interval (serial) where not judged;
create index custody_tail on custody_interval (serial, origin) where last;
-- Ledgers whose next entries can change what is thought of a serial.
create table custody_watch (serial text not null, origin text not null references origin(origin), from_ms bigint, until_ms bigint not null, primary key (serial, origin));
create index custody_watch_of on custody_watch (origin);
-- Told once per release: that it ended elsewhere.
create table custody_statement (station text not null references station(id), release text not null, serial text not null, origin text not null, seq bigint not null, issued_at_ms bigint not null, primary key (station, release));
-- Two ledgers that had one serial at the same time. Every pair of intervals opened below a_upto and b_upto is covered by the row.
create table custody_conflict (
  id bigint generated always as identity primary key,
  serial text not null,
  origin_a text not null references origin(origin),
  origin_b text not null references origin(origin),
  a_upto bigint not null,
  b_upto bigint not null,
  -- The first pair, as it stood when it was found; the newest pair.
  sides jsonb not null,
  latest jsonb not null,
  count int not null default 1,
  found_at_ms bigint not null,
  last_at_ms bigint not null,
  closed_at_ms bigint,
  closed_by text,
  reason text
);
create unique index custody_conflict_open on custody_conflict (serial, origin_a, origin_b) where closed_at_ms is null;
create index custody_conflict_of on custody_conflict (serial, found_at_ms);
-- Where a device is, by the order of the ledgers and never by a wall clock: 'placed', 'undecided' or 'overlap', and the intervals that say so.
alter table placement drop column at_ms;
alter table placement add column kind text not null default 'placed';
alter table placement add column rows jsonb;
`;
