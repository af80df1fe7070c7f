import type { MorningNotice, MorningSheetAnswer, MorningSheetView, MorningView } from '../contract/morning.ts';
import { ok, refused, type Result } from '../domain/result.ts';
import type { Database, Queryable } from './database.ts';
import { iso, readFleet } from './fleet-view.ts';
import type { Refusal } from './http-reply.ts';
import { readBeside } from './morning-beside.ts';
import { nightOf, noticeOf, readyOf, sheetOf, type Beside, type NightEntry, type SheetEntry, type WardNames } from './morning-entry.ts';
import { stillThreatens } from './ward-nights.ts';

/** Of a cart's exceptions so many stand in the list of all carts; the sheet has them all. */
const FIRST = 3;
/** Nights to either side of the one that is open. */
const AROUND = 7;
/** Told once per ward and night; a cart serves few wards. */
const MOST_NOTICES = 50;
/** A notice of a night whose sheet never came is old news this long after the shift began. */
const OLD_NOTICE_MS = 24 * 3_600_000;

const ENTRY = 'e.origin, o.epoch, e.seq, e.leaf, e.bytes, e.at_ms';
const SHEET = `s.id as station, s.cart, s.ward, ${ENTRY}`;

/** Each cart that is not denied, with the sheet of its last night and what was told of the night that is on. */
export async function readMorning(database: Database, nowMs: number): Promise<MorningView> {
  const wards = await wardNames(database);
  const stations = await database.query<{ id: string; cart: string; ward: string }>('select id, cart, ward from station where denied_at_ms is null order by ward, cart, enrolled_at_ms');
  const latest = await database.query<SheetEntry>(
    `select distinct on (o.station) ${SHEET} from origin o join station s on s.id = o.station
     cross join lateral (select * from entry where entry.origin = o.origin and entry.type = 'night-ended' order by entry.seq desc limit 1) e
     order by o.station, o.epoch desc`,
  );
  const told = await database.query<NightEntry & { station: string }>(
    `select o.station, ${ENTRY} from origin o
     cross join lateral (select * from entry where entry.origin = o.origin and entry.type = 'need-threatened'
       and entry.seq > coalesce((select max(ended.seq) from entry ended where ended.origin = o.origin and ended.type = 'night-ended'), -1) order by entry.seq desc limit $1) e
     where o.epoch = (select max(epoch) from origin newest where newest.station = o.station) order by e.seq`,
    [MOST_NOTICES],
  );
  const beside = await readBeside(database, shiftsOf(latest.rows));
  const sheets = await Promise.all(
    latest.rows.map(async (entry) => {
      const sheet = await wholeSheet(database, entry, beside, wards);
      return [entry.station, sheet ? { sheet: { ...sheet, exceptions: sheet.exceptions.slice(0, FIRST), more: sheet.more + Math.max(0, sheet.exceptions.length - FIRST) } } : { unread: nightOf(entry, beside) }] as const;
    }),
  );
  const byStation = new Map(sheets);
  // A cart knows only itself: what it lacks may stand in another, and then the morning is not threatened.
  const nights = told.rows.length === 0 ? undefined : new Map((await readFleet(database, nowMs)).wards.map(({ id, night }) => [id, night]));
  const stands = (station: string, { ward, evidence }: MorningNotice): boolean => stillThreatens(nights?.get(ward), station, evidence.seq);
  return {
    at: iso(nowMs),
    carts: stations.rows.map(({ id, cart, ward }) => ({
      station: id,
      cart,
      ward: wards.get(ward) ?? ward,
      notices: told.rows
        .filter(({ station }) => station === id)
        .flatMap((entry) => noticeOf(entry, new Map()))
        .filter((notice) => Date.parse(notice.due) > nowMs - OLD_NOTICE_MS && stands(id, notice))
        .map((notice) => ({ ...notice, ward: wards.get(notice.ward) ?? notice.ward })),
      ...byStation.get(id),
    })),
  };
}

/** One sheet whole, with the nights around it. `epoch`: the life of the station's ledger; without it the newest that has such a sheet. */
export async function readSheet(database: Database, { station, seq, epoch }: { readonly station: string; readonly seq: number; readonly epoch?: number | undefined }, nowMs: number): Promise<Result<MorningSheetAnswer, Refusal>> {
  const wards = await wardNames(database);
  const found = await database.query<SheetEntry>(
    `select ${SHEET} from origin o join station s on s.id = o.station join entry e on e.origin = o.origin and e.seq = $2 and e.type = 'night-ended'
     where o.station = $1 and ($3::int is null or o.epoch = $3) order by o.epoch desc limit 1`,
    [station, seq, epoch ?? null],
  );
  const [row] = found.rows;
  if (!row) return refused({ reason: 'not-found', message: 'No ledger of this server holds a morning sheet with this number.' });
  const nights = await nightsAround(database, station, row);
  const beside = await readBeside(database, shiftsOf(nights));
  const sheet = await wholeSheet(database, row, beside, wards);
  if (!sheet) return refused({ reason: 'inconsistent', message: 'This sheet was written by a newer station than this server can read. Update the server; the record itself is kept whole.' });
  return ok({ at: iso(nowMs), station, cart: row.cart, ward: wards.get(row.ward) ?? row.ward, sheet, nights: nights.map((night) => nightOf(night, beside)) });
}

const shiftsOf = (nights: readonly NightEntry[]): number[] => nights.flatMap((night) => readyOf(night)?.shiftMs ?? []);

async function wholeSheet(client: Queryable, entry: SheetEntry, beside: Beside, wards: WardNames): Promise<MorningSheetView | undefined> {
  const sheet = sheetOf(entry, beside, wards);
  if (!sheet) return undefined;
  const told = await client.query<NightEntry>(
    `select e.origin, $3::int as epoch, e.seq, e.leaf, e.bytes, e.at_ms from entry e where e.origin = $1 and e.type = 'need-threatened' and e.seq < $2
       and e.seq > coalesce((select max(before.seq) from entry before where before.origin = $1 and before.type = 'night-ended' and before.seq < $2), -1) order by e.seq limit $4`,
    [entry.origin, entry.seq, entry.epoch, MOST_NOTICES],
  );
  return { ...sheet, warned: told.rows.flatMap((row) => noticeOf(row, wards)) };
}

/** Newest first, the night itself among them. */
async function nightsAround(client: Queryable, station: string, { epoch, seq }: NightEntry): Promise<SheetEntry[]> {
  const side = async (compared: '<=' | '>', order: 'asc' | 'desc', most: number): Promise<SheetEntry[]> => {
    const found = await client.query<SheetEntry>(
      `select ${SHEET} from origin o join station s on s.id = o.station
       cross join lateral (select * from entry where entry.origin = o.origin and entry.type = 'night-ended' and (o.epoch, entry.seq) ${compared} ($2, $3) order by entry.seq ${order} limit $4) e
       where o.station = $1 order by o.epoch ${order}, e.seq ${order} limit $4`,
      [station, epoch, seq, most],
    );
    return found.rows;
  };
  const later = await side('>', 'asc', AROUND);
  const earlier = await side('<=', 'desc', AROUND + 1);
  return [...later.reverse(), ...earlier];
}

async function wardNames(client: Queryable): Promise<WardNames> {
  const found = await client.query<{ id: string; name: string }>('select id, name from ward');
  return new Map(found.rows.map(({ id, name }) => [id, name]));
}
