import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import type { z } from 'zod';
import type { me } from '../contract/fleet.ts';
import { ok, refused, type Result } from '../domain/result.ts';
import type { Database } from './database.ts';
import type { Refusal } from './http-reply.ts';

type Me = z.infer<typeof me>;

export interface AdministratorDeps {
  readonly database: Database;
  /** Unix milliseconds. */
  readonly now: () => number;
}

export const SESSION_LIFE_MS = 12 * 3_600_000;
const FREE_TRIES = 4;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 15 * 60_000;
const SCRYPT = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };

/** Adds a local administrator; false if there is one of that name already, whose password then stays. */
export async function addAdministrator({ database }: AdministratorDeps, name: string, password: string): Promise<boolean> {
  const salt = randomBytes(16);
  const inserted = await database.query(`insert into administrator (name, salt, hash, roles) values ($1, $2, $3, '{administrator}') on conflict (name) do nothing`, [name, salt, await passwordHash(password, salt)]);
  return inserted.rowCount === 1;
}

/**
 * Checks a password and opens a session. The try is counted before it is judged; from the fifth wrong one on the name
 * has to wait, twice as long each time, up to 15 minutes. An unknown name and a wrong password are told alike.
 */
export async function signIn({ database, now }: AdministratorDeps, name: string, password: string): Promise<Result<{ token: string; me: Me }, Refusal>> {
  const counted = await database.query<{ salt: Buffer; hash: Buffer; roles: Me['roles'] }>(
    `update administrator set failures = failures + 1,
       locked_until_ms = case when failures >= $3 then $2 + least($5, $4 * power(2, least(failures - $3, 30)))::bigint else 0 end
     where name = $1 and locked_until_ms <= $2 returning salt, hash, roles`,
    [name, now(), FREE_TRIES, FIRST_WAIT_MS, LONGEST_WAIT_MS],
  );
  const row = counted.rows[0];
  if (!row && (await database.query('select 1 from administrator where name = $1', [name])).rowCount !== 0) {
    return refused({ reason: 'slow-down', message: 'Too many wrong passwords for this name. Wait a while and try again.' });
  }
  const given = await oneAtATime(() => passwordHash(password, row?.salt ?? randomBytes(16)));
  if (!row || !timingSafeEqual(given, row.hash)) return refused({ reason: 'not-authenticated', message: 'The name or the password is wrong.' });
  const token = randomBytes(32).toString('base64url');
  await database.transaction(async (client) => {
    await client.query('update administrator set failures = 0, locked_until_ms = 0 where name = $1', [name]);
    await client.query('delete from session where expires_at_ms < $1', [now()]);
    await client.query('insert into session (token_hash, name, created_at_ms, expires_at_ms) values ($1, $2, $3, $4)', [sha256(token), name, now(), now() + SESSION_LIFE_MS]);
  });
  return ok({ token, me: { user: name, roles: row.roles } });
}

export async function whoIs({ database, now }: AdministratorDeps, token: string): Promise<Me | undefined> {
  const found = await database.query<{ name: string; roles: Me['roles'] }>('select name, roles from session join administrator using (name) where token_hash = $1 and expires_at_ms > $2', [sha256(token), now()]);
  const row = found.rows[0];
  return row && { user: row.name, roles: row.roles };
}

export async function signOut({ database }: AdministratorDeps, token: string): Promise<void> {
  await database.query('delete from session where token_hash = $1', [sha256(token)]);
}

/** Lets holders of `token` read the published ledgers and nothing else. Only its hash is kept. */
export async function addAuditor({ database, now }: AdministratorDeps, token: string): Promise<void> {
  await database.query('insert into auditor_token (token_hash, created_at_ms) values ($1, $2) on conflict do nothing', [sha256(token), now()]);
}

export async function isAuditor({ database }: AdministratorDeps, token: string): Promise<boolean> {
  return (await database.query('select 1 from auditor_token where token_hash = $1', [sha256(token)])).rowCount === 1;
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

function passwordHash(password: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => scrypt(password, salt, 32, SCRYPT, (error, key) => (error ? reject(error) : resolve(key))));
}

let last: Promise<unknown> = Promise.resolve();
/** A storm of sign-ins may cost time, never all of the memory or the thread pool. */
function oneAtATime<T>(work: () => Promise<T>): Promise<T> {
  const next = last.then(work, work);
  last = next;
  return next;
}
