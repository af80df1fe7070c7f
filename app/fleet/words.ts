import type { FleetDevice, FleetView } from '../contract/fleet.ts';
import type { SlotView } from '../contract/kiosk.ts';
import type { DeviceState } from './route.ts';

/** The page's words for the ward's closed lists. */
export const STATE_WORDS: Readonly<Record<DeviceState, string>> = {
  proven: 'ready',
  preparing: 'preparing',
  waiting: 'waiting for proof',
  out: 'taken',
  quarantined: 'in quarantine',
  unknown: 'not known',
};

export const STANDING_WORDS: Readonly<Record<FleetDevice['standing'], string>> = {
  admitted: 'admitted',
  'in-service': 'in service',
  lost: 'reported lost',
  retired: 'retired',
};

/** REQUIREMENTS R3.2: a grade is a label over what has been shown. */
export const GRADE_WORDS: Readonly<Record<FleetDevice['grade'], string>> = {
  E0: 'nothing shown yet',
  E1: 'wipe acknowledged',
  E2: 'wiped and newly enrolled',
  E3: 'attested by the hardware',
};

type UnprovenReason = NonNullable<SlotView['reason']>;
type GateLeaf = NonNullable<SlotView['leaf']>;
type Failure = NonNullable<FleetView['quarantine'][number]['failure']>;

const UNPROVEN_WORDS: Readonly<Record<UnprovenReason, string>> = {
  'not-admitted': 'It has not been admitted to the fleet',
  'in-service': 'It is in service',
  lost: 'It is reported lost',
  retired: 'It is retired',
  quarantined: 'It is in quarantine',
  'serial-differs': 'The serial in the slot is not the one expected',
  'serial-twice': 'The same serial was seen in two slots',
  exposed: 'It was out of the cart’s sight after its wipe',
  'wipe-not-requested': 'Its wipe has not been asked for yet',
  'wipe-not-confirmed': 'Its wipe is not confirmed yet',
  'enrolment-not-seen': 'Its new enrolment has not been seen yet',
  'enrolment-not-new': 'Its enrolment is not a new one',
  'enrolment-not-after-wipe': 'Its enrolment is not later than its wipe',
  'credentials-live': 'Its old credentials are not revoked yet',
  'queue-unknown': 'Its command queue has not been seen empty yet',
  'queue-not-clear': 'A way to unlock it is still kept',
  'profile-missing': 'The ward’s applications are not on it yet',
  'posture-unknown': 'Its system state is not known yet',
  'posture-poor': 'Its system is out of date or altered',
  'evidence-old': 'Its proof is too old',
  'attestation-missing': 'Its hardware has not attested yet',
  'battery-low': 'Its battery is too low',
  'battery-unknown': 'Its battery level is not known',
  'bundle-missing': 'The cart has no policy yet',
  'bundle-too-old': 'The cart’s policy is too old',
};

const LEAF_WORDS: Readonly<Record<GateLeaf, string>> = {
  standing: 'Its standing does not allow it',
  'serial-in-slot': 'Its serial is not confirmed in the slot',
  'no-exposure': 'It was out of the cart’s sight after its wipe',
  'wipe-confirmed': 'Its wipe is not confirmed yet',
  'enrolment-new': 'Its new enrolment has not been seen yet',
  'credentials-revoked': 'Its old credentials are not revoked yet',
  'queue-clear': 'Commands are still waiting for it',
  'profile-present': 'The ward’s applications are not on it yet',
  posture: 'Its system state is not proven yet',
  attestation: 'Its hardware has not attested yet',
  battery: 'Its battery is too low or not known',
  bundle: 'The cart’s policy does not allow it',
};

const QUARANTINE_WORDS: Readonly<Record<string, string>> = {
  'sanitization-failed': 'Its wipe failed',
  'sanitization-overdue': 'Its wipe took too long',
  'battery-heat': 'Its battery runs hot',
  'fault-reported': 'A fault was reported',
};

export const FAILURE_WORDS: Readonly<Record<Failure, string>> = {
  'mdm-refused': 'the device management refused the command',
  'command-expired': 'the command expired before the tablet answered',
  'device-unknown': 'the device management does not know this tablet',
  'no-new-enrolment': 'no new enrolment followed the wipe',
  'enrolment-reused': 'it came back with an enrolment already used',
};

const REASONS = new Map<string, string>([...Object.entries(LEAF_WORDS), ...Object.entries(UNPROVEN_WORDS), ...Object.entries(QUARANTINE_WORDS)]);

/** Words for a reason code; text that is no known code is already words and stays as it is. */
export function reasonWords(reason: string): string {
  return REASONS.get(reason) ?? reason;
}

export function failureWords(reason: string, failure: Failure | undefined): string {
  return failure === undefined ? reasonWords(reason) : `${reasonWords(reason)}: ${FAILURE_WORDS[failure]}`;
}
