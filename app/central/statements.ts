import { CompactSign } from 'jose';
import type { StatementClaims } from '../contract/statement.ts';
import type { Database, Queryable } from './database.ts';
import { wake } from './wakener.ts';
import type { TenantKeys } from './keys.ts';

/** Upper limit of one downlink answer (contract/station-http). */
const MOST_AT_ONCE = 200;

/** A compact JWS (EdDSA) of this payload under the tenant's statement key. */
export function signJws(keys: TenantKeys, typ: 'dockward-statement+jwt' | 'dockward-bundle+jwt', payload: unknown): Promise<string> {
  return new CompactSign(Buffer.from(JSON.stringify(payload))).setProtectedHeader({ alg: 'EdDSA', kid: keys.statement.jwk.kid, typ }).sign(keys.statement.key);
}

/**
 * Signs a statement and puts it into its station's queue, in the transaction of `client`.
 * Cursors are counted per station under the lock of its row, so a later cursor never becomes visible before an earlier one.
 */
export async function addStatement(client: Queryable, keys: TenantKeys, claims: StatementClaims): Promise<void> {
  const jws = await signJws(keys, 'dockward-statement+jwt', claims);
  const counted = await client.query<{ cursor: number }>('update station set statement_cursor = statement_cursor + 1 where id = $1 returning statement_cursor as cursor', [claims.station]);
  const cursor = counted.rows[0]?.cursor;
  if (cursor === undefined) throw new Error(`there is no station ${claims.station}`);
  await client.query('insert into statement (station, cursor, jws, request, kind, issued_at_ms) values ($1, $2, $3, $4, $5, $6)', [claims.station, cursor, jws, claims.request, claims.facts.kind, claims.issuedAtMs]);
  await wake(client, claims.station);
}

export async function statementsAfter(database: Database, station: string, after: number): Promise<{ cursor: number; jws: string }[]> {
  const found = await database.query<{ cursor: number; jws: string }>('select cursor, jws from statement where station = $1 and cursor > $2 order by cursor limit $3', [station, after, MOST_AT_ONCE]);
  return found.rows;
}
