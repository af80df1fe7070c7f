import type { z } from 'zod';
import type { epochRequest, epochResponse } from '../contract/station-http.ts';
import { ok, refused, type Result } from '../domain/result.ts';
import type { EnrolmentDeps } from './enrolment.ts';
import type { Refusal } from './http-reply.ts';

/**
 * Opens the next life of a station's ledger under a new key; the earlier ones are kept. The request travels under the
 * station's certificate, so the new key is as good as the station's identity.
 */
export async function openEpoch({ database, keys }: EnrolmentDeps, station: string, request: z.infer<typeof epochRequest>): Promise<Result<z.infer<typeof epochResponse>, Refusal>> {
  const key = Buffer.from(request.ledgerKey, 'base64');
  if (key.length !== 32) return refused({ reason: 'malformed', message: 'The ledger key is not the base64 of 32 bytes.' });
  const origin = `${keys.tenant}/station/${station}/e${request.epoch}`;
  return database.transaction(async (client) => {
    await client.query('select 1 from station where id = $1 for update', [station]);
    const known = (await client.query<{ epoch: number; ledger_key: Buffer }>('select epoch, ledger_key from origin where station = $1 order by epoch desc limit 1', [station])).rows[0];
    if (known?.epoch === request.epoch && known.ledger_key.equals(key)) return ok({ origin });
    if (known?.epoch !== request.epoch - 1) {
      return refused({ reason: 'inconsistent', message: `The next epoch of this station is ${(known?.epoch ?? 0) + 1}, not ${request.epoch}: two programs may be running under one identity.` });
    }
    await client.query('insert into origin (origin, station, epoch, ledger_key) values ($1, $2, $3, $4)', [origin, station, request.epoch, key]);
    return ok({ origin });
  });
}
