import type { StatementFacts } from '../contract/statement.ts';
import type { MdmObservation } from '../domain/mdm-evidence.ts';
import { ok, type Result } from '../domain/result.ts';
import { backOff, judgeLook, type LookPace, type StatedFacts } from '../domain/sanitization-look.ts';
import type { Evidence } from '../domain/tables.ts';
import type { SanitizationFailure } from '../domain/terms.ts';
import type { Database, Queryable } from './database.ts';
import type { Log } from './http-reply.ts';
import type { TenantKeys } from './keys.ts';
import type { MdmAdapter, MdmRefusal } from './mdm/adapter.ts';
import { addStatement } from './statements.ts';
import { interruptUpdates, WIPED_SINCE } from './update-requests.ts';
import type { Wakener } from './wakener.ts';
import { runQueue } from './work-queue.ts';

/** Paces of the queue, all in milliseconds of `now`. */
export interface SanitizationPace extends LookPace {
  /** How long the command may wait for the tablet. */
  readonly commandLifeMs: number;
  /** A tablet between two lives has no enrolment for a while; after this without one it counts as unknown to the MDM. */
  readonly absencePatienceMs: number;
  /** An OS update that has not shown another version this long after its order is given up; a cart does so much sooner. */
  readonly updatePatienceMs: number;
}

export const PRODUCTION_PACE: SanitizationPace = {
  fastestMs: 1_000,
  slowestMs: 60_000,
  commandLifeMs: 10 * 3_600_000,
  absencePatienceMs: 30 * 60_000,
  updatePatienceMs: 4 * 3_600_000,
  enrolmentPatienceMs: 2 * 3_600_000,
  confirmationPatienceMs: 5 * 60_000,
  restateMs: 24 * 3_600_000,
};

/** For an MDM double on this machine, whose tablets wipe in seconds. */
export const DEMO_PACE: SanitizationPace = { ...PRODUCTION_PACE, fastestMs: 100, slowestMs: 5_000 };

export interface SanitizationDeps {
  readonly database: Database;
  readonly keys: TenantKeys;
  readonly adapter: MdmAdapter;
  readonly pace: SanitizationPace;
  readonly log: Log;
  /** Unix milliseconds. */
  readonly now: () => number;
}

interface Row {
  request: string;
  arrival: number;
  station: string;
  serial: string;
  nonce: string;
  state: 'requested' | 'issuing' | 'observing' | 'complete';
  previous_enrolment: string | null;
  command: string | null;
  issued_at_ms: number | null;
  stated: StatedFacts;
  tries: number;
  origin: string;
  arrived_at_ms: number;
  unseen_at_size: number;
  profile: string | null;
}

/**
 * Does one step of one request that is due, and says whether there was any. The row is locked for the whole step and
 * skipped by other processes; steps of one serial never overlap. What a step learned commits together with the
 * statements that tell it. Killed at any point, the next step looks again.
 */
export async function workOnce(deps: SanitizationDeps): Promise<boolean> {
  let taken: Row | undefined;
  try {
    return await deps.database.transaction((client) => workDue(deps, client, (row) => (taken = row)));
  } catch (error) {
    // A request whose step fails for an unforeseen reason must not stand in the way of the others.
    if (taken) await deps.database.query('update sanitization_request set next_at_ms = $2 where request = $1', [taken.request, deps.now() + deps.pace.slowestMs]);
    throw error;
  }
}

/** What an update of the tablet may change is told with its end, not by the way. */
const HELD_BY_UPDATE = `s.state in ('observing', 'complete') and exists (select 1 from update_request u where u.serial = s.serial and u.state <> 'over' and not (${WIPED_SINCE}))`;

