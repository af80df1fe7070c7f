import { expect, test } from 'vitest';
import { judgeBinding, MAX_ATTEMPTS, nextSanitizationStep, type SanitizationStep } from '../../../app/domain/sanitization.ts';
import type { DeviceRow } from '../../../app/domain/tables.ts';
import { ACTOR, provenDevice, SERIAL } from './rows.ts';

const OVERDUE_MS = 2_700_000;
const { request } = provenDevice();
if (!request) throw new Error('the fixture has a request');
const waiting = (change: Partial<DeviceRow> = {}): DeviceRow => provenDevice({ evidence: {}, ...change });
const next = (device: DeviceRow, change: Partial<SanitizationStep> = {}) =>
  nextSanitizationStep({ device, liveSerial: SERIAL, nowMs: 0, rules: { sanitizationOverdueMs: OVERDUE_MS }, newRequest: 'r2', newNonce: 'n2', ...change });
const { request: _asked, ...unasked } = waiting();

test('docked and exposed: asked for once, citing the exposure', () => {
  expect(next(unasked)).toMatchObject({ type: 'sanitization-requested', device: SERIAL, slot: 4, body: { request: 'r2', nonce: 'n2', exposure: 'exposure', attempt: 1 } });
  expect(next(waiting())).toBeUndefined();
  expect(next(provenDevice())).toBeUndefined();
});

test('used again: the earlier request answers another exposure, so the count starts anew', () => {
  expect(next(waiting({ exposure: { leaf: 'later', seq: 9, cause: 'release', atMs: 0 }, request: { ...request, attempt: 3, failure: 'mdm-refused' } }))).toMatchObject({ body: { exposure: 'later', attempt: 1 } });
});

test('the server gave up: asked again, at most three times, then a person has to look', () => {
  for (let attempt = 1; attempt < MAX_ATTEMPTS; attempt += 1) expect(next(waiting({ request: { ...request, attempt, failure: 'command-expired' } }))).toMatchObject({ body: { attempt: attempt + 1 } });
  expect(next(waiting({ request: { ...request, attempt: MAX_ATTEMPTS, failure: 'command-expired' } }))).toMatchObject({ type: 'quarantined', body: { reason: 'sanitization-failed' } });
});

test.each([
  ['another serial answers in its slot', {}, 'SOMETHING-ELSE'],
  ['nothing answers in its slot', {}, undefined],
  ['it is in somebody’s hands', { custody: { kind: 'person', actor: ACTOR, release: 'r', sinceMs: 0, slot: 4, owed: false } }, SERIAL],
  ['it is reported lost', { standing: 'lost' }, SERIAL],
  ['it is in service', { standing: 'in-service' }, SERIAL],
  ['it is retired', { standing: 'retired' }, SERIAL],
  ['it is in quarantine', { quarantine: { reason: 'fault-reported', atMs: 0 } }, SERIAL],
] as const)('nothing is asked when %s', (_, change, liveSerial) => expect(next({ ...unasked, ...change }, { liveSerial })).toBeUndefined());

test('no new enrolment for too long: overdue, but only while the server could hear of it', () => {
  expect(next(waiting(), { nowMs: OVERDUE_MS })).toBeUndefined();
  expect(next(waiting(), { nowMs: OVERDUE_MS + 1 })).toMatchObject({ type: 'quarantined', body: { reason: 'sanitization-overdue' } });
  expect(next(waiting(), { nowMs: 10 * OVERDUE_MS, contactSinceMs: 9.5 * OVERDUE_MS })).toBeUndefined();
  expect(next(provenDevice(), { nowMs: 10 * OVERDUE_MS })).toBeUndefined();
});

test('the new enrolment may be older than the last restart: the absence counts, and the wipe is asked for again', () => {
  const { enrolment } = provenDevice().evidence;
  if (!enrolment) throw new Error('the fixture is enrolled');
  expect(next(provenDevice({ request: { ...request, settledSeq: enrolment.unseenAtSize } }))).toMatchObject({ type: 'exposed', body: { cause: 'absence' } });
  expect(next(provenDevice({ request: { ...request, settledSeq: enrolment.unseenAtSize - 1 } }))).toBeUndefined();
});

const claims = { tenant: 'mercy', station: 'cart-7', serial: SERIAL, request: 'r1', nonce: 'n1' };
test.each([
  ['names everything rightly', {}, provenDevice(), undefined],
  ['is another tenant’s', { tenant: 'x', station: 'x' }, provenDevice(), 'tenant'],
  ['is another station’s', { station: 'x' }, provenDevice(), 'station'],
  ['names a tablet that nobody admitted here', {}, undefined, 'serial'],
  ['names an earlier request', { request: 'r0' }, provenDevice(), 'request'],
  ['comes before anything was asked', {}, unasked, 'request'],
  ['carries another nonce', { nonce: 'n0' }, provenDevice(), 'nonce'],
] as const)('a statement that %s', (_, change, device, refusal) => expect(judgeBinding({ ...claims, ...change }, { tenant: 'mercy', station: 'cart-7' }, device)).toBe(refusal));
