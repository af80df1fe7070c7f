import { createHash, createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { bundleDevice, rules, type PinVerifier } from '../contract/policy-bundle.ts';
import type { TenantSecrets } from '../contract/station-http.ts';
import { ROLES } from '../domain/terms.ts';
import { bundleChanged } from './bundle-changed.ts';
import { cardTrustFile, readCardTrust } from './card-trust.ts';
import type { Database, Queryable } from './database.ts';
import type { TenantKeys } from './keys.ts';
import { refuseUnknownCarts } from './named-carts.ts';
import { liveSecrets, newestOf } from './tenant-secrets.ts';

const name = z.string().min(1).max(80);

/** A ward's directory as a JSON file (resources/demo/ward.json). Badge numbers and PINs in it are used once and never stored. */
export const directory = z.object({
  tenant: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/),
  wards: z.array(z.strictObject({ id: z.string().min(1).max(40), name })).min(1),
  staff: z.array(
    z.object({
      id: z.string().min(1).max(80),
      name,
      short: z.string().min(1).max(40),
      roles: z.array(z.enum(ROLES)).min(1),
      wards: z.array(z.string()),
      badgeUid: z.string().regex(/^(?:[0-9A-Fa-f]{2}){4,32}$/).optional(),
      pin: z.string().regex(/^\d{6,12}$/).optional(),
    }),
  ),
  devices: z.array(z.object({ ...bundleDevice.shape, standing: bundleDevice.shape.standing.default('admitted') })),
  rules,
  /** Absent: what the database holds stays. */
  cards: cardTrustFile.optional(),
});
export type Directory = z.infer<typeof directory>;

/** DESIGN "Policy bundle". One verification takes about 300 ms and 130 MB. */
const SCRYPT = { N: 2 ** 17, r: 8, p: 1, maxmem: 256 * 1024 * 1024 };
const HASH_BYTES = 32;

/**
 * Brings the database up to what the directory says; a second import of the same directory changes nothing.
 * Staff who have a PIN verifier keep it: a PIN in the file is only the first one. Throws `StartRefused`, with nothing changed, where its rules
 * name a cart that is not there.
 */
export async function importDirectory(database: Database, keys: TenantKeys, wanted: Directory): Promise<void> {
  const cards = wanted.cards && readCardTrust(wanted.cards);
  const known = new Set((await database.query<{ id: string }>('select id from staff where pin is not null')).rows.map(({ id }) => id));
  const pins = await firstPins(wanted, await liveSecrets(database, keys), known);
  await database.transaction(async (client) => {
    await client.query('select 1 from tenant for update');
    await refuseUnknownCarts(client, wanted.rules);
    const secrets = await liveSecrets(client, keys);
    const before = await fingerprint(client);
    await client.query('update tenant set rules = $1::jsonb', [JSON.stringify(wanted.rules)]);
    if (cards) await client.query('update tenant set cards = $1::jsonb', [JSON.stringify(cards)]);
    for (const ward of wanted.wards) {
      await client.query('insert into ward (id, name) values ($1, $2) on conflict (id) do update set name = excluded.name', [ward.id, ward.name]);
    }
    for (const member of wanted.staff) await upsertMember(client, secrets, member, pins.get(member.id));
    for (const device of wanted.devices) {
      // The standing changes by decisions of people (lost, retired); an import never takes one back.
      await client.query(
        `insert into device (serial, asset, ward, model, platform, profile, standing) values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (serial) do update set asset = excluded.asset, ward = excluded.ward, model = excluded.model, platform = excluded.platform, profile = excluded.profile`,
        [device.serial, device.asset, device.ward, device.model, device.platform, device.profile, device.standing],
      );
    }
    if ((await fingerprint(client)) !== before) await bundleChanged(client);
  });
}

/** What the ledger calls a person: SHA-256(salt ‖ staff id), hex. */
export function actorOf(salt: Buffer, staffId: string): string {
  return createHash('sha256').update(salt).update(staffId, 'utf8').digest('hex');
}

