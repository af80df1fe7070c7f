import type { Placement } from '../domain/custody-order.ts';
import type { Queryable } from './database.ts';

/** Keeps where each tablet is by the order of the ledgers, in the transaction that judged it. */
export async function savePlacements(client: Queryable, placements: ReadonlyMap<string, Placement | undefined>): Promise<void> {
  const known = [...placements].flatMap(([serial, placement]) => (placement?.rows[0] ? [{ serial, placement, origin: placement.rows[0].origin }] : []));
  if (known.length === 0) return;
  await client.query(
    `insert into placement (serial, origin, kind, rows) select serial, origin, kind, rows::jsonb from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as fresh (serial, origin, kind, rows)
     on conflict (serial) do update set origin = excluded.origin, kind = excluded.kind, rows = excluded.rows`,
    [known.map(({ serial }) => serial), known.map(({ origin }) => origin), known.map(({ placement }) => placement.kind), known.map(({ placement }) => JSON.stringify(placement.rows))],
  );
}
