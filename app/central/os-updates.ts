import type { StatementFacts } from '../contract/statement.ts';
import { passingFacts, type MdmEnrolment } from '../domain/mdm-evidence.ts';
import { isUpdateOpen } from '../domain/os-update.ts';
import { refused, type Result } from '../domain/result.ts';
import { backOff } from '../domain/sanitization-look.ts';
import type { DeviceRow } from '../domain/tables.ts';
import type { UpdateFailure } from '../domain/terms.ts';
import type { Queryable } from './database.ts';
import type { MdmRefusal, UpdateOrder } from './mdm/adapter.ts';
import type { SanitizationDeps } from './sanitization.ts';
import { addStatement } from './statements.ts';
import { UPDATES_TOPIC, WIPED_SINCE } from './update-requests.ts';
import type { Wakener } from './wakener.ts';
import { runQueue } from './work-queue.ts';

interface Row {
  request: string;
  station: string;
  serial: string;
  nonce: string;
  origin: string;
  arrived_at_ms: number;
  state: 'requested' | 'ordering' | 'observing' | 'ending' | 'returning';
  enrolment: string | null;
  before: string | null;
  after: string | null;
  failure: UpdateFailure | null;
  ended_report_ms: number | null;
  ordered_at_ms: number | null;
  tries: number;
  profile: string | null;
}

/**
 * Does one step of one update that is due, and says whether there was any: as with a sanitization the row is locked for the whole
 * step, steps of one serial never overlap, and what is about to be done is written down in a step of its own.
 */
export async function updateOnce(deps: SanitizationDeps): Promise<boolean> {
  let taken: Row | undefined;
  try {
    return await deps.database.transaction(async (client) => {
      const found = await client.query<Row>(
        `select u.*, d.profile from update_request u left join device d using (serial)
         where u.state <> 'over' and (u.next_at_ms <= $1 or exists (select 1 from update_news n where n.request = u.request))
         order by u.next_at_ms limit 1 for update of u skip locked`,
        [deps.now()],
      );
      taken = found.rows[0];
      if (!taken) return false;
      await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [taken.serial]);
      const news = await client.query<{ failure: UpdateFailure | null; told: boolean }>('delete from update_news where request = $1 returning failure, told', [taken.request]);
      const ended = news.rows.filter(({ failure }) => failure !== null).sort((a, b) => Number(b.told) - Number(a.told))[0];
      const row = news.rows.length > 0 ? { ...taken, tries: 0 } : taken;
      if (ended?.failure && row.state !== 'ending' && row.state !== 'returning') await fail(deps, client, row, ended.failure, 'the cart, or a wipe, ended it', ended.told);
      else await step(deps, client, row);
      return true;
    });
  } catch (error) {
    if (taken) await deps.database.query('update update_request set next_at_ms = $2 where request = $1', [taken.request, deps.now() + deps.pace.slowestMs]);
    throw error;
  }
}

async function step(deps: SanitizationDeps, client: Queryable, row: Row): Promise<void> {
  switch (row.state) {
    case 'requested':
      return intend(deps, client, row);
    case 'ordering':
      return act(deps, client, row);
    case 'observing':
      return look(deps, client, row);
    case 'ending':
      return end(deps, client, row);
    case 'returning':
      return lookForReturn(deps, client, row);
  }
}

/** Writes down which enrolment is about to be updated, and from what; nothing has gone out before this has committed. */
async function intend(deps: SanitizationDeps, client: Queryable, row: Row): Promise<void> {
  const held = await wantedBy(client, row);
  if (!held) return fail(deps, client, row, 'interrupted', 'the cart no longer waits for it');
  if (row.profile === null) return fail(deps, client, row, 'refused', 'the directory does not know this serial');
  const found = await deps.adapter.findEnrolment(row.serial);
  if (!found.ok) return afterRefusal(deps, client, row, found.reason);
  const { enrolment, os, update } = found.value;
  if (enrolment !== held.evidence.enrolment?.enrolment) return fail(deps, client, row, 'refused', `${enrolment} is not the enrolment that was proven`);
  if (update === 'none') return fail(deps, client, row, 'none-waiting', 'the MDM says that it is up to date');
  if (update !== 'waiting' || os === undefined) return fail(deps, client, row, 'refused', 'the MDM can order no update for it, or does not say what it runs');
  await client.query(`update update_request set state = 'ordering', enrolment = $2, before = $3, tries = 0, next_at_ms = $4 where request = $1`, [row.request, enrolment, os, deps.now()]);
}

