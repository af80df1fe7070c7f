import { FIRST_FOLD, foldCustody, statedMs, type CustodyFold, type CustodyInterval, type TimedEntry } from '../domain/custody-intervals.ts';
import { endBounds, type LedgerTimes } from '../domain/custody-order.ts';
import { bootOf, withCosignature, withEntry, type BootTimes } from '../domain/time-bounds.ts';
import { parseEntry } from '../ledger/entry.ts';
import { timedEntry } from '../ledger/timed-entry.ts';
import type { Queryable } from './database.ts';
import { unstorable } from './poison.ts';
import { Unstorable } from './witness-store.ts';

/** A serial whose custody must be judged anew; `fromMs`: nothing that ended before it matters, null where that is not known. */
export interface ToJudge {
  readonly serial: string;
  readonly fromMs: number | null;
}

/** An interval that the fold has made or changed and that is not written yet. */
export interface FreshInterval {
  readonly row: CustodyInterval;
  readonly fromMs: number | null;
  readonly last: boolean;
}

/** What is to be written and judged after an upload. */
export interface CustodyNews {
  readonly origin: string;
  /** The ledger's times as far as the news needed them: from some boot on, to the newest entry. */
  readonly times: LedgerTimes;
  readonly serials: readonly ToJudge[];
  readonly fresh: readonly FreshInterval[];
}

/** Folds the intervals of one ledger in the transaction that stores its entries. */
export interface CustodyBook {
  /** Asks ahead for what `take` will need of the ledger for these entries. */
  expect(entries: readonly Pick<TimedEntry, 'type' | 'device'>[]): void;
  /** Takes all of the entries once `stored` has resolved, or, throwing `Unstorable` or what `stored` rejected with, none. */
  take(entries: readonly TimedEntry[], stored: Promise<void>): Promise<void>;
  /** Writes down how far it is (`written`); where all that was taken has just been cosigned, that too. Gives what this ledger's news are about, for `settleCustody` to write behind it. */
  settle(cosigned?: { readonly size: number; readonly atMs: number }): Promise<{ readonly news: CustodyNews; readonly written: Promise<unknown> }>;
}

type Tail = Pick<FreshInterval, 'row' | 'fromMs'>;

interface Loaded {
  fold: CustodyFold;
  /** The boot that was under way, and those that began since. */
  boots: BootTimes[];
  /** Last intervals that have been read or made. */
  tails: Map<string, Tail>;
  /** By `nameOf`. */
  fresh: Map<string, FreshInterval>;
  readonly watched: readonly ToJudge[];
}

const PAGE = 1_000;

