import { expect, test } from 'vitest';
import { nightProblem } from '../../../app/domain/night-now.ts';
import { planNight } from '../../../app/domain/night-plan.ts';
import { isUpdateOpen, restartsFor } from '../../../app/domain/os-update.ts';
import { releaseGate } from '../../../app/domain/release-gate.ts';
import type { OvernightRules } from '../../../app/domain/rules.ts';
import { nextSanitizationStep } from '../../../app/domain/sanitization.ts';
import type { CartView, DeviceRow, NightRow, OsUpdate } from '../../../app/domain/tables.ts';
import { nextUpdateSteps, updateOverdueMs, type UpdatesNow } from '../../../app/domain/update-runner.ts';
import { NIGHT } from '../../support/night-rules.ts';
import { RULES } from '../../support/ward-rules.ts';
import { provenDevice, SERIAL } from './rows.ts';

const HOUR_MS = 3_600_000;
const OVERNIGHT: OvernightRules = { ...NIGHT, update: { megabytes: 1_000, installMs: 600_000 } };
const night: NightRow = { beganAtMs: 1_000, beganSeq: 50, shiftMs: 8 * HOUR_MS, needs: [], threatened: [], tally: { sanitized: 0, failed: 0, quarantined: 0, starts: 0 } };
const OPEN: OsUpdate = { request: 'u1', nonce: 'n', seq: 60, atMs: 2_000 };

/** Proven, certified, and an update waits for it. */
function waiting(serial = SERIAL, slot = 4, change: Partial<DeviceRow> = {}): DeviceRow {
  const row = provenDevice();
  const posture = row.evidence.posture;
  if (!posture) throw new Error('the fixture has a posture');
  return { ...row, serial, custody: { kind: 'cart', slot, sinceMs: 0 }, sanitized: { request: row.request?.request ?? '', leaf: 'l', seq: 40, atMs: 0, grade: 'E2' }, evidence: { ...row.evidence, posture: { ...posture, update: 'waiting' } }, ...change };
}
const viewOf = (devices: readonly DeviceRow[]): CartView => ({
  get: () => undefined,
  all: (table) => (table === 'device' ? devices : []) as never,
});
const steps = (devices: readonly DeviceRow[], change: Partial<UpdatesNow> = {}) =>
  nextUpdateSteps({
    view: viewOf(devices), live: new Map(devices.flatMap(({ serial, custody }) => ('slot' in custody ? [[custody.slot, serial] as const] : []))), nowMs: 10_000, night, updatesAtOnce: 2, turn: () => true, overdueMs: HOUR_MS, fresh: () => ({ request: 'u2', nonce: 'n2' }), ...change,
  });

test('a wipe is owed while an update is open: it is not asked for, nor the tablet put out of use, until the update has an outcome', () => {
  const exposed = waiting(SERIAL, 4, { exposure: { leaf: 'later', seq: 70, cause: 'absence', atMs: 0 } });
  const step = (device: DeviceRow) => nextSanitizationStep({ device, liveSerial: SERIAL, nowMs: 0, rules: { sanitizationOverdueMs: 1 }, newRequest: 'r2', newNonce: 'n2' });
  expect(step({ ...exposed, update: OPEN })).toBeUndefined();
  expect(step({ ...exposed, update: { ...OPEN, outcome: 'interrupted' } })).toMatchObject({ type: 'sanitization-requested' });
});

test.each<[string, Partial<DeviceRow>]>([
  ['its wipe is not certified yet', { sanitized: { request: 'another', leaf: 'l', seq: 1, atMs: 0, grade: 'E2' } }],
  ['it was exposed since', { exposure: { leaf: 'later', seq: 70, cause: 'absence', atMs: 0 } }],
  ['it is out of use', { quarantine: { reason: 'battery-heat', atMs: 0 } }],
  ['it is in service', { standing: 'in-service' }],
  ['it is away for a restart', { custody: { kind: 'rebooting', slot: 4, sinceMs: 0, request: 'r1' } }],
  ['the night has tried it', { update: { ...OPEN, outcome: 'timed-out' } }],
])('no update is begun: %s', (_, change) => {
  expect(steps([waiting()])).toMatchObject([{ type: 'update-requested', device: SERIAL, slot: 4, body: { request: 'u2', nonce: 'n2' } }]);
  expect(steps([waiting(SERIAL, 4, change)])).toEqual([]);
});

test('another serial answers in its slot, it is day, or the MDM says there is none: no update is begun', () => {
  expect(steps([waiting()], { live: new Map([[4, 'ANOTHER']]) })).toEqual([]);
  expect(steps([waiting()], { night: undefined })).toEqual([]);
  expect(steps([waiting()], { turn: () => false })).toEqual([]);
  for (const update of ['none', 'held', undefined] as const) {
    const { posture, ...evidence } = waiting().evidence;
    if (!posture) throw new Error('the fixture has a posture');
    const { update: _waits, ...rest } = posture;
    expect(steps([waiting(SERIAL, 4, { evidence: { ...evidence, posture: { ...rest, ...(update ? { update } : {}) } } })])).toEqual([]);
  }
});

