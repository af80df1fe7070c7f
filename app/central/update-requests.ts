import { z } from 'zod';
import { usbSerial } from '../contract/device-host.ts';
import type { RecordedEntry } from '../domain/entries.ts';
import { UPDATE_FAILURES } from '../domain/terms.ts';
import type { Queryable } from './database.ts';
import { wake } from './wakener.ts';

/** Under which the work on updates is announced. */
export const UPDATES_TOPIC = 'updates';

const answerable = z.object({ request: z.string().min(1).max(64), nonce: z.string().regex(/^[0-9a-f]{32}$/) });
const givenUp = z.object({ request: z.string().max(64), reason: z.enum(UPDATE_FAILURES) });

/** Makes a row for every update that these entries ask for, and notes what the cart says of those that are open, in the transaction that stores the entries. */
export async function recordUpdates(client: Queryable, station: string, origin: string, entries: readonly RecordedEntry[], now: number): Promise<void> {
  const asked = entries.flatMap(({ type, body, device, seq }) => {
    if (type !== 'update-requested') return [];
    const read = answerable.safeParse(body);
    const serial = usbSerial.safeParse(device);
    return read.success && serial.success ? [{ ...read.data, serial: serial.data, seq }] : [];
  });
  const news = entries.flatMap(({ type, body }): readonly { readonly request: string; readonly failure: string | null }[] => {
    if (type === 'reappeared' && typeof body.request === 'string') return [{ request: body.request, failure: null }];
    const read = type === 'update-failed' ? givenUp.safeParse(body) : undefined;
    return read?.success ? [{ request: read.data.request, failure: read.data.reason }] : [];
  });
  for (const { request, nonce, serial, seq } of asked) {
    await client.query(
      `insert into update_request (request, station, serial, nonce, origin, seq, arrived_at_ms, state, next_at_ms) values ($1, $2, $3, $4, $5, $7, $6, 'requested', $6) on conflict (request) do nothing`,
      [request, station, serial, nonce, origin, now, seq],
    );
  }
  const told = news.length === 0 ? 0 : await note(client, station, news);
  if (asked.length + told > 0) await wake(client, UPDATES_TOPIC);
}

async function note(client: Queryable, station: string, news: readonly { readonly request: string; readonly failure: string | null }[]): Promise<number> {
  const noted = await client.query(
    `insert into update_news (request, failure, told) select u.request, n.failure, true from unnest($2::text[], $3::text[]) as n (request, failure) join update_request u using (request) where u.station = $1 and u.state <> 'over'`,
    [station, news.map(({ request }) => request), news.map(({ failure }) => failure)],
  );
  return noted.rowCount ?? 0;
}

/** SQL: the sanitization `s` was asked for after the update `u` of the same serial; in one ledger its order decides. */
export const WIPED_SINCE = `s.serial = u.serial and case when s.origin = u.origin then coalesce(s.seq, -1) > u.seq else s.arrived_at_ms >= u.arrived_at_ms end`;

/** The serial is about to be wiped: no update of it goes on. */
export async function interruptUpdates(client: Queryable, serial: string): Promise<void> {
  const noted = await client.query(`insert into update_news (request, failure) select request, 'interrupted' from update_request where serial = $1 and state in ('requested', 'ordering', 'observing')`, [serial]);
  if ((noted.rowCount ?? 0) > 0) await wake(client, UPDATES_TOPIC);
}
