import type { CustodyAnswer, CustodyInterval as IntervalAnswer } from '../contract/custody.ts';
import { pastIntervals, TOUCHES, type PastInterval, type Span } from '../domain/custody-history.ts';
import type { CustodyInterval } from '../domain/custody-intervals.ts';
import type { Join } from '../domain/custody-order.ts';
import { boundsOf } from '../domain/time-bounds.ts';
import { parseEntry } from '../ledger/entry.ts';
import { conflictsOf } from './conflicts.ts';
import type { Joined } from './custody.ts';
import { boundedAnswer, carts, conflictAnswers, endAnswer, FORGOTTEN, holderAnswer, isoTime, type Names } from './custody-words.ts';
import type { Database } from './database.ts';
import { staffNames } from './fleet-view.ts';
import { wordsOf } from './history.ts';
import { timesFor, timesOver } from './ledger-times.ts';

/** Intervals in one answer. */
const MOST = 500;
/** Touches of one interval. */
const MOST_TOUCHES = 200;

interface StoredInterval {
  readonly row: CustodyInterval;
  readonly joined: Joined | null;
}

/**
 * Who held or touched a tablet in a span, with the evidence for each end and what bounds its time (R8.4). It reads what may overlap
 * the span by the index on (serial, until_ms); the cost follows the answer, not the whole history.
 */
export async function readCustody(database: Database, device: string, span: Span, nowMs: number): Promise<CustodyAnswer> {
  const names: Names = { people: await staffNames(database), carts: await carts(database) };
  const found = await database.query<StoredInterval>(
    `select row, joined from custody_interval c where serial = $1 and (until_ms is null or until_ms >= $2) and (from_ms is null or from_ms <= $3)
     order by from_ms nulls first, origin, seq limit $4`,
    [device, span.fromMs, span.toMs, MOST + 1],
  );
  // A stay that ended out of sight goes on as an unwatched one until the cart's next word, which may lie after the span.
  const before = await database.query<StoredInterval>(
    `select row, joined from custody_interval c where serial = $1 and until_ms < $2 and row->'closed'->>'how' in ('out-of-sight', 'away-for-wipe')
       and not exists (select 1 from custody_interval later where later.serial = c.serial and later.origin = c.origin and later.seq > c.seq and later.until_ms < $2)`,
    [device, span.fromMs],
  );
  const stored = [...before.rows, ...found.rows.slice(0, MOST)];
  const next = await followers(database, stored.flatMap(({ row }) => (row.closed?.how === 'out-of-sight' || row.closed?.how === 'away-for-wipe' ? [row] : [])));
  const rows = [...new Map([...stored.map(({ row }) => row), ...next].map((row) => [`${row.origin} ${row.opened.mark.seq}`, row])).values()];
  const joins = await joinsOf(database, stored, rows);
  const timesOf = await timesFor(database, [...rows, ...joins.map(({ docked }) => docked)]);
  const past = pastIntervals(rows, joins, timesOf, span);
  const intervals: IntervalAnswer[] = [];
  for (const each of past) intervals.push(await intervalAnswer(database, device, each, names));
  const asset = (await database.query<{ asset: string }>('select asset from device where serial = $1', [device])).rows[0]?.asset;
  return {
    device,
    ...(asset === undefined ? {} : { asset }),
    from: isoTime(span.fromMs),
    to: isoTime(span.toMs),
    at: isoTime(nowMs),
    intervals,
    conflicts: await conflictAnswers(database, await conflictsOf(database, device), names),
    truncated: found.rows.length > MOST,
  };
}

/** The first interval of the same ledger after each of these. */
async function followers(database: Database, rows: readonly CustodyInterval[]): Promise<readonly CustodyInterval[]> {
  const found = await database.query<{ row: CustodyInterval }>(
    `select n.row from unnest($1::text[], $2::text[], $3::bigint[]) as w (origin, serial, seq) cross join lateral (
       select row from custody_interval c where c.origin = w.origin and c.serial = w.serial and c.seq > w.seq order by c.seq limit 1) as n`,
    [rows.map(({ origin }) => origin), rows.map(({ serial }) => serial), rows.map(({ opened }) => opened.mark.seq)],
  );
  return found.rows.map(({ row }) => row);
}

