import { randomInt } from 'node:crypto';
import { CompactSign, decodeProtectedHeader } from 'jose';
import type { CustodyClaims, StatementClaims, StatementFacts } from '../contract/statement.ts';
import type { Database, Queryable } from './database.ts';
import type { StatementKey, TenantKeys } from './keys.ts';
import { serverKeys } from './server-keys.ts';
import { wake } from './wakener.ts';

/** Upper limit of one downlink answer (contract/station-http). */
const MOST_AT_ONCE = 200;
/** Cursors are this far apart at most, by chance: two histories of one database count apart, and a cursor names its statement. */
export const CURSOR_GAP = 2 ** 20;

/** A compact JWS (EdDSA) of this payload under the tenant's statement key. */
export function signJws(keys: Pick<TenantKeys, 'statement'>, typ: 'dockward-statement+jwt' | 'dockward-custody+jwt' | 'dockward-bundle+jwt', payload: unknown): Promise<string> {
  return new CompactSign(Buffer.from(JSON.stringify(payload))).setProtectedHeader({ alg: 'EdDSA', kid: keys.statement.jwk.kid, typ }).sign(keys.statement.key);
}

/**
 * Signs a statement and puts it into its station's queue, in the transaction of `client`.
 * Cursors are counted per station under the lock of its row, so a later cursor never becomes visible before an earlier one.
 * They keep up with the clock and leave gaps by chance, so that a database restored from a backup does not count again what stations have seen.
 */
export async function addStatement(client: Queryable, keys: TenantKeys, told: StatementClaims): Promise<void> {
  const claims = { ...told, facts: await understood(client, told.facts) };
  const jws = await signJws(await serverKeys(client, keys, 'holding'), 'dockward-statement+jwt', claims);
  await enqueue(client, jws, { station: claims.station, request: claims.request, kind: claims.facts.kind, issuedAtMs: claims.issuedAtMs });
}

/** A station from before updates refuses a posture that speaks of them: it does not before policy has the carts ask for updates. */
async function understood(client: Queryable, facts: StatementFacts): Promise<StatementFacts> {
  if (facts.kind !== 'posture' || facts.update === undefined) return facts;
  const asked = await client.query(`select 1 from tenant where rules #> '{overnight,update}' is not null`);
  if (asked.rowCount !== 0) return facts;
  const { update: _unasked, ...before } = facts;
  return before;
}

/** The same for a release that ended at another cart; it stands in the queue under the release's id. */
export async function addCustodyStatement(client: Queryable, keys: TenantKeys, claims: CustodyClaims): Promise<void> {
  const jws = await signJws(await serverKeys(client, keys, 'holding'), 'dockward-custody+jwt', claims);
  await enqueue(client, jws, { station: claims.station, request: claims.release, kind: claims.fact.kind, issuedAtMs: claims.issuedAtMs });
}

async function enqueue(client: Queryable, jws: string, { station, request, kind, issuedAtMs }: { readonly station: string; readonly request: string; readonly kind: string; readonly issuedAtMs: number }): Promise<void> {
  const counted = await client.query<{ cursor: number }>('update station set statement_cursor = greatest(statement_cursor, $2) + $3 where id = $1 returning statement_cursor as cursor', [station, issuedAtMs, randomInt(1, CURSOR_GAP)]);
  const cursor = counted.rows[0]?.cursor;
  if (cursor === undefined) throw new Error(`there is no station ${station}`);
  await client.query('insert into statement (station, cursor, jws, request, kind, issued_at_ms) values ($1, $2, $3, $4, $5, $6)', [station, cursor, jws, request, kind, issuedAtMs]);
  await wake(client, station);
}

/**
 * A station names a cursor that this database never gave it: the database was restored from a backup. What the station was not yet
 * seen to hold is queued again behind what it holds, so that nothing new hides under a cursor that it has had.
 * `noteHeld` then keeps `after` as what it holds, which ends the question.
 */
export async function queueBehind(database: Database, station: string, after: number): Promise<void> {
  const strange = await database.query('select 1 from station where id = $1 and held_cursor <> $2 and not exists (select 1 from statement where station = $1 and cursor = $2)', [station, after]);
  if (strange.rowCount === 0) return;
  await database.transaction(async (client) => {
    const counted = await client.query<{ held: number; cursor: number }>('select held_cursor as held, statement_cursor as cursor from station where id = $1 for update', [station]);
    const row = counted.rows[0];
    if (!row) return;
    const from = Math.max(row.cursor, after) + randomInt(1, CURSOR_GAP);
    const moved = await client.query(
      'update statement set cursor = $3 + nth from (select cursor as former, row_number() over (order by cursor) as nth from statement where station = $1 and cursor > $2) pending where station = $1 and cursor = former',
      [station, row.held, from],
    );
    await client.query('update station set statement_cursor = $2 where id = $1', [station, from + (moved.rowCount ?? 0)]);
  });
}

export async function statementsAfter(database: Database, station: string, after: number): Promise<{ cursor: number; jws: string }[]> {
  const found = await database.query<{ cursor: number; jws: string }>('select cursor, jws from statement where station = $1 and cursor > $2 order by cursor limit $3', [station, after, MOST_AT_ONCE]);
  return found.rows;
}

/** Signs anew what stations have not fetched yet and will not believe any more under this key id; their cursors stay. */
export async function resignPending(client: Queryable, formerKid: string, { key, jwk }: StatementKey): Promise<void> {
  const waiting = await client.query<{ station: string; cursor: number; jws: string }>('select station, cursor, jws from statement join station on station.id = statement.station where cursor > held_cursor and denied_at_ms is null');
  for (const { station, cursor, jws } of waiting.rows) {
    const header = decodeProtectedHeader(jws);
    if (header.kid !== formerKid || header.typ === undefined) continue;
    const again = await new CompactSign(Buffer.from(jws.split('.')[1] ?? '', 'base64url')).setProtectedHeader({ alg: 'EdDSA', kid: jwk.kid, typ: header.typ }).sign(key);
    await client.query('update statement set jws = $3 where station = $1 and cursor = $2', [station, cursor, again]);
  }
}