/** HMAC-SHA-256 of a badge under the tenant's badge key (base64url), over the upper-case hex of its UID; hex. */
export function badgeHmac(badgeKey: string, uid: string): string {
  return createHmac('sha256', Buffer.from(badgeKey, 'base64url')).update(uid.toUpperCase(), 'ascii').digest('hex');
}

/** scrypt of the PIN's UTF-8 bytes ‖ the pepper's 32 bytes. */
export function pinHash(pin: string, pepper: string, salt: Buffer): Promise<Buffer> {
  const secret = Buffer.concat([Buffer.from(pin, 'utf8'), Buffer.from(pepper, 'base64url')]);
  return new Promise((resolve, reject) => scrypt(secret, salt, HASH_BYTES, SCRYPT, (error, key) => (error ? reject(error) : resolve(key))));
}

export async function pinMatches(pin: string, pepper: string, verifier: PinVerifier): Promise<boolean> {
  return timingSafeEqual(await pinHash(pin, pepper, Buffer.from(verifier.salt, 'hex')), Buffer.from(verifier.hash, 'hex'));
}

async function firstPins(wanted: Directory, secrets: TenantSecrets, known: ReadonlySet<string>): Promise<Map<string, PinVerifier>> {
  const pepper = newestOf(secrets, 'pepper');
  const verifiers = new Map<string, PinVerifier>();
  const missing = wanted.staff.filter((member) => member.pin !== undefined && !known.has(member.id));
  const lane = async (): Promise<void> => {
    for (let member = missing.pop(); member?.pin !== undefined; member = missing.pop()) {
      const salt = randomBytes(16);
      verifiers.set(member.id, { salt: salt.toString('hex'), hash: (await pinHash(member.pin, pepper.key, salt)).toString('hex'), pepperVersion: pepper.version });
    }
  };
  // Two at a time: each takes 130 MB.
  await Promise.all([lane(), lane()]);
  return verifiers;
}

async function upsertMember(client: Queryable, secrets: TenantSecrets, member: Directory['staff'][number], pin: PinVerifier | undefined): Promise<void> {
  const salt = randomBytes(16);
  await client.query(
    `insert into staff (id, actor, salt, name, short, roles, wards) values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (id) do update set name = excluded.name, short = excluded.short, roles = excluded.roles, wards = excluded.wards`,
    [member.id, actorOf(salt, member.id), salt.toString('hex'), member.name, member.short, member.roles, member.wards],
  );
  if (pin) await client.query('update staff set pin = $2::jsonb where id = $1 and pin is null', [member.id, JSON.stringify(pin)]);
  if (member.badgeUid !== undefined) await upsertBadge(client, secrets, member.badgeUid, member.id);
}

/** A badge is kept under the newest badge key; where it is known by the one before too, that is the same person's from now on. */
async function upsertBadge(client: Queryable, { badgeKeys }: TenantSecrets, uid: string, staff: string): Promise<void> {
  const [newest, before] = badgeKeys.toReversed();
  if (!newest) throw new Error('the tenant has no badge key');
  const old = before && { hmac: badgeHmac(before.key, uid), version: before.version };
  const known = old && (await client.query('update badge set staff = $3 where hmac = $1 and key_version = $2', [old.hmac, old.version, staff]));
  await client.query(
    `insert into badge (hmac, key_version, staff, moved_from) values ($1, $2, $3, $4)
     on conflict (hmac, key_version) do update set staff = excluded.staff, moved_from = coalesce(badge.moved_from, excluded.moved_from)`,
    [badgeHmac(newest.key, uid), newest.version, staff, known?.rowCount === 1 ? old?.hmac : null],
  );
}

async function fingerprint(client: Queryable): Promise<string> {
  const found = await client.query<{ all: string }>(
    `select md5(concat((select rules::text || cards::text from tenant), (select string_agg(w::text, ';' order by w.id) from ward w), (select string_agg(s::text, ';' order by s.id) from staff s),
       (select string_agg(b::text, ';' order by b.hmac) from badge b), (select string_agg(d::text, ';' order by d.serial) from device d))) as all`,
  );
  return found.rows[0]?.all ?? '';
}