/** A request may come late, or again to a restored database: it is wanted while the ledger that asked still waits for it in a slot and no other has seen the tablet. */
async function wantedBy(client: Queryable, row: Row): Promise<DeviceRow | undefined> {
  const found = await client.query<{ row: DeviceRow }>(
    `select row from projection
     where origin = $1 and tbl = 'device' and key = $2 and row #>> '{update,request}' = $3 and row #>> '{custody,kind}' in ('cart', 'rebooting')
       and not exists (select 1 from placement where serial = $2 and kind = 'placed' and origin <> $1)`,
    [row.origin, row.serial, row.request],
  );
  const held = found.rows[0]?.row;
  return held && isUpdateOpen(held) ? held : undefined;
}

async function act(deps: SanitizationDeps, client: Queryable, row: Row): Promise<void> {
  const ordered = await (deps.adapter.updates?.order(orderOf(row)) ?? cannot());
  if (!ordered.ok) return afterRefusal(deps, client, row, ordered.reason);
  await client.query(`update update_request set state = 'observing', ordered_at_ms = $2, tries = 0, next_at_ms = $2 where request = $1`, [row.request, deps.now()]);
}

async function look(deps: SanitizationDeps, client: Queryable, row: Row): Promise<void> {
  const late = deps.now() - (row.ordered_at_ms ?? 0) > deps.pace.updatePatienceMs;
  const found = await deps.adapter.findEnrolment(row.serial);
  if (!found.ok && !late) return again(deps, client, row, found.reason);
  if (found.ok && found.value.enrolment !== row.enrolment) return fail(deps, client, row, 'interrupted', `it is enrolled as ${found.value.enrolment} now`);
  if (found.ok && found.value.os !== undefined && found.value.os !== row.before) {
    await client.query(`update update_request set state = 'ending', after = $2, tries = 0, next_at_ms = $3 where request = $1`, [row.request, found.value.os, deps.now()]);
    return;
  }
  if (!late) return again(deps, client, row);
  // Still under its ward's own profile, it never heard of the order.
  const heard = !found.ok || found.value.profile !== row.profile;
  return fail(deps, client, row, heard ? 'timed-out' : 'expired', heard ? 'it shows the same version as before' : 'it never fetched the order');
}

/** An update that has not begun is over at once; any other order is taken back first. */
async function fail(deps: SanitizationDeps, client: Queryable, row: Row, failure: UpdateFailure, detail: string, told = false): Promise<void> {
  deps.log.warn({ serial: row.serial, request: row.request, failure, detail }, 'an OS update was given up');
  if (!told) await state(deps, client, row, { kind: 'update-failed', failure });
  // The cart has let go of what it knew of profile and posture: it is told them anew, whatever became of the order.
  await client.query(`update update_request set state = $2, enrolment = coalesce(enrolment, ''), failure = $3, detail = $4, tries = 0, next_at_ms = $5 where request = $1`, [
    row.request,
    row.enrolment === null ? 'returning' : 'ending',
    failure,
    detail.slice(0, 500),
    deps.now(),
  ]);
}

/** Takes the order back, and notes the tablet's last report until then. */
async function end(deps: SanitizationDeps, client: Queryable, row: Row): Promise<void> {
  const ended = row.profile === null ? refused<MdmRefusal>({ reason: 'rejected', detail: 'the directory does not know this serial any more' }) : await (deps.adapter.updates?.end(orderOf(row)) ?? cannot());
  if (!ended.ok && ended.reason.reason !== 'rejected' && ended.reason.reason !== 'not-found') return again(deps, client, row, ended.reason);
  const found = await deps.adapter.findEnrolment(row.serial);
  await client.query(`update update_request set state = 'returning', ended_report_ms = $2, tries = 0, next_at_ms = $3 where request = $1`, [row.request, found.ok ? (found.value.reportedMdmMs ?? null) : null, deps.now()]);
}

/** Until the tablet itself reports its ward's profile: then it is told that it is over, and what it may have changed is stated anew. */
async function lookForReturn(deps: SanitizationDeps, client: Queryable, row: Row): Promise<void> {
  const wiped = await client.query(`select 1 from update_request u join sanitization_request s on ${WIPED_SINCE} where u.request = $1`, [row.request]);
  if (wiped.rowCount !== 0) return over(client, row);
  // From then on the daily look at the tablet tells what is true of it.
  if (deps.now() - row.arrived_at_ms > 2 * deps.pace.updatePatienceMs) return over(client, row);
  const found = await deps.adapter.findEnrolment(row.serial);
  if (!found.ok) return again(deps, client, row, found.reason);
  if (row.enrolment !== '' && found.value.enrolment !== row.enrolment) return over(client, row);
  const isBack = found.value.profile === row.profile && (found.value.reportedMdmMs ?? 0) > (row.ended_report_ms ?? 0);
  if (!isBack) return again(deps, client, row);
  const proven = await provenBy(client, row, found.value.enrolment);
  if (proven === 'busy') return again(deps, client, row);
  // First: while it is open the cart takes nothing of what it may change.
  if (row.failure === null) await state(deps, client, row, { kind: 'updated', before: row.before ?? '', after: row.after ?? '' });
  if (proven) await restate(deps, client, { ...row, ...proven }, found.value);
  await over(client, row);
}

