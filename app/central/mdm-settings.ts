import { z } from 'zod';
import { PLATFORM_OF, type MdmKind, type MdmOrder, type MdmSettings, type MdmTried } from '../contract/mdm.ts';
import { ok, refused, type Result } from '../domain/result.ts';
import type { Database } from './database.ts';
import type { Log, Refusal } from './http-reply.ts';
import type { TenantKeys } from './keys.ts';
import { openMdm, type ConfiguredMdm } from './mdm-open.ts';
import { configure, noteChange, purposeOf, readStored, type StoredMdm } from './mdm-store.ts';
import { triedWords, tryMdm, type TryDeps } from './mdm-try.ts';
import type { MdmsInUse } from './mdms-in-use.ts';
import { reachableByPolicy, withoutMdm } from './reachable.ts';
import { seal, unseal } from './sealing.ts';
import { lockKeys } from './tenant-secrets.ts';
import { wake } from './wakener.ts';

export interface MdmSettingsDeps extends TryDeps {
  readonly database: Database;
  readonly keys: TenantKeys;
  readonly mdms: MdmsInUse;
  readonly log: Log;
}

/** An order made whole with what is kept of the present one. A credential is kept for its own address alone: whoever may set an MDM could else have it sent anywhere. */
async function whole(deps: MdmSettingsDeps, order: MdmOrder): Promise<Result<{ readonly configured: ConfiguredMdm; readonly secrets: Record<string, unknown>; readonly fresh: boolean; readonly before: StoredMdm | undefined }, Refusal>> {
  const byFile = refuseFile(deps, order.kind);
  if (byFile) return refused(byFile);
  const before = (await readStored(deps.database)).find(({ kind }) => kind === order.kind);
  const keeps = before !== undefined && before.settings.baseUrl === order.settings.baseUrl;
  const kept = keeps ? z.record(z.string(), z.unknown()).safeParse(await unseal(deps.keys, purposeOf(order.kind), before.sealed)).data : undefined;
  const secrets = { ...kept, ...order.secrets };
  const configured = configure(order.settings, secrets);
  const fresh = Object.keys(order.secrets).some((name) => !name.endsWith('Profile'));
  return configured.ok ? ok({ configured: configured.value, secrets, fresh, before }) : configured;
}

function refuseFile({ mdms }: MdmSettingsDeps, kind: MdmKind): Refusal | undefined {
  const named = mdms.all().some(({ platform, source }) => source === 'file' && platform === PLATFORM_OF[kind]);
  return named ? { reason: 'conflict', message: 'The file given at the start of the server (--mdm) names the MDM of these tablets. Change it there and start the server again, or take it out of the file to set it here.' } : undefined;
}

/** One harmless request with what was given; nothing is kept. */
export async function tryOrder(deps: MdmSettingsDeps, order: MdmOrder): Promise<Result<MdmTried, Refusal>> {
  const made = await whole(deps, order);
  if (!made.ok) return made;
  return ok(triedWords(order.settings, await tryMdm(made.value.configured, deps)));
}

/** Brings an MDM into use, or changes the one in use. It is tried once more first: what is in use has answered with this credential. */
export async function useOrder(deps: MdmSettingsDeps, order: MdmOrder, by: string): Promise<Result<void, Refusal>> {
  const { database, keys, now, log } = deps;
  const made = await whole(deps, order);
  if (!made.ok) return made;
  const { configured, secrets, fresh, before } = made.value;
  const tried = triedWords(order.settings, await tryMdm(configured, deps));
  if (!tried.answered) return refused({ reason: 'conflict', message: `${tried.message} Nothing was changed.` });
  const mdm = openMdm(configured, now)({ database, used: () => {} });
  const act = before ? 'changed' : 'added';
  const done = await database.transaction(async (client): Promise<Result<void, Refusal>> => {
    await lockKeys(client);
    const reachable = await reachableByPolicy(client, mdm);
    if (!reachable.ok) return reachable;
    if ((await readStored(client)).find(({ kind }) => kind === order.kind)?.sealed !== before?.sealed) return refused({ reason: 'conflict', message: 'Somebody else has set it in the meantime. Look at it, then try again.' });
    await client.query(
      `insert into mdm_setting (kind, settings, sealed, set_at_ms, set_by, credential_since_ms) values ($1, $2::jsonb, $3, $4, $5, $4)
       on conflict (kind) do update set settings = excluded.settings, sealed = excluded.sealed, set_at_ms = excluded.set_at_ms, set_by = excluded.set_by,
         credential_since_ms = case when $6 then excluded.credential_since_ms else mdm_setting.credential_since_ms end`,
      [order.kind, JSON.stringify(order.settings), await seal(client, keys, purposeOf(order.kind), secrets), now(), by, fresh],
    );
    await noteChange(client, { kind: order.kind, act, credential: fresh, settings: order.settings, atMs: now(), by });
    return ok(undefined);
  });
  if (!done.ok) return done;
  log.info({ mdm: order.kind, act, by, credential: fresh }, 'an MDM was set on the fleet page');
  await deps.mdms.settle();
  await lookAgain(database, order.kind);
  return done;
}

/** What waited for an MDM, or for a credential that it takes, waits no longer. After it is in use, so that nobody asks the one before. */
async function lookAgain(database: Database, kind: MdmKind): Promise<void> {
  await database.transaction(async (client) => {
    await client.query(`insert into sanitization_nudge (request) select request from sanitization_request join device using (serial) where platform = $1 and state in ('requested', 'issuing', 'observing')`, [PLATFORM_OF[kind]]);
    await wake(client, 'sanitization');
  });
}

/** Takes an MDM out of use and forgets its secrets. */
export async function removeStored(deps: MdmSettingsDeps, kind: MdmKind, by: string): Promise<Result<void, Refusal>> {
  const { database, now, log } = deps;
  const done = await database.transaction(async (client): Promise<Result<void, Refusal>> => {
    await lockKeys(client);
    // Where a file names the MDM, what is set here is not in use and no policy hangs on it.
    const reachable = refuseFile(deps, kind) ? ok(undefined) : await reachableByPolicy(client, withoutMdm(PLATFORM_OF[kind]));
    if (!reachable.ok) return reachable;
    const removed = await client.query<{ settings: MdmSettings }>('delete from mdm_setting where kind = $1 returning settings', [kind]);
    const row = removed.rows[0];
    if (!row) return refused({ reason: 'not-found', message: 'It is not set here any more.' });
    await noteChange(client, { kind, act: 'removed', credential: false, settings: row.settings, atMs: now(), by });
    return ok(undefined);
  });
  if (!done.ok) return done;
  log.info({ mdm: kind, act: 'removed', by }, 'an MDM was removed on the fleet page');
  await deps.mdms.settle();
  return done;
}
