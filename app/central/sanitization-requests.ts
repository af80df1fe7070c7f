import { z } from 'zod';
import { usbSerial } from '../contract/device-host.ts';
import type { RecordedEntry } from '../domain/entries.ts';
import type { Queryable } from './database.ts';
import { wake, WAKE_CHANNEL } from './wakener.ts';

/** What a statement about the request will have to carry; an entry that cannot be answered gets no row. */
const answerable = z.object({ request: z.string().min(1).max(64), nonce: z.string().regex(/^[0-9a-f]{32}$/), exposure: z.string().regex(/^[0-9a-f]{64}$/) });

/**
 * Makes a row for every sanitization that these entries ask for, in the transaction that stores the entries. A tablet
 * that came back is looked at at once: its new enrolment proves something only if it was seen missing after that.
 */
export async function recordRequests(client: Queryable, station: string, origin: string, entries: readonly RecordedEntry[], now: number): Promise<void> {
  const asked = entries.flatMap((entry) => (entry.type === 'sanitization-requested' ? (answerableOf(entry) ?? []) : []));
  const back = entries.flatMap((entry) => (entry.type === 'reappeared' && typeof entry.body.request === 'string' ? [entry.body.request] : []));
  if (asked.length > 0) await insertRequests(client, station, origin, asked, now);
  if (back.length > 0 && (await nudge(client, station, back)) > 0) await wake(client, TOPIC);
}

/** Under which the work on sanitizations is announced. */
const TOPIC = 'sanitization';

interface Asked extends z.infer<typeof answerable> {
  readonly serial: string;
  readonly leaf: string;
  readonly seq: number;
}

function answerableOf({ body, device, leaf, seq }: RecordedEntry): Asked | undefined {
  const asked = answerable.safeParse(body);
  const serial = usbSerial.safeParse(device);
  return asked.success && serial.success ? { ...asked.data, serial: serial.data, leaf, seq } : undefined;
}

/** In the order of the entries: a later request for the same serial supersedes. */
async function insertRequests(client: Queryable, station: string, origin: string, asked: readonly Asked[], now: number): Promise<void> {
  await client.query(
    `with recorded as (
       insert into sanitization_request (request, station, serial, nonce, exposure, cited_leaf, seq, origin, arrived_at_ms, state, next_at_ms)
       select request, $1, serial, nonce, exposure, leaf, seq, $2, $3, 'requested', $3
       from unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $11::bigint[]) with ordinality as fresh (request, serial, nonce, exposure, leaf, seq, at) order by at on conflict (request) do nothing
       returning 1
     ) select pg_notify($9, $10) where exists (select 1 from recorded)`,
    [station, origin, now, asked.map(({ request }) => request), asked.map(({ serial }) => serial), asked.map(({ nonce }) => nonce), asked.map(({ exposure }) => exposure), asked.map(({ leaf }) => leaf), WAKE_CHANNEL, TOPIC, asked.map(({ seq }) => seq)],
  );
}

async function nudge(client: Queryable, station: string, requests: readonly string[]): Promise<number> {
  const nudged = await client.query(`insert into sanitization_nudge (request) select request from sanitization_request where request = any($1::text[]) and station = $2 and state = 'observing'`, [requests, station]);
  return nudged.rowCount ?? 0;
}
