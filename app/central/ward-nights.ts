import type { FleetDevice, WardNight } from '../contract/fleet.ts';
import type { MorningNotice } from '../contract/morning.ts';
import { readinessOf } from '../domain/morning-sheet.ts';
import type { NightRow } from '../domain/tables.ts';
import { isoTime } from './custody-words.ts';
import type { Database } from './database.ts';
import { noticeOf, type NightEntry } from './morning-entry.ts';

/** The night that is on in one cart, as its newest ledger was folded. */
export interface OpenNight {
  readonly station: string;
  readonly cart: string;
  /** The ward that the cart stands in. */
  readonly ward: string;
  readonly night: NightRow;
  /** `ward` is its id here. */
  readonly told: readonly MorningNotice[];
}

/** A cart tells of a ward once a night, and serves few. */
const MOST_NOTICES = 50;

/** Every night that has begun and whose shift has not, but those of denied stations. A cart that fell silent has none once its shift began. */
export async function openNights(database: Database, nowMs: number): Promise<readonly OpenNight[]> {
  const found = await database.query<{ station: string; cart: string; ward: string; origin: string; night: NightRow }>(
    `select s.id as station, s.cart, s.ward, o.origin, p.row -> 'night' as night
     from station s join origin o on o.station = s.id and o.epoch = (select max(epoch) from origin where station = s.id)
       join projection p on p.origin = o.origin and p.tbl = 'cart' and p.key = 'cart'
     where s.denied_at_ms is null and p.row #> '{night,endedAtMs}' is null and (p.row #>> '{night,shiftMs}')::numeric > $1
     order by s.cart, s.enrolled_at_ms`,
    [nowMs],
  );
  if (found.rows.length === 0) return [];
  const told = await database.query<NightEntry>(
    `select e.origin, o.epoch, e.seq, e.leaf, e.bytes, e.at_ms from unnest($1::text[], $2::bigint[]) as night (origin, began) join origin o using (origin)
     cross join lateral (select * from entry where entry.origin = night.origin and entry.type = 'need-threatened' and entry.seq > night.began order by entry.seq desc limit $3) e
     order by e.at_ms, e.seq`,
    [found.rows.map(({ origin }) => origin), found.rows.map(({ night }) => night.beganSeq), MOST_NOTICES],
  );
  return found.rows.map(({ origin, ...row }) => ({ ...row, told: told.rows.filter((entry) => entry.origin === origin).flatMap((entry) => noticeOf(entry, new Map())) }));
}

/**
 * What the carts prepare for one ward, those that stand in it; where none of them does, those elsewhere. `own`: the ward's tablets.
 * Undefined where nobody needs any of them tonight.
 */
export function nightOfWard(id: string, name: string, nights: readonly OpenNight[], own: readonly FleetDevice[]): WardNight | undefined {
  const asked = nights.flatMap((open) => readinessOf([], open.night.needs).flatMap(({ ward, needed, dueMs }) => (ward === id && needed > 0 ? [{ open, needed, dueMs }] : [])));
  const here = asked.filter(({ open }) => open.ward === id);
  const carts = (here.length > 0 ? here : asked).map((one) => forecastOf(id, one, own));
  if (carts.length === 0) return undefined;
  const sum = (of: 'needed' | 'clean' | 'expected' | 'shortBy'): number => carts.reduce((total, cart) => total + cart[of], 0);
  return {
    due: isoTime(Math.max(...carts.map(({ dueMs }) => dueMs))),
    needed: sum('needed'),
    clean: sum('clean'),
    expected: sum('expected'),
    shortBy: sum('shortBy'),
    carts: carts.map(({ open: { station, cart, night }, needed }) => ({ station, cart, needed, began: isoTime(night.beganAtMs) })),
    told: carts.flatMap(({ open: { station, cart }, notice }) => (notice ? [{ station, cart, notice: { ...notice, ward: name } }] : [])),
    unread: carts.flatMap(({ open, unread }) => (unread ? [open.station] : [])),
  };
}

/** Nothing told means that the cart's plan has all that is needed; what became ready since it was told counts against the shortage. */
function forecastOf(ward: string, { open, needed, dueMs }: { readonly open: OpenNight; readonly needed: number; readonly dueMs: number }, own: readonly FleetDevice[]) {
  const notice = open.told.findLast((one) => one.ward === ward);
  const unread = notice === undefined && open.night.threatened.includes(ward);
  const clean = own.filter(({ where, state }) => where.kind === 'cart' && where.station === open.station && state === 'proven').length;
  const promised = unread ? 0 : Math.max(0, needed - (notice?.shortBy ?? 0));
  const expected = Math.max(clean, promised);
  return { open, needed, dueMs, notice, unread, clean, expected, shortBy: unread ? 0 : Math.max(0, needed - expected) };
}
