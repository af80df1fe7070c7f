import type { Queryable } from './database.ts';
import { readyOf, type Beside, type SheetEntry, type Standing } from './morning-entry.ts';

/** A sheet that a cart wrote later than this says nothing of the shift any more: it was off when the shift began. */
const LATE_SHEET_MS = 12 * 3_600_000;

/** What every cart had ready for these shifts (Unix milliseconds) unless it was denied by then, and the carts that could have said so. */
export async function readBeside(client: Queryable, shiftsMs: readonly number[]): Promise<Beside> {
  const carts = await client.query<Standing & { enrolledAtMs: number }>('select id as station, cart, ward, enrolled_at_ms as "enrolledAtMs" from station where denied_at_ms is null order by cart, enrolled_at_ms');
  const found = await client.query<SheetEntry & { shift_ms: number }>(
    `select distinct on (s.cart, s.id, shift.ms) shift.ms as shift_ms, s.id as station, s.cart, s.ward, e.origin, o.epoch, e.seq, e.leaf, e.bytes, e.at_ms
     from unnest($1::bigint[]) as shift (ms) cross join origin o join station s on s.id = o.station
     cross join lateral (select * from entry where entry.origin = o.origin and entry.type = 'night-ended' and entry.at_ms < shift.ms + $2 order by entry.seq desc limit 1) e
     where e.at_ms >= shift.ms and coalesce(s.denied_at_ms > shift.ms, true) order by s.cart, s.id, shift.ms, o.epoch desc`,
    [[...new Set(shiftsMs)], LATE_SHEET_MS],
  );
  return {
    mornings: found.rows.flatMap((row) => {
      const ready = readyOf(row);
      return ready?.shiftMs === row.shift_ms ? [{ station: row.station, cart: row.cart, ward: row.ward, ...ready }] : [];
    }),
    carts: carts.rows,
  };
}