/** The sanitization that the tablet's present life stands on; `busy`: a step of it is out, and is not waited for. */
async function provenBy(client: Queryable, row: Row, enrolment: string): Promise<Pick<Row, 'request' | 'nonce'> | 'busy' | undefined> {
  const found = await client.query<Pick<Row, 'request' | 'nonce'>>(
    `select request, nonce from sanitization_request where serial = $1 and station = $2 and state in ('observing', 'complete') and stated #>> '{enrolled,enrolment}' = $3 order by arrival desc limit 1`,
    [row.serial, row.station, enrolment],
  );
  const proven = found.rows[0];
  if (!proven) return undefined;
  const mine = await client.query('select 1 from sanitization_request where request = $1 for update skip locked', [proven.request]);
  return mine.rowCount === 0 ? 'busy' : proven;
}

/** The facts that age, under the sanitization `request`. */
async function restate(deps: SanitizationDeps, client: Queryable, { request, profile, ...row }: Row, record: MdmEnrolment): Promise<void> {
  const facts = passingFacts(record, profile ?? '');
  for (const fact of facts) await state(deps, client, { ...row, request }, fact);
  await client.query(`update sanitization_request set stated = stated || $2::jsonb, next_at_ms = case state when 'complete' then next_at_ms else $3 end where request = $1`, [
    request,
    JSON.stringify(Object.fromEntries(facts.map((fact) => [fact.kind, fact]))),
    deps.now(),
  ]);
}

async function over(client: Queryable, row: Row): Promise<void> {
  await client.query(`update update_request set state = 'over' where request = $1`, [row.request]);
}

async function state(deps: SanitizationDeps, client: Queryable, { station, serial, request, nonce }: Pick<Row, 'station' | 'serial' | 'request' | 'nonce'>, facts: StatementFacts): Promise<void> {
  await addStatement(client, deps.keys, { tenant: deps.keys.tenant, station, serial, request, nonce, issuedAtMs: deps.now(), facts });
}

/** What passes by itself is tried again, but no longer than a command may wait for a tablet. */
async function afterRefusal(deps: SanitizationDeps, client: Queryable, row: Row, refusal: MdmRefusal): Promise<void> {
  if (refusal.reason === 'rejected' || refusal.reason === 'not-found') return fail(deps, client, row, 'refused', refusal.detail);
  if (deps.now() - row.arrived_at_ms > deps.pace.updatePatienceMs) return fail(deps, client, row, 'expired', refusal.detail);
  return again(deps, client, row, refusal);
}

async function again(deps: SanitizationDeps, client: Queryable, row: Row, refusal?: MdmRefusal): Promise<void> {
  if (refusal?.reason === 'unauthorized') deps.log.error({ adapter: deps.adapter.name, detail: refusal.detail }, 'the MDM does not accept our service account');
  const waitMs = Math.max(backOff(deps.pace, row.tries), refusal?.retryAfterMs ?? 0);
  await client.query('update update_request set tries = tries + 1, next_at_ms = $2, detail = coalesce($3, detail) where request = $1', [row.request, deps.now() + waitMs, refusal?.detail.slice(0, 500) ?? null]);
}

function orderOf({ request, serial, enrolment, profile }: Row): UpdateOrder {
  if (enrolment === null || profile === null) throw new Error(`the update ${request} has no enrolment or profile to order it for`);
  return { request, serial, enrolment, profile };
}

const cannot = async (): Promise<Result<void, MdmRefusal>> => refused({ reason: 'rejected', detail: 'no MDM is configured that orders updates' });

/** Works the queue until closed. Orders go out in a moment; that a tablet takes half an hour is waited for by looking now and then. */
export function runUpdates(deps: SanitizationDeps, wakener: Wakener, lanes = 2): { close(): Promise<void> } {
  const dueAtMs = async (): Promise<number | null> => (await deps.database.query<{ at: number | null }>(`select min(next_at_ms) as at from update_request where state <> 'over'`)).rows[0]?.at ?? null;
  return runQueue({ work: () => updateOnce(deps), dueAtMs, topic: UPDATES_TOPIC, name: 'OS update' }, deps, wakener, lanes);
}
