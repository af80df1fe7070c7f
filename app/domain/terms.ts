/** The closed lists of the ward's vocabulary. Every wire, entry and screen uses these words and no others. */

/** How strongly a tap identifies its badge: a bare UID is an identifier, a challenge-response is proof of possession. */
export const ASSURANCES = ['uid', 'crypto'] as const;
export type Assurance = (typeof ASSURANCES)[number];

export const ROLES = ['clinician', 'supervisor', 'biomed', 'vendor', 'privacy-officer', 'administrator'] as const;
export type Role = (typeof ROLES)[number];

export const PLATFORMS = ['android', 'apple'] as const;
export type Platform = (typeof PLATFORMS)[number];

/** Standing of a device in the fleet, as the server last stated it. */
export const DEVICE_STANDINGS = ['admitted', 'in-service', 'lost', 'retired'] as const;
export type DeviceStanding = (typeof DEVICE_STANDINGS)[number];

/** Why a device's last user can no longer be ruled out. Any of these requires a new sanitization. */
export const EXPOSURE_CAUSES = ['admission', 'release', 'wrong-pull', 'unidentified-removal', 'service', 'absence', 'unobserved'] as const;
export type ExposureCause = (typeof EXPOSURE_CAUSES)[number];

/** What the server can state about one sanitization request, or about one update of the operating system. */
export const STATEMENT_KINDS = ['wipe-confirmed', 'enrolled', 'credentials-revoked', 'queue-clear', 'profile-present', 'posture', 'sanitization-failed', 'updated', 'update-failed'] as const;
export type StatementKind = (typeof STATEMENT_KINDS)[number];

/** Label over the leaf facts (REQUIREMENTS R3.2). E3 needs hardware attestation. */
export const GRADES = ['E0', 'E1', 'E2', 'E3'] as const;
export type Grade = (typeof GRADES)[number];

/** The leaves of the release gate, in the order their reasons are shown. */
export const GATE_LEAVES = [
  'standing',
  'serial-in-slot',
  'no-exposure',
  'wipe-confirmed',
  'enrolment-new',
  'credentials-revoked',
  'queue-clear',
  'profile-present',
  'posture',
  'attestation',
  'battery',
  'bundle',
] as const;
export type GateLeafName = (typeof GATE_LEAVES)[number];

/** One reason per leaf failure, in the words' order of precedence; the page holds the words. */
export const UNPROVEN_REASONS = [
  'not-admitted',
  'in-service',
  'lost',
  'retired',
  'quarantined',
  'updating',
  'serial-differs',
  'serial-twice',
  'exposed',
  'wipe-not-requested',
  'wipe-not-confirmed',
  'enrolment-not-seen',
  'enrolment-not-new',
  'enrolment-not-after-wipe',
  'credentials-live',
  'queue-unknown',
  'queue-not-clear',
  'profile-missing',
  'posture-unknown',
  'posture-poor',
  'evidence-old',
  'attestation-missing',
  'battery-low',
  'battery-unknown',
  'bundle-missing',
  'bundle-too-old',
] as const;
export type UnprovenReason = (typeof UNPROVEN_REASONS)[number];

/** Why a person is refused at the cart. One reason, one next step. */
export const REFUSAL_REASONS = [
  'badge-unknown',
  'badge-unreadable',
  'badge-random',
  'badge-forged',
  'badge-revoked',
  'badge-expired',
  'badge-untrusted',
  'card-gone',
  'card-pin-blocked',
  'card-has-no-pin',
  'staff-revoked',
  'role-not-allowed',
  'no-device-ready',
  'limit-reached',
  'pin-wrong',
  'pin-locked',
  'pin-not-set',
  'bundle-too-old',
  'bundle-missing',
  'ledger-unavailable',
  'busy',
] as const;
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

/** Why a statement from the network is not evidence. It is recorded, never used. */
export const STATEMENT_REFUSALS = ['signature', 'malformed', 'tenant', 'station', 'serial', 'request', 'nonce', 'release', 'duplicate'] as const;
export type StatementRefusal = (typeof STATEMENT_REFUSALS)[number];

/** Why a policy bundle is not taken; the last good one stays. */
export const BUNDLE_REFUSALS = ['signature', 'malformed', 'tenant', 'station', 'version', 'expired'] as const;
export type BundleRefusal = (typeof BUNDLE_REFUSALS)[number];

/** Why the server gave a sanitization up. */
export const SANITIZATION_FAILURES = ['mdm-refused', 'command-expired', 'device-unknown', 'no-new-enrolment', 'enrolment-reused', 'overtaken'] as const;
export type SanitizationFailure = (typeof SANITIZATION_FAILURES)[number];

export const QUARANTINE_REASONS = ['sanitization-failed', 'sanitization-overdue', 'battery-heat', 'fault-reported'] as const;
export type QuarantineReason = (typeof QUARANTINE_REASONS)[number];

/** What the MDM says of a newer operating system for a tablet; `held`: one waits, and its MDM cannot be asked to install it. */
export const UPDATE_STANDINGS = ['none', 'waiting', 'held'] as const;
export type UpdateStanding = (typeof UPDATE_STANDINGS)[number];

/** How an OS update ends that does not end well. `none-waiting`: by the time it was to be ordered there was none any more. */
export const UPDATE_FAILURES = ['refused', 'none-waiting', 'expired', 'timed-out', 'interrupted'] as const;
export type UpdateFailure = (typeof UPDATE_FAILURES)[number];

/** Why a station gave its ledger up and began the next epoch of it. */
export const EPOCH_CAUSES = ['unreadable', 'behind-witness', 'two-histories', 'epoch-taken', 'key-lost'] as const;
export type EpochCause = (typeof EPOCH_CAUSES)[number];