async function joinsOf(database: Database, stored: readonly StoredInterval[], rows: readonly CustodyInterval[]): Promise<readonly Join[]> {
  const joined = stored.flatMap(({ row, joined: to }) => (to ? [{ row, to }] : []));
  if (joined.length === 0) return [];
  const found = await database.query<{ row: CustodyInterval }>(
    'select c.row from unnest($1::text[], $2::bigint[], $3::text[]) as w (origin, seq, serial) join custody_interval c on c.origin = w.origin and c.seq = w.seq and c.serial = w.serial',
    [joined.map(({ to }) => to.origin), joined.map(({ to }) => to.seq), joined.map(({ row }) => row.serial)],
  );
  return joined.flatMap(({ row, to }): Join[] => {
    const held = rows.find(({ origin, opened }) => origin === row.origin && opened.mark.seq === row.opened.mark.seq);
    const docked = found.rows.find((each) => each.row.origin === to.origin && each.row.opened.mark.seq === to.seq)?.row;
    return held && docked ? [{ held, docked, ended: to.ended, certain: to.certain }] : [];
  });
}

async function intervalAnswer(database: Database, device: string, past: PastInterval, names: Names): Promise<IntervalAnswer> {
  const { kind, row, opened, closed, overlap } = past;
  return {
    kind,
    place: { station: row.station, cart: names.carts.get(row.station) ?? row.station, ...(row.slot === undefined ? {} : { slot: row.slot }) },
    ...(kind === 'held' && row.holder ? { holder: holderAnswer(row.holder, names) } : {}),
    ...(kind === 'held' && row.release !== undefined ? { release: row.release } : {}),
    opened: endAnswer(opened, names),
    ...(closed ? { closed: endAnswer(closed, names) } : {}),
    overlap,
    touches: await touchesIn(database, device, past, names),
  };
}

/** A ledger's clock never goes back within it, so that what it claims finds the entries between two others by the index on (device, at_ms). */
async function touchesIn(database: Database, device: string, { row, fromSeq, toSeq }: PastInterval, names: Names): Promise<IntervalAnswer['touches']> {
  const { origin, opened, closed } = row;
  const found = await database.query<{ seq: number; type: string; actor: string | null; slot: number | null; bytes: Buffer; leaf: Buffer }>(
    `select seq, type, actor, slot, bytes, leaf from entry
     where device = $1 and at_ms >= $2 and ($3::bigint is null or at_ms <= $3) and origin = $4 and seq > $5 and ($6::bigint is null or seq < $6) and type = any($7::text[]) order by seq limit $8`,
    [device, opened.mark.atMs, closed && closed.mark.seq === toSeq ? closed.mark.atMs : null, origin, fromSeq, toSeq ?? null, [...TOUCHES], MOST_TOUCHES],
  );
  const [first, last] = [found.rows[0], found.rows.at(-1)];
  const { boots } = first && last ? (await timesOver(database, [{ origin, from: first.seq, to: last.seq }]))(origin) : { boots: [] };
  return found.rows.flatMap(({ seq, type, actor, slot, bytes, leaf }) => {
    const entry = parseEntry(bytes);
    if (!entry.ok) return [];
    const bounds = boundsOf(boots, { seq, boot: entry.value.boot, monoMs: entry.value.mono });
    return [
      {
        type,
        time: boundedAnswer(entry.value.hlc.ms, bounds),
        evidence: { origin, seq, leaf: leaf.toString('hex') },
        ...(slot === null ? {} : { slot }),
        ...(actor === null ? {} : { person: names.people.get(actor) ?? FORGOTTEN }),
        text: wordsOf(type),
      },
    ];
  });
}