export function openBook(client: Queryable, origin: string): CustodyBook {
  let loaded: Loaded | undefined;
  let expected: { readonly head: ReturnType<typeof head>; readonly tails: ReturnType<typeof loadTails>; readonly serials: ReadonlySet<string> } | undefined;
  const touched = new Map<string, number | null>();

  const load = async (): Promise<Loaded> => {
    const { fold, times, size, watched } = await (expected?.head ?? head(client, origin));
    if (fold) return { fold, boots: times ? [times] : [], tails: new Map(), fresh: new Map(), watched };
    // The ledger is older than the intervals are: they are made from what is held of it.
    expected = undefined;
    const fresh: Loaded = { fold: FIRST_FOLD, boots: [], tails: new Map(), fresh: new Map(), watched };
    for (let from = 0; from < size; from += PAGE) {
      await rebuildPage(client, origin, from, Math.min(size, from + PAGE), (entries) => takeInto(fresh, entries));
      await writeUnjudged(client, [...fresh.fresh.values()]);
      fresh.fresh.clear();
    }
    const seen = await client.query<{ times: BootTimes }>('select times from ledger_boot where origin = $1', [origin]);
    const cosigned = new Map(seen.rows.map(({ times: { first, notAfter } }) => [first.seq, notAfter]));
    fresh.boots = fresh.boots.map((boot) => ({ ...boot, notAfter: cosigned.get(boot.first.seq) ?? boot.notAfter }));
    return fresh;
  };
  // Where the cart's sight was lost or is being lost, every tablet in a slot is concerned; else those that the entries name.
  const tailsFor = (into: Loaded, entries: readonly TimedEntry[]): ReturnType<typeof loadTails> => {
    const serials = serialsOf(entries);
    if (into.fold.sight.kind !== 'watching' || losesSight(entries)) return loadTails(client, origin, serials, true);
    return expected && serials.every((serial) => expected?.serials.has(serial)) ? expected.tails : loadTails(client, origin, serials, false);
  };
  const takeInto = async (into: Loaded, entries: readonly TimedEntry[], stored?: Promise<void>): Promise<void> => {
    // What was made in this transaction is newer than what is stored.
    const next = foldEntries(origin, { ...into, tails: new Map([...(await tailsFor(into, entries)), ...into.tails]) }, entries);
    await stored;
    Object.assign(into, { fold: next.fold, boots: next.boots, tails: next.tails });
    for (const [name, each] of next.changed) into.fresh.set(name, each);
    for (const { row, fromMs } of next.changed.values()) touched.set(row.serial, earlier(fromMs, touched.has(row.serial) ? (touched.get(row.serial) ?? null) : undefined));
  };

  return {
    expect: (entries) => {
      const serials = serialsOf(entries);
      expected = { head: head(client, origin), tails: loadTails(client, origin, serials, false), serials: new Set(serials) };
      // Their failure is told to `take`; where nothing is taken, the transaction has failed before it.
      void Promise.allSettled([expected.head, expected.tails]);
    },
    take: async (entries, stored) => {
      if (entries.length > 0) await takeInto((loaded ??= await load()), entries, stored);
    },
    settle: async (cosigned) => {
      // Nothing was taken with a cosignature: nothing is new. Without one, the ledger is to be folded anew.
      if (!loaded && cosigned) return { news: { origin, times: { boots: [], newest: undefined }, serials: [], fresh: [] }, written: Promise.resolve() };
      loaded ??= await load();
      const { fold, boots, fresh, watched } = loaded;
      const current = boots.at(-1);
      const seen = cosigned && fold.previous && current ? [...boots.slice(0, -1), withCosignature(current, fold.previous, cosigned.atMs)] : boots;
      const written = client.query(
        `with seen as (insert into cosignature (origin, size, at_ms) select $1, $2, $3 where $2::bigint is not null on conflict do nothing),
              folded as (insert into custody_fold (origin, fold) values ($1, $4::jsonb) on conflict (origin) do update set fold = excluded.fold)
         insert into ledger_boot (origin, first_seq, times) select $1, seq, times::jsonb from unnest($5::bigint[], $6::text[]) as fresh (seq, times)
         on conflict (origin, first_seq) do update set times = excluded.times`,
        [origin, cosigned?.size ?? null, cosigned?.atMs ?? null, JSON.stringify(fold), seen.map(({ first }) => first.seq), seen.map((times) => JSON.stringify(times))],
      );
      for (const { serial, fromMs } of watched) touched.set(serial, earlier(fromMs, touched.has(serial) ? (touched.get(serial) ?? null) : undefined));
      return { news: { origin, times: { boots: seen, newest: fold.previous }, serials: [...touched].map(([serial, fromMs]) => ({ serial, fromMs })), fresh: [...fresh.values()] }, written };
    },
  };
}

const earlier = (a: number | null, b: number | null | undefined): number | null => (b === undefined ? a : a === null || b === null ? null : Math.min(a, b));

async function head(client: Queryable, origin: string): Promise<{ fold: CustodyFold | null; times: BootTimes | null; size: number; watched: ToJudge[] }> {
  const found = await client.query<{ fold: CustodyFold | null; times: BootTimes | null; size: number; watched: ToJudge[] | null }>(
    `select (select fold from custody_fold where origin = $1) as fold,
            (select times from ledger_boot where origin = $1 order by first_seq desc limit 1) as times,
            (select size from origin where origin = $1) as size,
            (select json_agg(json_build_object('serial', serial, 'fromMs', from_ms)) from custody_watch where origin = $1) as watched`,
    [origin],
  );
  const row = found.rows[0];
  return { fold: row?.fold ?? null, times: row?.times ?? null, size: row?.size ?? 0, watched: row?.watched ?? [] };
}

/** The fold of these entries on top of what is loaded, whose `tails` must hold what they need and are changed; the rest stays as it is. */
function foldEntries(origin: string, { fold: before, boots: known, tails }: Pick<Loaded, 'fold' | 'boots' | 'tails'>, entries: readonly TimedEntry[]): { readonly fold: CustodyFold; readonly boots: BootTimes[]; readonly tails: Map<string, Tail>; readonly changed: ReadonlyMap<string, FreshInterval> } {
  const boots = [...known];
  for (const entry of entries) {
    const last = boots.at(-1);
    const moment = { seq: entry.seq, boot: entry.boot, monoMs: entry.monoMs };
    const grown = last && withEntry(last, moment, statedMs(entry));
    if (grown) boots[boots.length - 1] = grown;
    else boots.push(bootOf(moment, statedMs(entry)));
  }
  const changed = new Map<string, FreshInterval>();
  let fold = before;
  const view = { get: (serial: string) => tails.get(serial)?.row, docked: () => [...tails.values()].map(({ row }) => row).filter(({ kind }) => kind === 'docked') };
  for (const entry of entries) {
    const next = foldCustody(fold, view, origin, entry);
    ({ fold } = next);
    for (const row of next.rows) {
      const tail = tails.get(row.serial);
      const same = tail && nameOf(tail.row) === nameOf(row);
      if (tail && !same) changed.set(nameOf(tail.row), { ...tail, last: false });
      const fromMs = same ? tail.fromMs : finite(endBounds(boots, row.opened).from);
      tails.set(row.serial, { row, fromMs });
      changed.set(nameOf(row), { row, fromMs, last: true });
    }
  }
  for (const { row } of changed.values()) if (JSON.stringify(row).includes('\\u0000')) throw new Unstorable('an interval of custody holds a NUL character');
  return { fold, boots, tails, changed };
}

