import { createHash, randomBytes, timingSafeEqual, X509Certificate } from 'node:crypto';
import type { z } from 'zod';
import type { enrolRequest, EnrolResponse } from '../contract/station-http.ts';
import { ok, refused, type Result } from '../domain/result.ts';
import { encodeVkey } from '../ledger/note.ts';
import { issueStationCertificate } from './authority.ts';
import { bundleChanged } from './bundle-changed.ts';
import type { Database } from './database.ts';
import type { Refusal } from './http-reply.ts';
import { revokeKeys } from './key-ranges.ts';
import type { TenantKeys } from './keys.ts';
import { knowsNewest } from './rekeying.ts';
import { serverKeys } from './server-keys.ts';
import { encryptTo, liveSecrets } from './tenant-secrets.ts';

type EnrolRequest = z.infer<typeof enrolRequest>;

export const CODE_LIFE_MS = 15 * 60_000;
export const CODE_TRIES = 5;
/** Crockford's base 32: nothing in it is misread or misheard. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const GROUP = 4;

export interface Place {
  readonly ward: string;
  readonly cart: string;
}

export interface EnrolmentDeps {
  readonly database: Database;
  readonly keys: TenantKeys;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/**
 * Makes a one-time code for a cart's place: `XXXX-XXXX-XXXX-XXXX`, usable once within 15 minutes and 5 tries.
 * The first group finds the code, the other three (60 bits) prove it; only their hash is stored. Behind a `~` follows the
 * SHA-256 of our authority's certificate: the station speaks with nobody else, and keeps that part to itself.
 */
export async function makeCode({ database, keys, now }: EnrolmentDeps, place: Place): Promise<Result<{ code: string; expiresAtMs: number }, Refusal>> {
  const ward = await database.query('select 1 from ward where id = $1', [place.ward]);
  if (ward.rowCount === 0) return refused({ reason: 'not-found', message: `There is no ward "${place.ward}". Import the directory first.` });
  const expiresAtMs = now() + CODE_LIFE_MS;
  for (;;) {
    const [selector = '', ...secret] = Array.from({ length: 4 }, randomGroup);
    const inserted = await database.query(
      `insert into enrolment_code (selector, secret_hash, ward, cart, expires_at_ms) values ($1, $2, $3, $4, $5)
       on conflict (selector) do update set secret_hash = excluded.secret_hash, ward = excluded.ward, cart = excluded.cart, expires_at_ms = excluded.expires_at_ms, tries = 0, used_at_ms = null
       where enrolment_code.expires_at_ms < $6`,
      [selector, hashOf(secret.join('')), place.ward, place.cart, expiresAtMs, now() - CODE_LIFE_MS],
    );
    if (inserted.rowCount === 1) return ok({ code: `${[selector, ...secret].join('-')}~${fingerprintOf(keys.authority.certificatePem)}`, expiresAtMs });
  }
}

/** Enrols a new station for the place of its code: certificate, ledger origin of epoch 1 and the tenant's secrets, encrypted to it. */
export async function enrol(deps: EnrolmentDeps, request: EnrolRequest): Promise<Result<EnrolResponse, Refusal>> {
  const ledgerKey = Buffer.from(request.ledgerKey, 'base64');
  if (ledgerKey.length !== 32) return refused({ reason: 'malformed', message: 'The ledger key is not the base64 of 32 bytes.' });
  const live = await liveSecrets(deps.database, deps.keys);
  const secrets = await encryptTo(request.encryptionKey, live);
  if (!secrets.ok) return secrets;
  const station = `st-${randomBytes(6).toString('hex')}`;
  const certificate = await issueStationCertificate(deps.keys.authority, deps.keys.tenant, station, request.csrPem, deps.now());
  if (!certificate.ok) return refused({ reason: 'malformed', message: certificate.reason });

  const selector = await tryCode(deps, request.code);
  if (!selector.ok) return selector;
  const origin = `${deps.keys.tenant}/station/${station}/e1`;
  const place = await deps.database.transaction(async (client) => {
    const taken = await client.query<{ ward: string; cart: string; name: string }>(
      'update enrolment_code set used_at_ms = $2 from ward where selector = $1 and used_at_ms is null and ward.id = enrolment_code.ward returning enrolment_code.ward, cart, ward.name',
      [selector.value, deps.now()],
    );
    const row = taken.rows[0];
    if (!row) return undefined;
    await client.query('insert into station (id, ward, cart, shelves, encryption_key, certificate_until_ms, enrolled_at_ms, secrets_sent, secrets_held) values ($1, $2, $3, $4::jsonb, $5::jsonb, $6, $7, $8, $8)', [
      station,
      row.ward,
      row.cart,
      JSON.stringify(request.shelves),
      JSON.stringify(request.encryptionKey),
      certificate.value.untilMs,
      deps.now(),
      live.version,
    ]);
    await client.query('insert into origin (origin, station, epoch, ledger_key) values ($1, $2, 1, $3)', [origin, station, ledgerKey]);
    await bundleChanged(client);
    return row;
  });
  if (!place) return refused(CODE_USED);
  const signing = await serverKeys(deps.database, deps.keys);
  return ok({
    tenant: deps.keys.tenant,
    station,
    epoch: 1,
    origin,
    place: { wardId: place.ward, ward: place.name, cart: place.cart },
    certificatePem: certificate.value.certificatePem,
    caPem: deps.keys.authority.certificatePem,
    secrets: secrets.value,
    serverKeys: [...signing.servers],
    witness: encodeVkey(signing.witness.verifier),
  });
}

