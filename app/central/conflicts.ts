import type { CustodyInterval } from '../domain/custody-intervals.ts';
import { ok, refused, type Result } from '../domain/result.ts';
import type { Database, Queryable } from './database.ts';
import type { Refusal } from './http-reply.ts';

/** Two stays of one serial in different ledgers that overlap beyond every clock error; the ledger named first stands in front. */
export interface ConflictFound {
  readonly serial: string;
  readonly pair: readonly [CustodyInterval, CustodyInterval];
}

/**
 * Keeps each contradiction between two ledgers until a person closes it. While it is open, further pairs are counted in the same
 * row; after that, only what was put in since is a conflict anew.
 */
export async function recordConflicts(client: Queryable, found: readonly ConflictFound[], nowMs: number): Promise<void> {
  for (const { serial, pair } of found) {
    const [a, b] = pair;
    const place = [serial, a.origin, b.origin, a.opened.mark.seq, b.opened.mark.seq];
    const covered = await client.query('select 1 from custody_conflict where serial = $1 and origin_a = $2 and origin_b = $3 and a_upto >= $4 and b_upto >= $5', place);
    if (covered.rowCount !== 0) continue;
    await client.query(
      `insert into custody_conflict (serial, origin_a, origin_b, a_upto, b_upto, sides, latest, found_at_ms, last_at_ms) values ($1, $2, $3, $4, $5, $6::jsonb, $6::jsonb, $7, $7)
       on conflict (serial, origin_a, origin_b) where closed_at_ms is null
       do update set a_upto = greatest(custody_conflict.a_upto, excluded.a_upto), b_upto = greatest(custody_conflict.b_upto, excluded.b_upto),
                     latest = excluded.latest, count = custody_conflict.count + 1, last_at_ms = excluded.last_at_ms`,
      [...place, JSON.stringify(pair), nowMs],
    );
  }
}

/** A person's word ends a conflict; what stood in the ledgers until now is covered by it. It stays in the history. */
export async function closeConflict({ database, now }: { readonly database: Database; readonly now: () => number }, id: number, by: string, reason: string): Promise<Result<Record<string, never>, Refusal>> {
  const closed = await database.query(
    `update custody_conflict c set closed_at_ms = $2, closed_by = $3, reason = $4,
       a_upto = greatest(a_upto, (select size - 1 from origin where origin = c.origin_a)), b_upto = greatest(b_upto, (select size - 1 from origin where origin = c.origin_b))
     where id = $1 and closed_at_ms is null`,
    [id, now(), by, reason],
  );
  if (closed.rowCount === 1) return ok({});
  const known = await database.query('select 1 from custody_conflict where id = $1', [id]);
  return refused(known.rowCount === 1 ? { reason: 'malformed', message: 'This conflict has been closed before.' } : { reason: 'not-found', message: `There is no conflict ${id}.` });
}

export interface ConflictRow {
  readonly id: number;
  readonly serial: string;
  readonly asset: string | null;
  readonly sides: readonly [CustodyInterval, CustodyInterval];
  readonly latest: readonly [CustodyInterval, CustodyInterval];
  readonly count: number;
  readonly found_at_ms: number;
  readonly last_at_ms: number;
  readonly closed_at_ms: number | null;
  readonly closed_by: string | null;
  readonly reason: string | null;
}

const COLUMNS = 'c.id, c.serial, d.asset, c.sides, c.latest, c.count, c.found_at_ms, c.last_at_ms, c.closed_at_ms, c.closed_by, c.reason';

/** Open conflicts, newest first. */
export async function openConflicts(client: Queryable, most: number): Promise<readonly ConflictRow[]> {
  return (await client.query<ConflictRow>(`select ${COLUMNS} from custody_conflict c left join device d using (serial) where c.closed_at_ms is null order by c.last_at_ms desc, c.id desc limit $1`, [most])).rows;
}

/** Every conflict about a serial that may concern a time of the span, closed ones too. */
export async function conflictsOf(client: Queryable, serial: string): Promise<readonly ConflictRow[]> {
  return (await client.query<ConflictRow>(`select ${COLUMNS} from custody_conflict c left join device d using (serial) where c.serial = $1 order by c.found_at_ms desc limit 100`, [serial])).rows;
}
