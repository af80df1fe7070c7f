import type { Rules } from '../../app/contract/policy-bundle.ts';

/** The rules of the ward that the tests stand in. */
export const RULES: Rules = {
  mandatoryLeaves: ['standing', 'serial-in-slot', 'no-exposure', 'wipe-confirmed', 'enrolment-new', 'credentials-revoked', 'queue-clear', 'profile-present', 'posture', 'battery', 'bundle'],
  batteryFloorPercent: 30,
  batteryDriftPercentPerHour: 2,
  evidenceMaxAgeMs: 7 * 86_400_000,
  offerMs: 30_000,
  claimMs: 60_000,
  graceMs: 12 * 3_600_000,
  devicesPerPerson: 1,
  pinLockoutMs: 900_000,
  gapMaxMs: 10_000,
  rebootMaxMs: 900_000,
  sanitizationOverdueMs: 2_700_000,
  rolesThatMayTake: ['clinician'],
  nightFrom: '21:00',
  nightTo: '06:30',
  ledgerKeyLifeMs: 90 * 86_400_000,
  cardPin: false,
};
