import { encodeVkey } from '../ledger/note.ts';
import { cardTrust } from '../contract/device-host.ts';
import { policyBundle, rules, type PolicyBundle } from '../contract/policy-bundle.ts';
import type { Database, Queryable } from './database.ts';
import { keyOrders } from './key-ranges.ts';
import type { TenantKeys } from './keys.ts';
import { serverKeys } from './server-keys.ts';
import { signJws } from './statements.ts';

/** A bundle older than this is issued anew, so that its age at a station says when the station last had contact. */
const REISSUE_MS = 3_600_000;
/** After this a station refuses to take it; the ladder (DESIGN "Policy bundle") has closed nearly everything long before. */
const LIFE_MS = 30 * 86_400_000;
const BUNDLE_LOCK = 0x446f_6362;

export interface BundleStore {
  /**
   * The newest bundle, made now if anything changed or the last is an hour old; undefined while there are no rules. `held`: the version
   * that a station has. A newer one than was ever made here says that this database was restored from a backup: the next stands above it.
   */
  current(held?: number): Promise<{ version: number; jws: string } | undefined>;
}

export function createBundleStore(database: Database, keys: TenantKeys, now: () => number): BundleStore {
  const newest = async (client: Queryable): Promise<{ version: number; jws: string; due: boolean } | undefined> => {
    const found = await client.query<{ version: number; jws: string; revision: number; issued_at_ms: number; wanted: number }>(
      'select version, jws, bundle.revision, issued_at_ms, tenant.revision as wanted from bundle, tenant order by version desc limit 1',
    );
    const row = found.rows[0];
    return row && { version: row.version, jws: row.jws, due: row.revision !== row.wanted || now() - row.issued_at_ms > REISSUE_MS };
  };
  return {
    async current(held = 0) {
      const last = await newest(database);
      if (last && !last.due && last.version >= believed(held, last.version)) return last;
      return database.transaction(async (client) => {
        await client.query('select pg_advisory_xact_lock($1)', [BUNDLE_LOCK]);
        const standing = await newest(client);
        const version = standing?.version ?? 0;
        const least = believed(held, version);
        if (standing && !standing.due && version >= least) return standing;
        return issue(client, keys, Math.max(version, least) + 1, now());
      });
    },
  };
}

/** No server is restored from so long ago; a station that says so is not believed. */
const MOST_AHEAD = 100_000;
const believed = (held: number, version: number): number => (held <= version + MOST_AHEAD ? held : 0);

async function issue(client: Queryable, keys: TenantKeys, version: number, issuedAtMs: number): Promise<{ version: number; jws: string } | undefined> {
  const tenant = (await client.query<{ revision: number; rules: unknown; cards: unknown; secrets_version: number }>('select revision, rules, cards, secrets_version from tenant')).rows[0];
  if (!tenant || tenant.rules === null) return undefined;
  // Before the keys are read: one that is made in between is published a version before the database says so, never after.
  await client.query('update server_key set announced_version = $1 where announced_version is null', [version]);
  const signing = await serverKeys(client, keys);
  const payload: PolicyBundle = {
    tenant: keys.tenant,
    ...(await contents(client)),
    version,
    issuedAtMs,
    expiresAtMs: issuedAtMs + LIFE_MS,
    secretsVersion: tenant.secrets_version,
    rules: rules.parse(tenant.rules),
    cards: cardTrust.parse(tenant.cards),
    ...(await keyOrders(client)),
    keys: {
      server: [...signing.servers],
      formerServer: [...signing.formerServers],
      witness: encodeVkey(signing.witness.verifier),
      formerWitnesses: signing.formerWitnesses.map(({ key, untilMs }) => ({ vkey: encodeVkey(key), untilMs })),
    },
  };
  const jws = await signJws(signing, 'dockward-bundle+jwt', policyBundle.parse(payload));
  await client.query('insert into bundle (version, revision, issued_at_ms, jws) values ($1, $2, $3, $4)', [version, tenant.revision, issuedAtMs, jws]);
  return { version, jws };
}

async function contents(client: Queryable): Promise<Pick<PolicyBundle, 'stations' | 'wards' | 'staff' | 'devices'>> {
  const stations = await client.query<{ id: string }>('select id from station where denied_at_ms is null order by id');
  const wards = await client.query<{ id: string; name: string }>('select id, name from ward order by id');
  const devices = await client.query<PolicyBundle['devices'][number]>('select serial, asset, ward, model, platform, profile, standing from device order by serial');
  const staff = await client.query<{ actor: string; name: string; roles: never; wards: string[]; revoked: boolean; pin: NonNullable<PolicyBundle['staff'][number]['pin']> | null; badges: { hmac: string; badgeKeyVersion: number }[] }>(
    `select actor, short as name, roles, wards, revoked, pin,
       coalesce((select json_agg(json_build_object('hmac', hmac, 'badgeKeyVersion', key_version) order by hmac) from badge where badge.staff = staff.id), '[]') as badges
     from staff order by id`,
  );
  return {
    stations: stations.rows.map(({ id }) => id),
    wards: wards.rows,
    devices: devices.rows,
    staff: staff.rows.map(({ pin, ...member }) => ({ ...member, ...(pin ? { pin } : {}) })),
  };
}