async function workDue(deps: SanitizationDeps, client: Queryable, take: (row: Row) => void): Promise<boolean> {
  const found = await client.query<Row>(
    `select s.*, d.profile from sanitization_request s left join device d using (serial)
     where s.state in ('requested', 'issuing', 'observing', 'complete')
       and (s.next_at_ms <= $1 or exists (select 1 from sanitization_nudge n where n.request = s.request))
       and not exists (select 1 from sanitization_request newer where newer.serial = s.serial and newer.arrival > s.arrival and newer.state <> 'superseded')
       and not (${HELD_BY_UPDATE})
     order by s.next_at_ms limit 1 for update of s skip locked`,
    [deps.now()],
  );
  const row = found.rows[0];
  if (!row) return false;
  take(row);
  const wanted = row.state === 'requested' ? await wantedBy(client, row) : undefined;
  if (row.state === 'requested' && !wanted) {
    deps.log.warn({ serial: row.serial, request: row.request }, 'the tablet had left its slot when the request arrived; it is not wiped');
    await client.query(`update sanitization_request set state = 'superseded', detail = 'the tablet had left its slot when the request arrived' where request = $1`, [row.request]);
    await tellOvertaken(deps, client, row);
    return true;
  }
  // A step of an older request of this serial may still be out; its command must not cross ours.
  await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [row.serial]);
  const overtaken = await client.query<Row>(`update sanitization_request set state = 'superseded' where serial = $1 and arrival < $2 and state not in ('failed', 'superseded') returning *`, [row.serial, row.arrival]);
  for (const older of overtaken.rows) if (older.station !== row.station) await tellOvertaken(deps, client, older);
  if (row.state === 'requested') await interruptUpdates(client, row.serial);
  await step(deps, client, (await nudged(client, row)) ? { ...row, tries: 0 } : row, wanted ?? {});
  return true;
}

/** The cart may see the tablet again and take its absence for the restart of the wipe it asked for: it must not wait for an answer that nobody gives. */
async function tellOvertaken(deps: SanitizationDeps, client: Queryable, row: Row): Promise<void> {
  await state(deps, client, row, { kind: 'sanitization-failed', failure: 'overtaken' });
}

async function nudged(client: Queryable, row: Row): Promise<boolean> {
  return (await client.query('delete from sanitization_nudge where request = $1', [row.request])).rowCount !== 0;
}

async function step(deps: SanitizationDeps, client: Queryable, row: Row, held: Evidence): Promise<void> {
  if (row.profile === null) return fail(deps, client, row, 'device-unknown', 'the directory does not know this serial');
  switch (row.state) {
    case 'requested':
      return intend(deps, client, row, held);
    case 'issuing':
      return act(deps, client, row);
    case 'observing':
    case 'complete':
      return look(deps, client, row);
  }
}

/** Writes down which enrolment is about to be wiped; the command goes out in a later step, after this has committed. */
async function intend(deps: SanitizationDeps, client: Queryable, row: Row, held: Evidence): Promise<void> {
  if (held.wipe) return resume(deps, client, row, held.wipe, held);
  const found = await deps.adapter.findEnrolment(row.serial);
  if (!found.ok) {
    if (found.reason.reason === 'not-found' && deps.now() - row.arrived_at_ms > deps.pace.absencePatienceMs) {
      return fail(deps, client, row, 'device-unknown', found.reason.detail);
    }
    return afterRefusal(deps, client, row, found.reason, found.reason.reason === 'not-found');
  }
  if (await isOfAnother(client, row, [found.value.enrolment, ...found.value.previous])) return fail(deps, client, row, 'device-unknown', `${found.value.enrolment} goes back to another tablet's enrolment: nothing is wiped`);
  await client.query(
    `update sanitization_request set state = 'issuing', previous_enrolment = $2, tries = 0, next_at_ms = $3 where request = $1`,
    [row.request, found.value.enrolment, deps.now()],
  );
}

/**
 * A request may come late, from a cart that was offline, or a second time, to a database that was restored: a wipe then could hit the
 * tablet in somebody's hands. It is wanted while the ledger that asked, as far as it is here, still waits for it in a slot and no other
 * ledger has seen the tablet since. Gives what that ledger holds as proven of this very request.
 */
async function wantedBy(client: Queryable, row: Row): Promise<Evidence | undefined> {
  const found = await client.query<{ evidence: Evidence }>(
    `select row -> 'evidence' as evidence from projection
     where origin = $1 and tbl = 'device' and key = $2 and row #>> '{request,request}' = $3 and row #>> '{custody,kind}' in ('cart', 'rebooting')
       and not exists (select 1 from placement where serial = $2 and kind = 'placed' and origin <> $1)`,
    [row.origin, row.serial, row.request],
  );
  return found.rows[0]?.evidence;
}

