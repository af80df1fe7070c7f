import type { z } from 'zod';
import type { epochRequest, epochResponse } from '../contract/station-http.ts';
import { ok, refused, type Result } from '../domain/result.ts';
import type { EnrolmentDeps } from './enrolment.ts';
import type { Refusal } from './http-reply.ts';
import { recordIncident } from './witness.ts';

/** A station that begins anew more often than this is not helped by another ledger. */
const MOST_PER_HOUR = 6;
const HOUR_MS = 3_600_000;

export interface KnownOrigin {
  readonly origin: string;
  readonly epoch: number;
  readonly ledger_key: Buffer;
  readonly size: number;
  readonly opened_at_ms: number | null;
}

/** What becomes of a station's request for its next ledger: the one that this key has already, or a number. `known`: newest first. */
export function allocateEpoch(known: readonly KnownOrigin[], request: { readonly epoch: number; readonly key: Buffer }, nowMs: number): Result<{ readonly origin: string } | { readonly epoch: number }, Refusal> {
  const same = known.find(({ ledger_key }) => ledger_key.equals(request.key));
  if (same) return ok({ origin: same.origin });
  const lately = known.filter(({ opened_at_ms }) => opened_at_ms !== null && opened_at_ms > nowMs - HOUR_MS).length;
  if (lately >= MOST_PER_HOUR) return refused({ reason: 'slow-down', message: `This station began ${lately} ledgers within an hour. Look at what happens to its disk; it may ask again later.` });
  return ok({ epoch: Math.max(request.epoch, (known[0]?.epoch ?? 0) + 1) });
}

/**
 * Opens the next life of a station's ledger under a new key; the earlier ones are kept, and that it happened is recorded. The
 * request travels under the station's certificate, so the new key is as good as the station's identity. Two programs under
 * one identity both get a ledger of their own.
 */
export async function openEpoch({ database, keys, now }: EnrolmentDeps, station: string, request: z.infer<typeof epochRequest>): Promise<Result<z.infer<typeof epochResponse>, Refusal>> {
  const key = Buffer.from(request.ledgerKey, 'base64');
  if (key.length !== 32) return refused({ reason: 'malformed', message: 'The ledger key is not the base64 of 32 bytes.' });
  return database.transaction(async (client) => {
    const locked = await client.query<{ denied_at_ms: number | null }>('select denied_at_ms from station where id = $1 for update', [station]);
    // Denied since the request was let in: a revoked key must not get a successor.
    if (locked.rows[0]?.denied_at_ms !== null) return refused({ reason: 'denied', message: 'This station is on the deny-list. An administrator of the central server put it there.' });
    const known = await client.query<KnownOrigin>(
      'select origin, epoch, ledger_key, size, opened_at_ms from origin where station = $1 order by epoch desc',
      [station],
    );
    const allocated = allocateEpoch(known.rows, { epoch: request.epoch, key }, now());
    if (!allocated.ok) return allocated;
    if ('origin' in allocated.value) return ok(allocated.value);
    const { epoch } = allocated.value;
    const [newest] = known.rows;
    const origin = `${keys.tenant}/station/${station}/e${epoch}`;
    await client.query('insert into origin (origin, station, epoch, ledger_key, opened_at_ms) values ($1, $2, $3, $4, $5)', [origin, station, epoch, key, now()]);
    await recordIncident(
      client,
      { station, origin, kind: 'epoch-begun', evidence: origin, detail: { cause: request.cause ?? 'unreadable', asked: request.epoch, before: newest?.origin ?? '', heldBefore: newest?.size ?? 0 } },
      now(),
    );
    return ok({ origin });
  });
}
