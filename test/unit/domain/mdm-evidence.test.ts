import fc from 'fast-check';
import { expect, test } from 'vitest';
import { provenFacts, type MdmCommand, type MdmEnrolment, type MdmObservation } from '../../../app/domain/mdm-evidence.ts';

const ORDER = { serial: 'R5CT10', profile: 'ward', previous: 'old' };
const command: MdmCommand = { command: 'c1', enrolment: 'old', issuedMdmMs: 1_000, state: 'confirmed', confirmedMdmMs: 2_000 };
const enrolled = (change: Partial<MdmEnrolment> = {}): MdmEnrolment => ({
  enrolment: 'new',
  serial: 'R5CT10',
  previous: ['old'],
  enrolledMdmMs: 3_000,
  state: 'active',
  reportedMdmMs: 4_000,
  profile: 'ward',
  compliant: true,
  osAtFloor: true,
  rooted: false,
  adbEnabled: false,
  pendingCommands: 0,
  unlockTokenKept: false,
  ...change,
});
const gone = enrolled({ enrolment: 'old', previous: [], enrolledMdmMs: 0, state: 'deleted' });
const kinds = (seen: Partial<MdmObservation>) => provenFacts(ORDER, { command, enrolments: [gone, enrolled()], ...seen }).map(({ kind }) => kind);
const ALL = ['wipe-confirmed', 'enrolled', 'credentials-revoked', 'queue-clear', 'profile-present', 'posture'];
const without = (...missing: string[]) => ALL.filter((kind) => !missing.includes(kind));
const ONLY_WIPE = ['wipe-confirmed'];

test.each<[string, Partial<MdmObservation>, readonly string[]]>([
  ['everything is there', {}, ALL],
  ['the command waits', { command: { ...command, state: 'pending' }, enrolments: [enrolled({ enrolment: 'old' })] }, []],
  ['the command is confirmed in the millisecond of its issue', { command: { ...command, confirmedMdmMs: 1_000 } }, without('wipe-confirmed')],
  ['the command is confirmed without a time', { command: { command: 'c1', enrolment: 'old', issuedMdmMs: 1_000, state: 'confirmed' } }, without('wipe-confirmed')],
  ['the command went to another enrolment', { command: { ...command, enrolment: 'older' } }, []],
  ['no new enrolment yet', { enrolments: [gone] }, ONLY_WIPE],
  ['the enrolment is as old as the command', { enrolments: [gone, enrolled({ enrolledMdmMs: 1_000 })] }, ONLY_WIPE],
  ['the enrolment does not name the old one as its predecessor', { enrolments: [gone, enrolled({ previous: ['another'] })] }, ONLY_WIPE],
  ['the enrolment is another tablet’s', { enrolments: [gone, enrolled({ serial: 'R5CT11' })] }, ONLY_WIPE],
  ['the enrolment is still being set up', { enrolments: [gone, enrolled({ state: 'provisioning' })] }, ONLY_WIPE],
  ['two new enrolments at once', { enrolments: [gone, enrolled(), enrolled({ enrolment: 'new-2' })] }, ONLY_WIPE],
  ['the old enrolment lives on', { enrolments: [enrolled({ enrolment: 'old', previous: [], enrolledMdmMs: 0 }), enrolled()] }, without('credentials-revoked')],
  ['an older enrolment lives on, switched off', { enrolments: [gone, enrolled({ enrolment: 'older', previous: [], enrolledMdmMs: 0, state: 'disabled' }), enrolled()] }, without('credentials-revoked')],
  ['the new one has not reported', { enrolments: [gone, enrolled({ reportedMdmMs: 3_000 })] }, without('queue-clear', 'profile-present', 'posture')],
  ['commands wait for the new one', { enrolments: [gone, enrolled({ pendingCommands: 1 })] }, without('queue-clear')],
  ['it got another ward’s profile', { enrolments: [gone, enrolled({ profile: 'theatre' })] }, without('profile-present')],
])('%s', (_, seen, expected) => expect(kinds(seen)).toEqual(expected));

test('the posture is told as it is: judging it is the gate’s', () => {
  expect(provenFacts(ORDER, { command, enrolments: [gone, enrolled({ rooted: true, compliant: false })] })).toContainEqual({ kind: 'posture', enrolment: 'new', osAtFloor: true, compliant: false, rooted: true, adbEnabled: false });
});

test('whatever an MDM lists: an enrolment is stated only when the MDM itself puts it after the command and behind the old one', () => {
  const record = fc.record({
    enrolment: fc.constantFrom('old', 'new', 'new-2'),
    serial: fc.constantFrom('R5CT10', 'R5CT11'),
    previous: fc.constantFrom([], ['old'], ['new']),
    enrolledMdmMs: fc.constantFrom(0, 999, 1_000, 1_001, 5_000),
    state: fc.constantFrom('active', 'provisioning', 'disabled', 'deleted') as fc.Arbitrary<MdmEnrolment['state']>,
    reportedMdmMs: fc.constantFrom(0, 5_000, 6_000),
    pendingCommands: fc.nat(1),
  });
  fc.assert(
    fc.property(fc.array(record, { maxLength: 4 }), fc.constantFrom('pending', 'confirmed', 'expired', 'failed'), (drawn, state) => {
      const enrolments = drawn.map((change) => enrolled(change));
      const facts = provenFacts(ORDER, { command: { ...command, state }, enrolments });
      const stated = facts.find((fact) => fact.kind === 'enrolled');
      if (state !== 'confirmed') expect(facts.some(({ kind }) => kind === 'wipe-confirmed')).toBe(false);
      if (!stated) {
        expect(facts.every(({ kind }) => kind === 'wipe-confirmed')).toBe(true);
        return;
      }
      expect(stated.enrolledMdmMs).toBeGreaterThan(stated.issuedMdmMs);
      expect(stated.enrolment).not.toBe('old');
      expect(enrolments.filter(({ enrolment, serial, previous, state: standing }) => enrolment === stated.enrolment && serial === 'R5CT10' && standing === 'active' && previous.includes('old')).length).toBeGreaterThan(0);
      if (facts.some(({ kind }) => kind === 'credentials-revoked')) expect(enrolments.filter(({ enrolment, state: standing }) => enrolment !== stated.enrolment && standing !== 'deleted')).toEqual([]);
    }),
  );
});
