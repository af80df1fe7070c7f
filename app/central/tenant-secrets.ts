import { createHash } from 'node:crypto';
import { CompactEncrypt, importJWK } from 'jose';
import type { z } from 'zod';
import type { SECRET_KINDS, SecretKind, secretsResponse } from '../contract/secrets.ts';
import type { enrolRequest, TenantSecrets } from '../contract/station-http.ts';
import { ok, refused, type Result } from '../domain/result.ts';
import type { Database, Queryable } from './database.ts';
import type { Refusal } from './http-reply.ts';
import { KEYS_LOCK, KeysMissing, type TenantKeys } from './keys.ts';

type EncryptionKey = z.infer<typeof enrolRequest>['encryptionKey'];
export type Secret = TenantSecrets['badgeKeys'][number];

/** Where each kind stands among the secrets. */
export const LIST_OF = { 'badge-key': 'badgeKeys', pepper: 'peppers' } as const satisfies Record<(typeof SECRET_KINDS)[number], keyof TenantSecrets>;

export const fingerprintOf = ({ key }: Secret): string => createHash('sha256').update(Buffer.from(key, 'base64url')).digest('hex');

/** Holds the one right to change keys.json until the transaction of `client` ends. */
export async function lockKeys(client: Queryable): Promise<void> {
  await client.query('select pg_advisory_xact_lock($1)', [KEYS_LOCK]);
}

/**
 * The secrets that are live, oldest first, as the database says at this moment. Where it knows of a version that this process does
 * not, another process made it: the file has had it since before the database did.
 */
export async function liveSecrets(client: Queryable, keys: TenantKeys): Promise<TenantSecrets> {
  const found = await client.query<{ version: number; live: { kind: SecretKind; version: number; fingerprint: string }[] }>(
    `select secrets_version as version,
       (select coalesce(json_agg(json_build_object('kind', kind, 'version', version, 'fingerprint', fingerprint) order by version), '[]') from tenant_secret where retired_at_ms is null) as live
     from tenant`,
  );
  const row = found.rows[0];
  if (!row) throw new Error('the tenant row is missing');
  const pick = (held: TenantSecrets): TenantSecrets | undefined => {
    const listed = row.live.map(({ kind, version, fingerprint }) => ({ kind, secret: held[LIST_OF[kind]].find((each) => each.version === version && fingerprintOf(each) === fingerprint) }));
    const of = (wanted: SecretKind): Secret[] => listed.flatMap(({ kind, secret }) => (kind === wanted && secret ? [secret] : []));
    return listed.every(({ secret }) => secret) ? { version: row.version, badgeKeys: of('badge-key'), peppers: of('pepper') } : undefined;
  };
  const secrets = pick(keys.secrets.held()) ?? pick(await keys.secrets.read());
  if (!secrets) throw new KeysMissing('The database knows badges and PINs by a key that keys.json does not hold: that file is older than the database. Restore the newest keys.json. Nothing was changed.');
  return secrets;
}

/** The newest version of a kind: what new badges and PINs are kept under. */
export function newestOf(secrets: TenantSecrets, kind: SecretKind): Secret {
  const newest = secrets[LIST_OF[kind]].at(-1);
  if (!newest) throw new Error(`the tenant has no live ${kind}`);
  return newest;
}

/** At a start, under the lock: a database that knows no versions yet takes those of the file; what is live must be there; what was retired goes. */
export async function settleSecrets(client: Queryable, keys: TenantKeys, nowMs: number): Promise<void> {
  if ((await client.query('select 1 from tenant_secret limit 1')).rowCount === 0) {
    const held = keys.secrets.held();
    for (const kind of ['badge-key', 'pepper'] as const) {
      for (const secret of held[LIST_OF[kind]]) await client.query('insert into tenant_secret (kind, version, fingerprint, since, made_at_ms) values ($1, $2, $3, $4, $5)', [kind, secret.version, fingerprintOf(secret), held.version, nowMs]);
    }
    await client.query('update tenant set secrets_version = $1', [held.version]);
  }
  await liveSecrets(client, keys);
  await dropRetired(client, keys);
}

/** Takes out of keys.json what the database has retired. The caller holds the lock; repeating it changes nothing. */
export async function dropRetired(client: Queryable, keys: TenantKeys): Promise<void> {
  const retired = await client.query<{ kind: SecretKind; version: number }>('select kind, version from tenant_secret where retired_at_ms is not null');
  const kept = (kind: SecretKind, secrets: readonly Secret[]): Secret[] => secrets.filter(({ version }) => !retired.rows.some((row) => row.kind === kind && row.version === version));
  const held = await keys.secrets.read();
  const left = { badgeKeys: kept('badge-key', held.badgeKeys), peppers: kept('pepper', held.peppers) };
  if (left.badgeKeys.length < held.badgeKeys.length || left.peppers.length < held.peppers.length) await keys.secrets.change((now) => ({ ...now, ...left }));
}

/** A compact JWE that only the holder of this encryption key opens. */
export async function encryptTo(jwk: EncryptionKey, secrets: TenantSecrets): Promise<Result<string, Refusal>> {
  const key = await importJWK(jwk, 'ECDH-ES+A256KW').catch(() => undefined);
  if (!key) return refused({ reason: 'malformed', message: 'The encryption key is not a P-256 public key.' });
  return ok(await new CompactEncrypt(Buffer.from(JSON.stringify(secrets))).setProtectedHeader({ alg: 'ECDH-ES+A256KW', enc: 'A256GCM' }).encrypt(key));
}

/** What a station that keeps the secrets of `held` needs to have the live ones; notes what it keeps and what it is sent. */
export async function secretsFor({ database, keys }: { readonly database: Database; readonly keys: TenantKeys }, station: string, held: number): Promise<Result<z.infer<typeof secretsResponse>, Refusal>> {
  const live = await liveSecrets(database, keys);
  // Denied since this request was let in: it may have been rotated for this very station.
  const noted = await database.query<{ encryption_key: EncryptionKey }>(
    'update station set secrets_held = least($2::int, $3::int), secrets_sent = greatest(secrets_sent, $3::int) where id = $1 and denied_at_ms is null returning encryption_key',
    [station, held, live.version],
  );
  const row = noted.rows[0];
  if (!row) return refused({ reason: 'denied', message: 'This station is on the deny-list. An administrator of the central server put it there.' });
  if (held === live.version) return ok({ version: live.version });
  const secrets = await encryptTo(row.encryption_key, live);
  return secrets.ok ? ok({ version: live.version, secrets: secrets.value }) : secrets;
}