/** Names an interval within its ledger. */
export const nameOf = ({ serial, opened }: CustodyInterval): string => `${serial} ${opened.mark.seq}`;

/** Of a whole ledger folded anew: too much to weigh at once, it is read again by serial. */
async function writeUnjudged(client: Queryable, rows: readonly FreshInterval[]): Promise<void> {
  if (rows.length === 0) return;
  await client.query(
    `insert into custody_interval (origin, seq, serial, row, last, from_ms)
     select origin, seq, serial, row::jsonb, last, from_ms from unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::boolean[], $6::bigint[]) as fresh (origin, seq, serial, row, last, from_ms)
     on conflict (origin, seq, serial) do update set row = excluded.row, last = excluded.last, judged = false`,
    [rows.map(({ row }) => row.origin), rows.map(({ row }) => row.opened.mark.seq), rows.map(({ row }) => row.serial), rows.map(({ row }) => JSON.stringify(row)), rows.map(({ last }) => last), rows.map(({ fromMs }) => fromMs)],
  );
}

export const finite = (ms: number): number | null => (Number.isFinite(ms) ? ms : null);

const serialsOf = (entries: readonly Pick<TimedEntry, 'type' | 'device'>[]): string[] => [...new Set(entries.flatMap(({ type, device }) => (device !== undefined && TELLS_CUSTODY.has(type) ? [device] : [])))];
const losesSight = (entries: readonly Pick<TimedEntry, 'type'>[]): boolean => entries.some(({ type }) => LOSES_SIGHT.has(type));

/** The last intervals of these serials; `docked`: and of every tablet in a slot. */
async function loadTails(client: Queryable, origin: string, serials: readonly string[], docked: boolean): Promise<Map<string, Tail>> {
  if (serials.length === 0 && !docked) return new Map();
  const found = await client.query<{ row: CustodyInterval; from_ms: number | null }>(
    `select row, from_ms from custody_interval where origin = $1 and last and ${docked ? `(serial = any($2::text[]) or row->>'kind' = 'docked')` : 'serial = any($2::text[])'}`,
    [origin, serials],
  );
  return new Map(found.rows.map(({ row, from_ms }) => [row.serial, { row, fromMs: from_ms }]));
}

const LOSES_SIGHT: ReadonlySet<TimedEntry['type']> = new Set<TimedEntry['type']>(['host-lost', 'station-started', 'recording-resumed']);
const TELLS_CUSTODY: ReadonlySet<TimedEntry['type']> = new Set<TimedEntry['type']>([
  'returned', 'reappeared', 'exposed', 'offered', 'sanitization-requested', 'foreign-docked', 'released', 'wrong-pull', 'unidentified-removal', 'removal-claimed', 'removal-unclaimed', 'absent', 'returned-elsewhere',
]);

async function rebuildPage(client: Queryable, origin: string, from: number, to: number, fold: (entries: readonly TimedEntry[]) => Promise<void>): Promise<void> {
  const page = await client.query<{ seq: number; bytes: Buffer; leaf: Buffer }>(
    `select e.seq, e.bytes, e.leaf from entry e where e.origin = $1 and e.seq >= $2 and e.seq < $3
       and not exists (select 1 from poison_entry p where p.origin = e.origin and p.seq = e.seq and p.replayed_at_ms is null) order by e.seq`,
    [origin, from, to],
  );
  await fold(
    page.rows.flatMap(({ bytes, leaf }) => {
      const parsed = parseEntry(bytes);
      return parsed.ok && !unstorable(parsed.value) ? [timedEntry(parsed.value, leaf)] : [];
    }),
  );
}

/** Forgets what was folded of a ledger, so that the next book makes it anew; what was told to stations stays told. */
export async function forgetBook(client: Queryable, origin: string): Promise<void> {
  for (const table of ['custody_interval', 'custody_fold', 'custody_watch']) await client.query(`delete from ${table} where origin = $1`, [origin]);
}