export async function renew(deps: EnrolmentDeps, station: string, csrPem: string): Promise<Result<{ certificatePem: string }, Refusal>> {
  const certificate = await issueStationCertificate(deps.keys.authority, deps.keys.tenant, station, csrPem, deps.now());
  if (!certificate.ok) return refused({ reason: 'malformed', message: certificate.reason });
  await deps.database.query('update station set certificate_until_ms = $2 where id = $1', [station, certificate.value.untilMs]);
  return ok({ certificatePem: certificate.value.certificatePem });
}

/**
 * Puts a station on the deny-list: from its next request on nothing but a refusal is sent to it, and the keys of its ledgers are revoked at the size cosigned last. `rotate`: it has the newest badge key
 * or pepper, so whoever has the station can try out badge numbers and PINs; rotating ends that for all that come after.
 */
export async function denyStation({ database, now }: EnrolmentDeps, station: string): Promise<Result<{ rotate: boolean }, Refusal>> {
  const denied = await database.transaction(async (client) => {
    // Ledgers are locked before stations, as an upload does that tells its own station something.
    await client.query('select 1 from origin where station = $1 order by origin for update', [station]);
    const updated = await client.query('update station set denied_at_ms = coalesce(denied_at_ms, $2) where id = $1', [station, now()]);
    if (updated.rowCount !== 1) return undefined;
    await revokeKeys(client, station, now());
    await bundleChanged(client);
    return { rotate: await knowsNewest(client, station) };
  });
  return denied ? ok(denied) : refused({ reason: 'not-found', message: `There is no station "${station}".` });
}

const CODE_USED: Refusal = { reason: 'code-used', message: 'This code has been used. Each code enrols one station: make a new one on the fleet page.' };

/** Counts the try before judging it, so that a crash or parallel tries gain nothing. Gives the code's selector. */
async function tryCode({ database, now }: EnrolmentDeps, code: string): Promise<Result<string, Refusal>> {
  const [secret = ''] = code.split('~');
  const plain = secret.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1');
  const counted = await database.query<{ secret_hash: Buffer; tries: number; expires_at_ms: number }>(
    'update enrolment_code set tries = tries + 1 where selector = $1 returning secret_hash, tries, expires_at_ms',
    [plain.slice(0, GROUP)],
  );
  const row = counted.rows[0];
  const given = hashOf(plain.slice(GROUP));
  const right = timingSafeEqual(given, row?.secret_hash ?? randomBytes(given.length));
  const unknown: Refusal = { reason: 'code-unknown', message: 'This code is not known. Check it, or make a new one on the fleet page.' };
  if (!row) return refused(unknown);
  if (row.tries > CODE_TRIES) return refused({ reason: 'code-locked', message: 'This code was tried too often and is locked. Make a new one on the fleet page.' });
  if (!right) return refused(unknown);
  if (now() > row.expires_at_ms) return refused({ reason: 'code-expired', message: 'This code is older than 15 minutes. Make a new one on the fleet page.' });
  return ok(plain.slice(0, GROUP));
}

const fingerprintOf = (pem: string): string => createHash('sha256').update(new X509Certificate(pem).raw).digest('hex');
const hashOf = (secret: string): Buffer => createHash('sha256').update(secret).digest();

function randomGroup(): string {
  return Array.from(randomBytes(GROUP), (byte) => ALPHABET[byte % ALPHABET.length]).join('');
}
