import { PLATFORM_OF, type MdmKind, type MdmSettings, type MdmsView } from '../contract/mdm.ts';
import type { Platform } from '../domain/terms.ts';
import type { Queryable } from './database.ts';
import { iso } from './fleet-view.ts';
import { readStored } from './mdm-store.ts';
import type { MdmInUse, MdmsInUse } from './mdms-in-use.ts';
import { LEAF_WORDS } from './reachable.ts';

const DAYS_MS = 14 * 86_400_000;
const MOST_CHANGES = 50;
/** Uses of a credential by whoever sends us something, not by us. */
const INCOMING = ['webhook', 'notification'];

interface UseRow {
  readonly name: string;
  readonly purpose: string;
  readonly outcome: string;
  readonly day_ms: number;
  readonly uses: number;
  readonly last_at_ms: number;
}
interface OfPlatform {
  readonly platform: Platform;
  readonly tablets: number;
  readonly under_way: number;
}

/** Every MDM of the tenant as an administrator sees it; nothing secret. `nowMs`: Unix milliseconds. */
export async function readMdms(client: Queryable, mdms: MdmsInUse, nowMs: number): Promise<MdmsView> {
  const all = mdms.all();
  const names = all.flatMap(({ about }) => (about ? [about.asks, ...(about.tells === undefined ? [] : [about.tells])] : []));
  const uses = (await client.query<UseRow>('select name, purpose, outcome, day_ms, uses, last_at_ms from credential_use where name = any($1::text[]) and day_ms > $2 order by day_ms desc, name', [names, nowMs - DAYS_MS])).rows;
  const firsts = new Map((await client.query<{ name: string; first: number }>('select name, min(first_at_ms) as first from credential_use where name = any($1::text[]) group by name', [names])).rows.map(({ name, first }) => [name, first]));
  const platforms = (
    await client.query<OfPlatform>(
      `select platform, count(*) as tablets,
         (select count(*) from sanitization_request r join device o using (serial) where o.platform = d.platform and r.state in ('issuing', 'observing')) as under_way
       from device d where standing <> 'retired' group by platform`,
    )
  ).rows;
  const stored = await readStored(client);
  const changes = await client.query<{ kind: MdmKind; act: 'added' | 'changed' | 'removed'; credential: boolean; settings: MdmSettings; at_ms: number; by: string }>('select kind, act, credential, settings, at_ms, by from mdm_change order by id desc limit $1', [MOST_CHANGES]);
  const tabletsOf = (platform: Platform): number => platforms.find((one) => one.platform === platform)?.tablets ?? 0;
  return {
    mdms: all.map((mdm) => ({
      platform: mdm.platform,
      name: mdm.adapter.name,
      source: mdm.source,
      ...(mdm.about ? { settings: mdm.about.settings } : {}),
      ...(mdm.stored ? { set: { at: iso(mdm.stored.set_at_ms), by: mdm.stored.set_by } } : {}),
      maximumGrade: mdm.adapter.maximumGrade,
      never: mdm.adapter.unreachable.map((leaf) => ({ leaf, words: LEAF_WORDS[leaf] })),
      tablets: tabletsOf(mdm.platform),
      underWay: platforms.find((one) => one.platform === mdm.platform)?.under_way ?? 0,
      ...usesOf(mdm, uses, firsts),
    })),
    idle: stored
      .filter(({ kind }) => !all.some((mdm) => mdm.stored?.kind === kind))
      .map(({ kind, set_at_ms, set_by }) => ({ kind, set: { at: iso(set_at_ms), by: set_by }, why: mdms.sealedShut().includes(kind) ? SHUT : OVERRULED })),
    free: (['amapi', 'nanomdm'] as const).flatMap((kind) => (all.some(({ platform }) => platform === PLATFORM_OF[kind]) ? [] : [{ kind, platform: PLATFORM_OF[kind], tablets: tabletsOf(PLATFORM_OF[kind]) }])),
    changes: changes.rows.map(({ at_ms, ...change }) => ({ ...change, at: iso(at_ms) })),
  };
}

const SHUT = 'Its credential cannot be opened: keys.json is older than the database. Restore the newest keys.json and start the server again, or give the credential anew.';
const OVERRULED = 'The file given at the start (--mdm) names another MDM for these tablets, and that one is in use. Remove this one, or take that one out of the file.';

function usesOf({ about, stored, source }: MdmInUse, uses: readonly UseRow[], firsts: ReadonlyMap<string, number>): Partial<MdmsView['mdms'][number]> & Pick<MdmsView['mdms'][number], 'days'> {
  if (!about) return { days: [] };
  const since = stored?.credential_since_ms ?? firsts.get(about.asks);
  const last = uses.filter(({ name, purpose }) => name === about.asks && !INCOMING.includes(purpose)).reduce<UseRow | undefined>((latest, use) => (latest && latest.last_at_ms > use.last_at_ms ? latest : use), undefined);
  return {
    credential: { name: about.asks, ...(since === undefined ? {} : { since: iso(since) }) },
    ...(last ? { lastRequest: { at: iso(last.last_at_ms), purpose: last.purpose, ...outcomeWords(last.outcome, about.settings.kind, source) } } : {}),
    days: byDay(uses.filter(({ name }) => name === about.asks || name === about.tells)),
  };
}

function byDay(uses: readonly UseRow[]): MdmsView['mdms'][number]['days'] {
  const days = new Map<string, { day: string; name: string; accepted: number; refused: number }>();
  for (const { name, outcome, day_ms, uses: count } of uses) {
    const day = iso(day_ms).slice(0, 10);
    const row = days.get(`${day} ${name}`) ?? { day, name, accepted: 0, refused: 0 };
    days.set(`${day} ${name}`, row);
    row[outcome === 'accepted' || outcome === 'not-found' ? 'accepted' : 'refused'] += Number(count);
  }
  return [...days.values()];
}

function outcomeWords(outcome: string, kind: MdmKind, source: MdmInUse['source']): { answered: boolean; words: string; toDo?: string } {
  switch (outcome) {
    case 'accepted':
      return { answered: true, words: 'answered' };
    case 'not-found':
      return { answered: true, words: 'answered: it does not know what was asked for' };
    case 'throttled':
      return { answered: false, words: 'it asked for a pause', toDo: 'Nothing: it is asked again after the pause.' };
    case 'unauthorized': {
      const key = kind === 'amapi' ? 'Make a new key for the service account' : 'Compare the key with -api of NanoMDM';
      const where = source === 'page' ? 'change it here' : kind === 'amapi' ? 'put it into the file that --mdm names, and start the server again' : 'put it into its file; it is read at each use';
      return { answered: false, words: 'the credential was refused', toDo: `${key}, and ${where}. Until then no tablet is wiped.` };
    }
    case 'rejected':
      return { answered: false, words: 'it refused the request', toDo: 'Look at the quarantine: each tablet there says why.' };
    default:
      return { answered: false, words: 'no usable answer', toDo: 'It is asked again by itself. If this stays, see that the MDM runs and that this server reaches it.' };
  }
}
