import type { z } from 'zod';
import { SECRET_KINDS, type retireResponse, type rotateResponse, type SecretKind, type secretsView } from '../contract/secrets.ts';
import { ok, refused, type Result } from '../domain/result.ts';
import { bundleChanged } from './bundle-changed.ts';
import type { Database, Queryable } from './database.ts';
import type { Refusal } from './http-reply.ts';
import { newSecret, type TenantKeys } from './keys.ts';
import { dropRetired, fingerprintOf, LIST_OF, lockKeys } from './tenant-secrets.ts';

export interface RekeyingDeps {
  readonly database: Database;
  readonly keys: TenantKeys;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Versions of one kind that may be live at once. */
const MOST_LIVE = 2;
const MOST_SHOWN = 100;

const WORDS: Readonly<Record<SecretKind, { readonly name: string; readonly things: string }>> = {
  'badge-key': { name: 'badge key', things: 'badges' },
  pepper: { name: 'PIN pepper', things: 'PINs' },
};

/**
 * Makes a new version of the badge key or the PIN pepper. The one before stays live, so that everybody is known until their next tap
 * has moved them over. keys.json has the new version, durably, before the database says that it is live: a power cut in between
 * leaves a key that was never used, and the next rotation takes it.
 */
export async function rotateSecrets({ database, keys, now }: RekeyingDeps, kind: SecretKind): Promise<Result<z.infer<typeof rotateResponse>, Refusal>> {
  return database.transaction(async (client) => {
    await lockKeys(client);
    const known = await versionsOf(client, kind);
    if (known.filter(isLive).length >= MOST_LIVE) {
      return refused({ reason: 'conflict', message: `Two versions of the ${WORDS[kind].name} are live already. Retire the older one first; a third is not made.` });
    }
    const version = (known.at(-1)?.version ?? 0) + 1;
    const list = LIST_OF[kind];
    const tenant = await client.query<{ secrets_version: number }>('select secrets_version from tenant for update');
    const held = await keys.secrets.change((before) => ({
      ...before,
      // The file's own count too: the database may have been restored from a backup that is older than the file.
      version: Math.max(before.version, tenant.rows[0]?.secrets_version ?? 0) + 1,
      [list]: before[list].some((secret) => secret.version === version) ? before[list] : [...before[list], newSecret(version)],
    }));
    const made = held[list].find((secret) => secret.version === version);
    if (!made) throw new Error(`the new ${kind} was not kept`);
    await client.query('insert into tenant_secret (kind, version, fingerprint, since, made_at_ms) values ($1, $2, $3, $4, $5)', [kind, version, fingerprintOf(made), held.version, now()]);
    await client.query('update tenant set secrets_version = $1', [held.version]);
    await bundleChanged(client);
    return ok({ kind, version });
  });
}

/**
 * Ends the older of two live versions and every badge or PIN that is known by it alone: their people have to be enrolled anew. How
 * many that are must be said in `confirm`. The database decides; the key leaves keys.json after it, at the latest at the next start.
 */
export async function retireSecrets({ database, keys, now }: RekeyingDeps, kind: SecretKind, confirm: number | undefined): Promise<Result<z.infer<typeof retireResponse>, Refusal>> {
  const retired = await database.transaction(async (client): Promise<Result<z.infer<typeof retireResponse>, Refusal>> => {
    await lockKeys(client);
    // Who moves badges and PINs waits for the end of this.
    await client.query('select 1 from tenant for update');
    const [older, newer] = (await versionsOf(client, kind)).filter(isLive);
    if (!older || !newer) return refused({ reason: 'conflict', message: `There is one version of the ${WORDS[kind].name}. Rotate it first.` });
    const ended = await stragglersOf(client, kind, older.version);
    if (ended > 0 && confirm !== ended) {
      return refused({ reason: 'conflict', message: `${ended} ${WORDS[kind].things} are known by version ${older.version} of the ${WORDS[kind].name} alone and would have to be enrolled anew. Retire it with "confirm": ${ended}, or wait until their people have tapped.` });
    }
    if (kind === 'badge-key') await client.query('delete from badge where key_version = $1', [older.version]);
    else await client.query(`update staff set pin = null where (pin->>'pepperVersion')::int = $1`, [older.version]);
    await client.query('update tenant_secret set retired_at_ms = $3 where kind = $1 and version = $2', [kind, older.version, now()]);
    await client.query('update tenant set secrets_version = greatest(secrets_version, $1::int) + 1', [keys.secrets.held().version]);
    await bundleChanged(client);
    return ok({ kind, version: older.version, ended });
  });
  if (retired.ok) {
    await database.transaction(async (client) => {
      await lockKeys(client);
      await dropRetired(client, keys);
    });
  }
  return retired;
}

/** Which versions are live, who still hangs on the older one, which stations keep the newest, and what a station on the deny-list was given. */
export async function readSecrets({ database }: Pick<RekeyingDeps, 'database'>): Promise<z.infer<typeof secretsView>> {
  const tenant = await database.query<{ secrets_version: number }>('select secrets_version from tenant');
  const version = tenant.rows[0]?.secrets_version ?? 1;
  const stations = await database.query<{ id: string; ward: string; cart: string; held: number; sent: number; denied: boolean }>(
    'select id, ward, cart, secrets_held as held, secrets_sent as sent, denied_at_ms is not null as denied from station order by ward, cart, id',
  );
  const deniedSince = (since: number): string[] => stations.rows.filter(({ denied, sent }) => denied && sent >= since).map(({ id }) => id);
  const kinds = await Promise.all(
    SECRET_KINDS.map(async (kind) => {
      const live = (await versionsOf(database, kind)).filter(isLive);
      const known = await knownBy(database, kind);
      return {
        kind,
        versions: live.map((row) => ({ version: row.version, madeAt: new Date(row.made_at_ms).toISOString(), known: known.get(row.version) ?? 0, deniedStations: deniedSince(row.since) })),
        stragglers: live.length === MOST_LIVE && live[0] ? await stragglersOf(database, kind, live[0].version) : 0,
      };
    }),
  );
  const contradictions = await database.query<{ kind: 'badge' | 'pin'; station: string; cart: string; person: string | null; at_ms: number }>(
    `select kind, rekeying.station, cart, staff.short as person, at_ms from rekeying join station on station.id = rekeying.station left join staff using (actor) where outcome = 'refused' order by rekeying.id desc limit $1`,
    [MOST_SHOWN],
  );
  return { version, kinds, contradictions: contradictions.rows.map(({ person, at_ms, ...row }) => ({ ...row, ...(person === null ? {} : { person }), at: new Date(at_ms).toISOString() })), stations: stations.rows.filter(({ denied }) => !denied).map(({ id, ward, cart, held }) => ({ id, ward, cart, held, current: held === version })) };
}

/** Whether this station was sent the newest version of the badge key or of the pepper: with it, whoever has the station knows badges and PINs. */
export async function knowsNewest(client: Queryable, station: string): Promise<boolean> {
  const found = await client.query(
    `select 1 from tenant_secret newest join station on station.id = $1
     where newest.since <= station.secrets_sent and newest.version = (select max(version) from tenant_secret where kind = newest.kind) limit 1`,
    [station],
  );
  return found.rowCount !== 0;
}

interface VersionRow {
  version: number;
  since: number;
  made_at_ms: number;
  retired_at_ms: number | null;
}

const isLive = ({ retired_at_ms }: VersionRow): boolean => retired_at_ms === null;

/** Oldest first, the retired ones too. */
async function versionsOf(client: Queryable, kind: SecretKind): Promise<VersionRow[]> {
  return (await client.query<VersionRow>('select version, since, made_at_ms, retired_at_ms from tenant_secret where kind = $1 order by version', [kind])).rows;
}

async function knownBy(client: Queryable, kind: SecretKind): Promise<ReadonlyMap<number, number>> {
  const found = await client.query<{ version: number; count: number }>(
    kind === 'badge-key' ? 'select key_version as version, count(*)::int as count from badge group by 1' : `select (pin->>'pepperVersion')::int as version, count(*)::int as count from staff where pin is not null group by 1`,
  );
  return new Map(found.rows.map(({ version, count }) => [version, count]));
}

/** Badges without a successor, or PINs, under this version. */
async function stragglersOf(client: Queryable, kind: SecretKind, version: number): Promise<number> {
  const found = await client.query<{ count: number }>(
    kind === 'badge-key'
      ? 'select count(*)::int as count from badge old where key_version = $1 and not exists (select 1 from badge new where new.key_version > $1 and new.moved_from = old.hmac)'
      : `select count(*)::int as count from staff where (pin->>'pepperVersion')::int = $1`,
    [version],
  );
  return found.rows[0]?.count ?? 0;
}