/** What this database has lost of a request, the cart's ledger has kept: the tablet is looked at again, and not wiped again. */
async function resume(deps: SanitizationDeps, client: Queryable, row: Row, wipe: NonNullable<Evidence['wipe']>, { enrolment, revocation, queue, profile, posture }: Evidence): Promise<void> {
  await client.query('insert into seen_enrolment (enrolment, serial) values ($1, $2) on conflict (enrolment) do nothing', [wipe.enrolment, row.serial]);
  if (enrolment) await claimEnrolment(client, row, enrolment.enrolment);
  const { atMs: _wiped, ...wiped } = wipe;
  const whole = enrolment && revocation && queue && profile && posture;
  const stated = whole ? { 'wipe-confirmed': { kind: 'wipe-confirmed', ...wiped }, enrolled: { kind: 'enrolled', enrolment: enrolment.enrolment, previous: enrolment.previous }, 'credentials-revoked': { kind: 'credentials-revoked', previous: revocation.previous } } : {};
  await client.query(`update sanitization_request set state = $2, previous_enrolment = $3, command = $4, issued_at_ms = $5, stated = $6::jsonb, tries = 0, next_at_ms = $5 where request = $1`, [
    row.request,
    whole ? 'complete' : 'observing',
    wipe.enrolment,
    wipe.command,
    deps.now(),
    JSON.stringify(stated),
  ]);
}

async function act(deps: SanitizationDeps, client: Queryable, row: Row): Promise<void> {
  const enrolment = required(row.previous_enrolment, row);
  const issued = await deps.adapter.wipe({ request: row.request, serial: row.serial, enrolment, expiresInMs: deps.pace.commandLifeMs });
  if (!issued.ok) {
    if (issued.reason.reason === 'not-found') return fail(deps, client, row, 'device-unknown', issued.reason.detail);
    return afterRefusal(deps, client, row, issued.reason, false);
  }
  // The wiped enrolment has had its life: it can prove nothing later, for this device or another.
  await client.query('insert into seen_enrolment (enrolment, serial) values ($1, $2) on conflict (enrolment) do nothing', [enrolment, row.serial]);
  await client.query(`update sanitization_request set state = 'observing', command = $2, issued_at_ms = $3, tries = 0, next_at_ms = $3 where request = $1`, [row.request, issued.value.command, deps.now()]);
}

async function look(deps: SanitizationDeps, client: Queryable, row: Row): Promise<void> {
  const previous = required(row.previous_enrolment, row);
  // Read before the MDM is asked: the enrolment that it does not list is later than every entry counted here.
  const held = (await client.query<{ size: number }>('select size from origin where origin = $1', [row.origin])).rows[0]?.size ?? 0;
  const seen = row.state === 'complete' ? await observeAgain(deps, row, previous) : await deps.adapter.observe({ serial: row.serial, previous, command: required(row.command, row) });
  if (!seen.ok) {
    const missing = seen.reason.reason === 'not-found';
    if (missing && row.state === 'observing' && deps.now() - (row.issued_at_ms ?? 0) > deps.pace.absencePatienceMs) {
      return fail(deps, client, row, 'mdm-refused', `the MDM no longer knows the command: ${seen.reason.detail}`);
    }
    return afterRefusal(deps, client, row, seen.reason, missing);
  }
  const open = { serial: row.serial, profile: row.profile ?? '', previous, complete: row.state === 'complete', stated: row.stated, tries: row.tries, unseenAtSize: row.unseen_at_size };
  const { claims, then } = judgeLook({ ...open, ...(row.issued_at_ms === null ? {} : { issuedAtMs: row.issued_at_ms }) }, seen.value, { nowMs: deps.now(), heldSize: held, pace: deps.pace });
  if (claims && (await isOfAnother(client, row, claims.ancestors))) return fail(deps, client, row, 'enrolment-reused', `${claims.enrolment} goes back to another tablet's enrolment`);
  if (claims && !(await claimEnrolment(client, row, claims.enrolment))) return fail(deps, client, row, 'enrolment-reused', `${claims.enrolment} has served another sanitization`);
  if (then.failure !== undefined) return fail(deps, client, row, then.failure, then.detail);
  for (const fact of then.told) await state(deps, client, row, fact);
  if (then.leftover) await removeLeftover(deps, row, previous);
  await client.query(`update sanitization_request set state = $2, stated = $3::jsonb, tries = $4, next_at_ms = $5, unseen_at_size = $6, detail = null where request = $1`, [
    row.request,
    then.complete ? 'complete' : 'observing',
    JSON.stringify(then.stated),
    then.tries,
    then.nextAtMs,
    then.unseenAtSize,
  ]);
}

/**
 * A proven tablet's current record beside the command as it was proven: long after a wipe an MDM has forgotten the
 * command. Good only for facts about the current enrolment, since other records are not read.
 */
