import { amapiSecrets, mdmSettings, nanomdmSecrets, type MdmKind, type MdmSettings } from '../contract/mdm.ts';
import { ok, refused, type Result } from '../domain/result.ts';
import type { Queryable } from './database.ts';
import type { Refusal } from './http-reply.ts';
import type { TenantKeys } from './keys.ts';
import { readServiceAccount, secretsAtHand, type ConfiguredMdm } from './mdm-open.ts';
import { unseal } from './sealing.ts';
import { wake } from './wakener.ts';

/** Topic under which a change of the MDMs is announced to every process. */
export const MDMS = 'mdms';

/** One MDM as the page set it; `sealed` holds its secrets. */
export interface StoredMdm {
  readonly kind: MdmKind;
  readonly settings: MdmSettings;
  readonly sealed: string;
  readonly set_at_ms: number;
  readonly set_by: string;
  readonly credential_since_ms: number;
}

/** What the secrets of a kind are sealed for. */
export const purposeOf = (kind: MdmKind): string => `mdm ${kind}`;

export async function readStored(client: Queryable): Promise<readonly StoredMdm[]> {
  const found = await client.query<StoredMdm>('select kind, settings, sealed, set_at_ms, set_by, credential_since_ms from mdm_setting order by kind');
  return found.rows.map((row) => ({ ...row, settings: mdmSettings.parse(row.settings) }));
}

/** With its secrets; undefined: they are under a key that keys.json does not hold. */
export async function openStored(keys: TenantKeys, { kind, settings, sealed }: StoredMdm): Promise<ConfiguredMdm | undefined> {
  const secrets = await unseal(keys, purposeOf(kind), sealed);
  if (secrets === undefined) return undefined;
  const configured = configure(settings, secrets);
  return configured.ok ? configured.value : undefined;
}

/** Settings and secrets as one; refuses what is missing or no key, in words that repeat nothing of it. */
export function configure(settings: MdmSettings, secrets: unknown): Result<ConfiguredMdm, Refusal> {
  if (settings.kind === 'amapi') {
    const given = amapiSecrets.safeParse(secrets);
    if (!given.success) return missing('the service account’s JSON file');
    const serviceAccount = readServiceAccount(given.data.serviceAccount);
    return serviceAccount ? ok({ settings, serviceAccount }) : refused({ reason: 'malformed', message: 'This is not the key of a service account. Give the whole JSON file as Google made it.' });
  }
  const given = nanomdmSecrets.safeParse(secrets);
  return given.success ? ok({ settings, secrets: secretsAtHand(given.data) }) : missing(given.error.issues[0]?.path[0] === 'webhookKey' ? 'the webhook key' : 'the API key');
}

const missing = (what: string): Result<never, Refusal> => refused({ reason: 'malformed', message: `Give ${what}: a new MDM, and one at another address, is never asked with a credential that was given for something else.` });

/** In the transaction of the change. */
export async function noteChange(client: Queryable, { kind, act, credential, settings, atMs, by }: { kind: MdmKind; act: 'added' | 'changed' | 'removed'; credential: boolean; settings: MdmSettings; atMs: number; by: string }): Promise<void> {
  await client.query('insert into mdm_change (kind, act, credential, settings, at_ms, by) values ($1, $2, $3, $4::jsonb, $5, $6)', [kind, act, credential, JSON.stringify(settings), atMs, by]);
  await wake(client, MDMS);
}
