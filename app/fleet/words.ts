import type { FleetDevice, FleetView } from '../contract/fleet.ts';
import type { IncidentView, PoisonView } from '../contract/incidents.ts';
import type { SlotView } from '../contract/kiosk.ts';
import type { MdmKind, MdmsView } from '../contract/mdm.ts';
import type { SecretKind } from '../contract/secrets.ts';
import type { ServerKeyKind, ServerKeysView } from '../contract/server-keys.ts';
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

/** Why nobody can say where a tablet is although carts claim it. */
export const CONFLICT_WORDS: Readonly<Record<Extract<FleetDevice['where'], { kind: 'conflict' }>['because'], string>> = {
  overlap: 'claimed by two carts',
  undecided: 'not certain: the clocks do not say which cart had it last',
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
  updating: 'Its system is being updated',
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
  overtaken: 'another cart asked for it since',
};

const REASONS = new Map<string, string>([...Object.entries(LEAF_WORDS), ...Object.entries(UNPROVEN_WORDS), ...Object.entries(QUARANTINE_WORDS)]);

/** Words for a reason code; text that is no known code is already words and stays as it is. */
export function reasonWords(reason: string): string {
  return REASONS.get(reason) ?? reason;
}

export function failureWords(reason: string, failure: Failure | undefined): string {
  return failure === undefined ? reasonWords(reason) : `${reasonWords(reason)}: ${FAILURE_WORDS[failure]}`;
}

/** What the witness noticed, as the beginning of a heading that ends with the cart's name. What it means, the server says. */
export const INCIDENT_WORDS: Readonly<Record<IncidentView['kind'], string>> = {
  'two-histories': 'Two histories from',
  'invalid-upload': 'Records not signed by',
  'ledger-continued': 'A given-up ledger went on at',
  'witness-behind': 'This server was behind',
  'epoch-begun': 'A new ledger at',
  'bad-rotation': 'A key change refused at',
};

export const POISON_WORDS: Readonly<Record<PoisonView['reason'], string>> = {
  unreadable: 'cannot be read',
  unstorable: 'has no place in the database',
  unfoldable: 'does not fit what went before it',
};

export const SECRET_WORDS: Readonly<Record<SecretKind, { readonly title: string; readonly use: string; readonly things: string }>> = {
  'badge-key': { title: 'Badge key', use: 'Badges are known by it; their numbers are kept nowhere.', things: 'badges' },
  pepper: { title: 'PIN pepper', use: 'PINs are checked with it. A stolen list of PINs is worth nothing without.', things: 'PINs' },
};

/** `rotated`: what making a new one means, said before it is made. */
export const SERVER_KEY_WORDS: Readonly<Record<ServerKeyKind, { readonly title: string; readonly use: string; readonly rotated: string }>> = {
  statement: { title: 'Statement key', use: 'Carts believe what this server states because of it.', rotated: 'The new one signs once every cart has it; until then the one in use goes on.' },
  witness: { title: 'Witness key', use: 'It cosigns the carts’ ledgers.', rotated: 'The new one cosigns at once. The old one stays published, so that what it cosigned can still be checked.' },
};

export const KEY_STATE_WORDS: Readonly<Record<ServerKeysView['keys'][number]['state'], string>> = {
  announced: 'announced, not used yet',
  signing: 'in use',
  former: 'no longer used',
};

export const MDM_WORDS: Readonly<Record<MdmKind, { readonly name: string }>> = {
  amapi: { name: 'Android Management API' },
  nanomdm: { name: 'NanoMDM' },
};

export const MDM_ACT_WORDS: Readonly<Record<MdmsView['changes'][number]['act'], string>> = {
  added: 'brought into use',
  changed: 'changed',
  removed: 'removed',
};

/** What the server asked an MDM for; a purpose without words is shown as it is. */
export const MDM_PURPOSE_WORDS: Readonly<Record<string, string | undefined>> = {
  'access token': 'an access token',
  read: 'what it knows of a tablet',
  wipe: 'a wipe',
  'remove enrolment': 'an old record to be removed',
  question: 'what a tablet says of itself',
  push: 'a tablet to be woken',
  try: 'an answer, as a trial',
};

const TABLETS: Readonly<Record<MdmsView['mdms'][number]['platform'], readonly [one: string, more: string]>> = { android: ['Android tablet', 'Android tablets'], apple: ['iPad', 'iPads'] };

/** "Android tablet", "iPads". */
export function tabletsOf(platform: keyof typeof TABLETS, count: number): string {
  return TABLETS[platform][count === 1 ? 0 : 1];
}