async function observeAgain(deps: SanitizationDeps, row: Row, previous: string): Promise<Result<MdmObservation, MdmRefusal>> {
  const wipe = row.stated['wipe-confirmed'];
  if (wipe?.kind !== 'wipe-confirmed') throw new Error(`request ${row.request} is complete without a confirmed wipe`);
  const current = await deps.adapter.findEnrolment(row.serial);
  if (!current.ok) return current;
  const { command, issuedMdmMs, confirmedMdmMs } = wipe;
  return ok({ command: { command, enrolment: previous, issuedMdmMs, confirmedMdmMs, state: 'confirmed' }, enrolments: [current.value] });
}

/** An MDM may show a record under another tablet's serial number; that it follows on that tablet's enrolments gives it away. */
async function isOfAnother(client: Queryable, row: Row, enrolments: readonly string[]): Promise<boolean> {
  return (await client.query('select 1 from seen_enrolment where enrolment = any($1::text[]) and serial <> $2', [enrolments, row.serial])).rowCount !== 0;
}

/** True if this enrolment was never stated or wiped before, or was stated for this very request. */
async function claimEnrolment(client: Queryable, row: Row, enrolment: string): Promise<boolean> {
  await client.query('insert into seen_enrolment (enrolment, serial, request) values ($1, $2, $3) on conflict (enrolment) do nothing', [enrolment, row.serial, row.request]);
  const owner = await client.query('select 1 from seen_enrolment where enrolment = $1 and request = $2', [enrolment, row.request]);
  return owner.rowCount === 1;
}

/** The answer is no proof that the record is gone; only the next observation is. */
async function removeLeftover(deps: SanitizationDeps, row: Row, previous: string): Promise<void> {
  const removed = await deps.adapter.removeEnrolment(previous);
  if (!removed.ok && removed.reason.reason !== 'not-found') deps.log.warn({ serial: row.serial, request: row.request, refusal: removed.reason }, 'the MDM did not remove a wiped enrolment');
}

async function state(deps: SanitizationDeps, client: Queryable, row: Row, facts: StatementFacts): Promise<void> {
  await addStatement(client, deps.keys, { tenant: deps.keys.tenant, station: row.station, serial: row.serial, request: row.request, nonce: row.nonce, issuedAtMs: deps.now(), facts });
}

async function fail(deps: SanitizationDeps, client: Queryable, row: Row, failure: SanitizationFailure, detail: string): Promise<void> {
  deps.log.warn({ serial: row.serial, request: row.request, failure, detail }, 'sanitization given up');
  await state(deps, client, row, { kind: 'sanitization-failed', failure });
  await client.query(`update sanitization_request set state = 'failed', failure = $2, detail = $3 where request = $1`, [row.request, failure, detail.slice(0, 500)]);
}

/** `passing`: the MDM's "not found" is expected to pass by itself here. */
async function afterRefusal(deps: SanitizationDeps, client: Queryable, row: Row, refusal: MdmRefusal, passing: boolean): Promise<void> {
  if (refusal.reason === 'rejected') return fail(deps, client, row, 'mdm-refused', refusal.detail);
  if (refusal.reason === 'unauthorized') deps.log.error({ adapter: deps.adapter.name, detail: refusal.detail }, 'the MDM does not accept our service account');
  else if (!passing) deps.log.warn({ adapter: deps.adapter.name, refusal }, 'the MDM could not be asked; trying again');
  const waitMs = Math.max(row.state === 'complete' ? deps.pace.restateMs / 24 : backOff(deps.pace, row.tries), refusal.retryAfterMs ?? 0);
  await client.query('update sanitization_request set tries = tries + 1, next_at_ms = $2, detail = $3 where request = $1', [row.request, deps.now() + waitMs, refusal.detail.slice(0, 500)]);
}

function required(value: string | null, row: Row): string {
  if (value === null) throw new Error(`request ${row.request} is ${row.state} without what that state needs`);
  return value;
}

/** Works the queue until closed, `lanes` requests at a time. */
export function runSanitization(deps: SanitizationDeps, wakener: Wakener, lanes = 4): { close(): Promise<void> } {
  const dueAtMs = async (): Promise<number | null> =>
    (await deps.database.query<{ at: number | null }>(`select min(next_at_ms) as at from sanitization_request s where s.state in ('requested', 'issuing', 'observing', 'complete') and not (${HELD_BY_UPDATE})`)).rows[0]?.at ?? null;
  return runQueue({ work: () => workOnce(deps), dueAtMs, topic: 'sanitization', name: 'sanitization' }, deps, wakener, lanes);
}
