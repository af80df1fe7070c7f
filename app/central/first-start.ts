import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { addAdministrator, addAuditor, type AdministratorDeps } from './administrators.ts';
import type { Database } from './database.ts';
import { openKeys, writeDurably, type TenantKeys } from './keys.ts';
import { settleServerKeys } from './server-keys.ts';
import { lockKeys, settleSecrets } from './tenant-secrets.ts';

const firstSecrets = z.strictObject({ about: z.string(), admin: z.strictObject({ user: z.string(), password: z.string() }), auditorToken: z.string() });
export type FirstSecrets = Omit<z.infer<typeof firstSecrets>, 'about'>;

/** A start that a person has to do something about; its message says what. */
export class StartRefused extends Error {}

/** The tenant's keys, made at the very first start; refuses a data folder whose keys are not those of this database. */
export async function openTenant(database: Database, folder: string, wantedName: string, nowMs: number): Promise<TenantKeys> {
  return database.transaction(async (client) => {
    await lockKeys(client);
    await client.query('insert into tenant (name) values ($1) on conflict do nothing', [wantedName]);
    const row = (await client.query<{ name: string; keys_digest: string | null }>('select name, keys_digest from tenant')).rows[0];
    if (!row) throw new Error('the tenant row is missing');
    const keys = await openKeys(folder, row.name, row.keys_digest === null);
    if (keys.tenant !== row.name || (row.keys_digest !== null && row.keys_digest !== keys.digest && row.keys_digest !== keys.digestBeforeRotation)) {
      throw new StartRefused(`The keys in ${folder} are not those of this database (tenant ${row.name}). Start with the data folder that belongs to it, or restore its keys.json. Nothing was changed.`);
    }
    await client.query('update tenant set keys_digest = $1', [keys.digest]);
    await settleSecrets(client, keys, nowMs);
    await settleServerKeys(client, keys, nowMs);
    return keys;
  });
}

/**
 * The first administrator and auditor token. They are written to a 0600 file before the database learns of them, so a
 * crash in between loses neither. Undefined where the database has an administrator and this folder never knew it.
 */
export async function openFirstSecrets(deps: AdministratorDeps, folder: string): Promise<FirstSecrets | undefined> {
  const file = path.join(folder, 'first-secrets.json');
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  const exists = (await deps.database.query('select 1 from administrator')).rowCount !== 0;
  if (text === undefined && exists) return undefined;
  const secrets: FirstSecrets = text === undefined ? { admin: { user: 'admin', password: randomBytes(16).toString('base64url') }, auditorToken: randomBytes(32).toString('base64url') } : firstSecrets.parse(JSON.parse(text));
  if (text === undefined) await writeDurably(file, `${JSON.stringify({ about: 'First sign-in to the Dockward fleet page. Delete this file once it is kept elsewhere.', ...secrets }, null, 2)}\n`);
  await addAdministrator(deps, secrets.admin.user, secrets.admin.password);
  await addAuditor(deps, secrets.auditorToken);
  return { admin: secrets.admin, auditorToken: secrets.auditorToken };
}
