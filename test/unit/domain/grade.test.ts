import { expect, test } from 'vitest';
import { gradeOf } from '../../../app/domain/release-gate.ts';
import type { DeviceRow } from '../../../app/domain/tables.ts';

const wipe = { atMs: 1, enrolment: 'old', command: 'c', issuedMdmMs: 1, confirmedMdmMs: 2 };
const enrolment = { atMs: 1, enrolment: 'new', previous: 'old', command: 'c', issuedMdmMs: 1, enrolledMdmMs: 3, unseenAtSize: 9, fresh: true };
const proven: DeviceRow = {
  serial: 'T1',
  asset: 'A-1',
  ward: '7e',
  model: 'SM-X306B',
  profile: 'ward',
  standing: 'admitted',
  custody: { kind: 'cart', slot: 1, sinceMs: 0 },
  exposure: { leaf: 'e1', seq: 1, cause: 'admission', atMs: 0 },
  request: { request: 'r', nonce: 'n', leaf: 'q', exposure: 'e1', atMs: 0, attempt: 1, settledSeq: 2 },
  evidence: { wipe, enrolment },
};

test('a tablet that was taken since is no longer of the grade its last wipe had', () => {
  expect(gradeOf(proven)).toBe('E2');
  expect(gradeOf({ ...proven, exposure: { leaf: 'e2', seq: 5, cause: 'release', atMs: 1 } })).toBe('E0');
});

test('an acknowledged command is E1, whatever else is missing; nothing is E0', () => {
  expect(gradeOf({ ...proven, evidence: { wipe } })).toBe('E1');
  expect(gradeOf({ ...proven, evidence: { wipe, enrolment: { ...enrolment, fresh: false } } })).toBe('E1');
  expect(gradeOf({ ...proven, evidence: { wipe, enrolment: { ...enrolment, enrolledMdmMs: 1 } } })).toBe('E1');
  expect(gradeOf({ ...proven, evidence: {} })).toBe('E0');
});
