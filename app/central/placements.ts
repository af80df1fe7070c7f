import type { RecordedEntry } from '../domain/entries.ts';
import type { LedgerEntry } from '../ledger/entry.ts';
import type { Queryable } from './database.ts';

/** Entry types after which this cart, and no other, knows best where the device is. */
const PLACING: ReadonlySet<string> = new Set(['released', 'wrong-pull', 'unidentified-removal', 'removal-claimed', 'removal-unclaimed', 'returned', 'absent', 'reappeared'] satisfies RecordedEntry['type'][]);

/** Keeps which ledger last said where a device is, in the transaction that stores the entries. */
export async function recordPlacements(client: Queryable, origin: string, entries: readonly LedgerEntry[]): Promise<void> {
  const latest = new Map<string, number>();
  for (const entry of entries) {
    if (entry.device === undefined) continue;
    // An admission places a device only where nothing is known of it yet: it may be in another cart.
    if (PLACING.has(entry.type)) latest.set(entry.device, entry.hlc.ms);
    else if (entry.type === 'device-admitted' && !latest.has(entry.device)) latest.set(entry.device, 0);
  }
  if (latest.size === 0) return;
  await client.query(
    `insert into placement (serial, origin, at_ms) select serial, $1, at_ms from unnest($2::text[], $3::bigint[]) as fresh (serial, at_ms)
     on conflict (serial) do update set origin = excluded.origin, at_ms = excluded.at_ms where excluded.at_ms >= placement.at_ms and excluded.at_ms > 0`,
    [origin, [...latest.keys()], [...latest.values()]],
  );
}
