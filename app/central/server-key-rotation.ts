import { generateKeyPairSync } from 'node:crypto';
import type { z } from 'zod';
import type { retireKeyResponse, ServerKeyKind, ServerKeysView } from '../contract/server-keys.ts';
import { ok, refused, type Result } from '../domain/result.ts';
import { encodeVkey } from '../ledger/note.ts';
import { bundleChanged } from './bundle-changed.ts';
import type { Database, Queryable } from './database.ts';
import { iso } from './fleet-view.ts';
import type { Refusal } from './http-reply.ts';
import { jwkOf, statementKey, witnessKey, type TenantKeys } from './keys.ts';
import { dropFormer, rawOf, readRows, serverKeys, witnessVerifier, type ServerKeyRow } from './server-keys.ts';
import { resignPending } from './statements.ts';
import { lockKeys } from './tenant-secrets.ts';

export interface ServerKeysDeps {
  readonly database: Database;
  readonly keys: TenantKeys;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/**
 * Makes a new key, kept in keys.json before the database knows of it. The witness signs with it at once: stations learn of it by the
 * bundle and ask again until then. A statement key is published first, and signs once every station has it.
 */
export async function rotateServerKey(deps: ServerKeysDeps, kind: ServerKeyKind): Promise<Result<ServerKeysView, Refusal>> {
  const { database, keys, now } = deps;
  const done = await database.transaction(async (client): Promise<Result<void, Refusal>> => {
    await lockKeys(client);
    const live = (await readRows(client)).filter((row) => row.kind === kind && row.retired_at_ms === null);
    if (live.length > 1) return refused({ reason: 'conflict', message: 'The last rotation of this key is not finished: some stations do not have it yet. See GET /api/keys.' });
    const { privateKey } = generateKeyPairSync('ed25519');
    const made = kind === 'statement' ? statementKey(privateKey) : witnessKey(keys.tenant, privateKey);
    await keys.signing.change((held) => ('jwk' in made ? { ...held, statement: [...held.statement, made] } : { ...held, witness: [...held.witness, made] }));
    if (kind === 'witness') await client.query(`update server_key set retired_at_ms = $1 where kind = 'witness' and retired_at_ms is null`, [now()]);
    await client.query('insert into server_key (kind, public_key, made_at_ms, signing_at_ms) values ($1, $2, $3, $4)', [kind, rawOf(made), now(), kind === 'witness' ? now() : null]);
    await bundleChanged(client);
    return ok(undefined);
  });
  if (!done.ok) return done;
  await finishRotation(deps);
  return ok(await readServerKeys(deps));
}

/** Stations that are to believe the new statement key and are not known to hold it. */
async function stationsBehind(client: Queryable, { announced_version: announced }: ServerKeyRow): Promise<ServerKeysView['waitingFor']> {
  const found = await client.query<{ station: string; cart: string }>('select id as station, cart from station where denied_at_ms is null and ($1::bigint is null or held_bundle < $1) order by id', [announced]);
  return found.rows;
}

/** The new statement key signs, what waits to be fetched bears its signature, and the old one leaves. */
async function handOver(client: Queryable, deps: ServerKeysDeps, [old, next]: readonly [ServerKeyRow, ServerKeyRow]): Promise<void> {
  await client.query('update server_key set retired_at_ms = $2 where id = $1', [old.id, deps.now()]);
  await client.query('update server_key set signing_at_ms = $2 where id = $1', [next.id, deps.now()]);
  const { statement } = await serverKeys(client, deps.keys);
  await resignPending(client, jwkOf(old.public_key).kid, statement);
  await bundleChanged(client);
}

async function underRotation(client: Queryable): Promise<readonly [ServerKeyRow, ServerKeyRow] | undefined> {
  const [old, next] = (await readRows(client)).filter(({ kind, retired_at_ms }) => kind === 'statement' && retired_at_ms === null);
  return old && next ? [old, next] : undefined;
}

/** Goes on with a rotation as far as the stations have come; private keys that are not needed any more leave keys.json. */
export async function finishRotation(deps: ServerKeysDeps): Promise<void> {
  const { database, keys } = deps;
  await database.transaction(async (client) => {
    await lockKeys(client);
    const pair = await underRotation(client);
    if (pair && (await stationsBehind(client, pair[1])).length === 0) await handOver(client, deps, pair);
  });
  // Only what the database has let go for good.
  await database.transaction(async (client) => {
    await lockKeys(client);
    await dropFormer(client, keys);
    await serverKeys(client, keys);
  });
}

/** Ends a rotation although stations lack the new key: they believe nothing this server says any more, and are listed first. */
export async function retireServerKey(deps: ServerKeysDeps, confirm: boolean): Promise<Result<z.infer<typeof retireKeyResponse>, Refusal>> {
  const done = await deps.database.transaction(async (client): Promise<Result<z.infer<typeof retireKeyResponse>, Refusal>> => {
    await lockKeys(client);
    const pair = await underRotation(client);
    if (!pair) return refused({ reason: 'conflict', message: 'There is one statement key and no other to take its place. Rotate it first.' });
    const lost = await stationsBehind(client, pair[1]);
    if (lost.length > 0 && !confirm) return ok({ retired: false, lost });
    await handOver(client, deps, pair);
    return ok({ retired: true, lost });
  });
  if (done.ok && done.value.retired) await finishRotation(deps);
  return done;
}

/** Notes what a station says that it holds; the last one to hold a new statement key lets it sign. */
export async function noteHeld(deps: ServerKeysDeps, station: string, held: { readonly bundle: number; readonly after: number }): Promise<void> {
  const noted = await deps.database.query('update station set held_bundle = $2, held_cursor = $3 where id = $1 and (held_bundle, held_cursor) is distinct from ($2, $3)', [station, held.bundle, held.after]);
  if (noted.rowCount === 1 && (await underRotation(deps.database))) await finishRotation(deps);
}

export async function readServerKeys({ database, keys }: Pick<ServerKeysDeps, 'database' | 'keys'>): Promise<ServerKeysView> {
  const rows = await readRows(database);
  const pair = await underRotation(database);
  return {
    keys: rows.map((row) => ({
      kind: row.kind,
      name: row.kind === 'statement' ? jwkOf(row.public_key).kid : encodeVkey(witnessVerifier(keys.tenant, row.public_key)),
      madeAt: iso(row.made_at_ms),
      state: row.retired_at_ms !== null ? 'former' : row.signing_at_ms === null ? 'announced' : 'signing',
      ...(row.retired_at_ms === null ? {} : { retiredAt: iso(row.retired_at_ms) }),
    })),
    waitingFor: pair ? await stationsBehind(database, pair[1]) : [],
  };
}
