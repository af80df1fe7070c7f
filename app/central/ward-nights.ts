import { OUT_OF_CONTACT_MS, type FleetDevice, type WardNight } from '../contract/fleet.ts';
import type { MorningNotice } from '../contract/morning.ts';
import { largestNeeds, wardNeed, type CartShare } from '../domain/night-needs.ts';
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
  /** Nothing was heard of it for so long that what it told last may no longer be so. */
  readonly silent?: boolean;
}

/** A cart tells of a ward once a night, and serves few. */
const MOST_NOTICES = 50;

/** Every night that has begun and whose shift has not, but those of denied stations. A cart that fell silent has none once its shift began. */
export async function openNights(database: Database, nowMs: number): Promise<readonly OpenNight[]> {
  const found = await database.query<{ station: string; cart: string; ward: string; origin: string; night: NightRow; heard: number | null }>(
    `select s.id as station, s.cart, s.ward, o.origin, p.row -> 'night' as night, o.cosigned_at_ms as heard
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
  return found.rows.map(({ origin, heard, ...row }) => ({ ...row, silent: heard === null || nowMs - heard >= OUT_OF_CONTACT_MS, told: told.rows.filter((entry) => entry.origin === origin).flatMap((entry) => noticeOf(entry, new Map())) }));
}

/** What one of a ward's carts has of its tablets by morning, as it told. */
interface Outlook extends CartShare {
  readonly open: OpenNight;
  readonly notice: MorningNotice | undefined;
  readonly unread: boolean;
  readonly clean: number;
}

/**
 * What the carts prepare for one ward, those that stand in it; where none of them does, those elsewhere. `own`: the ward's tablets.
 * Undefined where nobody needs any of them tonight.
 */
export function nightOfWard(id: string, name: string, nights: readonly OpenNight[], own: readonly FleetDevice[]): WardNight | undefined {
  const asked = nights.filter(({ night }) => night.needs.some(({ ward, count }) => ward === id && count > 0));
  const here = asked.filter(({ ward }) => ward === id);
  const carts = (here.length > 0 ? here : asked).map((open) => outlookOf(id, open, own));
  if (carts.length === 0) return undefined;
  const { needed } = wardNeed(carts);
  // Of a cart whose word cannot be read nobody can say that it is short.
  const { shortBy } = wardNeed(carts.map((cart) => (cart.unread ? { ...cart, has: Math.max(cart.has, cart.own, cart.shared) } : cart)));
  const sum = (of: 'clean' | 'has'): number => carts.reduce((total, cart) => total + cart[of], 0);
  return {
    due: isoTime(Math.max(...carts.flatMap(({ open }) => open.night.needs.flatMap(({ ward, count, dueMs }) => (ward === id && count > 0 ? [dueMs] : []))))),
    needed,
    clean: sum('clean'),
    expected: sum('has'),
    shortBy,
    carts: carts.flatMap(({ open: { station, night }, cart, own: named, shared }) => {
      const asking = { station, cart, began: isoTime(night.beganAtMs) };
      const together = carts.length > 1 ? { together: true as const } : {};
      return [...(named > 0 ? [{ ...asking, needed: named }] : []), ...(shared > 0 ? [{ ...asking, needed: shared, ...together }] : [])];
    }),
    told: carts.flatMap((one) => (one.notice ? [{ station: one.open.station, cart: one.cart, notice: { ...one.notice, ward: name }, ...(isMadeUp(one, carts) ? { madeUp: true as const } : {}) }] : [])),
    unread: carts.flatMap(({ open, unread }) => (unread ? [open.station] : [])),
  };
}

/** Nothing told means that the cart's plan has all that is needed; what became ready since it was told counts against the shortage. */
function outlookOf(ward: string, open: OpenNight, tablets: readonly FleetDevice[]): Outlook {
  const { own, shared } = largestNeeds(open.night.needs, ward);
  const notice = open.told.findLast((one) => one.ward === ward);
  const unread = notice === undefined && open.night.threatened.includes(ward);
  const clean = tablets.filter(({ where, state }) => where.kind === 'cart' && where.station === open.station && state === 'proven').length;
  const promised = unread ? 0 : Math.max(own, shared) - (notice?.shortBy ?? 0);
  return { open, cart: open.cart, own, shared, notice, unread, clean, has: Math.max(clean, promised) };
}

/** It lacks only what is the ward's, and the carts have that together; of one that fell silent only what is ready counts. */
function isMadeUp(one: Outlook, carts: readonly Outlook[]): boolean {
  const known = carts.reduce((total, { has, clean, open }) => total + (open.silent ? clean : has), 0);
  return one.own <= one.has && one.shared > one.has && known >= one.shared;
}

/** Whether what a cart told of a ward in the night that is on still stands by what is known of the ward: not if its carts have enough together, nor if it has carts of its own that answer for it. */
export function stillThreatens(night: WardNight | undefined, station: string, seq: number): boolean {
  if (!night) return true;
  const told = night.told.find((one) => one.station === station && one.notice.evidence.seq === seq);
  return told ? !told.madeUp : night.carts.some((cart) => cart.station === station);
}
