import { z } from 'zod';
import { usbSerial } from '../contract/device-host.ts';
import type { RecordedEntry } from '../domain/entries.ts';
import type { Queryable } from './database.ts';
import { wake } from './wakener.ts';

/** What a statement about the request will have to carry; an entry that cannot be answered gets no row. */
const answerable = z.object({ request: z.string().min(1).max(64), nonce: z.string().regex(/^[0-9a-f]{32}$/), exposure: z.string().regex(/^[0-9a-f]{64}$/) });

/**
 * Makes a row for every sanitization that these entries ask for, in the transaction that stores the entries. A tablet
 * that came back is looked at at once: its new enrolment proves something only if it was seen missing after that.
 */
export async function recordRequests(client: Queryable, station: string, origin: string, entries: readonly RecordedEntry[], now: number): Promise<void> {
  let recorded = 0;
  for (const entry of entries) {
    if (entry.type === 'sanitization-requested') recorded += await recordRequest(client, station, origin, entry, now);
    if (entry.type === 'reappeared' && typeof entry.body.request === 'string') {
      const nudged = await client.query(`insert into sanitization_nudge (request) select request from sanitization_request where request = $1 and station = $2 and state = 'observing'`, [entry.body.request, station]);
      recorded += nudged.rowCount ?? 0;
    }
  }
  if (recorded > 0) await wake(client, 'sanitization');
}

async function recordRequest(client: Queryable, station: string, origin: string, entry: RecordedEntry, now: number): Promise<number> {
  const body = answerable.safeParse(entry.body);
  if (!body.success || !usbSerial.safeParse(entry.device).success) return 0;
  const { request, nonce, exposure } = body.data;
  const inserted = await client.query(
    `insert into sanitization_request (request, station, serial, nonce, exposure, cited_leaf, origin, arrived_at_ms, state, next_at_ms)
     values ($1, $2, $3, $4, $5, $6, $7, $8, 'requested', $8) on conflict (request) do nothing`,
    [request, station, entry.device, nonce, exposure, entry.leaf, origin, now],
  );
  return inserted.rowCount ?? 0;
}