test('an earlier night’s failure does not keep it from this night’s try', () => {
  expect(steps([waiting(SERIAL, 4, { update: { ...OPEN, atMs: 999, outcome: 'timed-out' } })])).toHaveLength(1);
});

test('a new night begins with an absence that the last one’s failed update left unexplained: that is recorded, and nothing is begun', () => {
  expect(steps([waiting(SERIAL, 4, { update: { ...OPEN, atMs: 999, backSeq: 62, outcome: 'timed-out' } })])).toMatchObject([{ type: 'exposed', body: { cause: 'absence' } }]);
});

test('two at once, and one is open: there is room for one, in the lowest slot', () => {
  expect(steps([waiting('C', 9), waiting('B', 3), waiting('A', 1, { update: OPEN })])).toMatchObject([{ device: 'B' }]);
});

test('what may restart a tablet: its open update, but not one that it has been exposed since, nor where nobody saw it go', () => {
  expect(restartsFor(waiting(SERIAL, 4, { update: OPEN }), true)).toBe('u1');
  expect(restartsFor(waiting(SERIAL, 4, { update: OPEN }), false)).toBeUndefined();
  expect(restartsFor(waiting(SERIAL, 4, { update: OPEN, exposure: { leaf: 'later', seq: 61, cause: 'unobserved', atMs: 0 } }), true)).toBeUndefined();
  expect(restartsFor(waiting(SERIAL, 4, { update: { ...OPEN, outcome: 'updated' } }), true)).toBeUndefined();
  expect(isUpdateOpen(waiting(SERIAL, 4, { update: { ...OPEN, outcome: 'expired' } }))).toBe(false);
});

test('it was away during an update that came to nothing: not offered even before that is recorded as an exposure', () => {
  const away = { ...OPEN, backSeq: 62 };
  const reasons = (device: DeviceRow) => releaseGate({ device, live: { slot: 4, serial: SERIAL, twice: false, battery: { percent: 90, ageMs: 0 } }, rules: RULES, ladder: 'fresh', nowMs: 10_000 });
  expect(reasons(waiting(SERIAL, 4, { update: { ...away, outcome: 'updated' } }))).toEqual([]);
  expect(reasons(waiting(SERIAL, 4, { update: { ...away, outcome: 'timed-out' } }))).toEqual([{ leaf: 'no-exposure', reason: 'exposed' }]);
});

test('policy stops updates while one is open: it is given up', () => {
  expect(updateOverdueMs(NIGHT)).toBe(0);
  expect(updateOverdueMs(OVERNIGHT)).toBe(2 * (200_000 + 600_000));
  expect(steps([waiting(SERIAL, 4, { update: OPEN })], { overdueMs: 0 })).toMatchObject([{ type: 'update-failed', body: { request: 'u1', reason: 'timed-out' } }]);
});

const planOf = (update: 'waiting' | 'held', osAtFloor: boolean) => {
  const row = waiting();
  const device = waiting(SERIAL, 4, { evidence: { ...row.evidence, ...(row.evidence.posture ? { posture: { ...row.evidence.posture, update, osAtFloor } } : {}) } });
  const judged = [{ device, live: { slot: 4, serial: SERIAL, twice: false }, chargePercent: 90, unproven: osAtFloor ? [] : [{ leaf: 'posture' as const, reason: 'posture-poor' as const }] }];
  return planNight(nightProblem({ view: viewOf([device]), judged, overnight: OVERNIGHT, night, nowMs: 10_000, online: true, mayCharge: () => true }));
};

test('a tablet below the ward’s floor is counted on if an update mends it, and not if its MDM cannot be asked for one', () => {
  expect(planOf('waiting', false)).toMatchObject({ tasks: [{ kind: 'update' }, { kind: 'charge' }], tablets: [{ readyMs: expect.any(Number) as number }], notStarted: [] });
  const held = planOf('held', false);
  expect(held.tasks.filter(({ kind }) => kind === 'update')).toEqual([]);
  expect(held.tablets[0]?.readyMs).toBeUndefined();
  expect(held.notStarted).toMatchObject([{ work: 'update', reason: 'not-orderable' }]);
});

test('an update that nobody needs is done as well; one whose MDM cannot be asked is named, and keeps nobody from being ready', () => {
  expect(planOf('waiting', true).tasks.filter(({ kind }) => kind === 'update')).toHaveLength(1);
  expect(planOf('held', true)).toMatchObject({ tablets: [{ readyMs: 10_000 }], notStarted: [{ work: 'update', reason: 'not-orderable' }] });
});
