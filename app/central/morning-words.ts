import type { MorningReason, NextStep } from '../domain/morning-sheet.ts';
import type { ShortReason } from '../domain/night-problem.ts';
import type { Suspect } from '../domain/slot-health.ts';

/** What to do about an exception of the morning, verb first. */
export const ORDER_WORDS: Readonly<Record<NextStep, string>> = {
  wait: 'Wait for it',
  charge: 'Let it charge',
  'connect-network': 'Connect the cart to the network',
  'put-back': 'Put it back',
  'try-another-slot': 'Move it to another slot',
  'swap-cable': 'Swap the cable of the slot',
  'restart-tablet': 'Restart the tablet',
  'free-in-mdm': 'Free it in the device management',
  'look-at-update': 'Ask IT about its system update',
  'find-holder': 'Find who has it',
  'to-service': 'Send it to biomed',
};

export const REASON_WORDS: Readonly<Record<MorningReason, string>> = {
  'not-admitted': 'It is not admitted to the fleet.',
  'in-service': 'It is being serviced.',
  lost: 'It is reported lost.',
  retired: 'It is retired.',
  quarantined: 'It is kept out of use.',
  updating: 'Its system is being updated.',
  'serial-differs': 'Another tablet stands in its slot.',
  'serial-twice': 'Two slots report the same tablet.',
  exposed: 'It was used and is not wiped yet.',
  'wipe-not-requested': 'Its wipe was not asked for yet.',
  'wipe-not-confirmed': 'Its wipe is not confirmed yet.',
  'enrolment-not-seen': 'Its new enrolment has not been seen yet.',
  'enrolment-not-new': 'Its enrolment is still the old one.',
  'enrolment-not-after-wipe': 'Its enrolment is older than its wipe.',
  'credentials-live': 'The last user’s access is not revoked yet.',
  'queue-unknown': 'Its command queue has not been seen empty yet.',
  'queue-not-clear': 'A way to unlock it is still kept.',
  'profile-missing': 'The ward’s applications are not on it yet.',
  'posture-unknown': 'Its security is not checked yet.',
  'posture-poor': 'Its security check did not pass.',
  'evidence-old': 'Its proof is too old.',
  'attestation-missing': 'Its hardware has not attested.',
  'battery-low': 'Its battery is low.',
  'battery-unknown': 'Its battery level is not known.',
  'bundle-missing': 'The cart has no rules yet.',
  'bundle-too-old': 'The cart’s rules are too old.',
  'sanitization-failed': 'Its wipe did not work.',
  'sanitization-overdue': 'Its wipe took too long.',
  'battery-heat': 'Its battery runs hot.',
  'fault-reported': 'A fault was reported.',
  'update-failed': 'Its system update did not work; it can be used.',
  'in-hand': 'Somebody has it.',
  unidentified: 'It left without a badge.',
  'with-ward': 'Nobody said who has it; the ward answers for it.',
  'said-back': 'It came back without power.',
  unreadable: 'The cart feels it but cannot read it.',
};

export const SUSPECT_WORDS: Readonly<Record<Suspect, string>> = {
  slot: 'Suspect the slot, not the tablet.',
  tablet: 'Suspect the tablet, not the slot.',
  unclear: 'Slot or tablet: not clear yet.',
};

/** Why a ward will be short in the morning. */
export const SHORT_WORDS: Readonly<Record<ShortReason, string>> = {
  quarantined: 'tablets are kept out of use',
  unreachable: 'tablets do not answer',
  unproven: 'their proof is not complete',
  'too-hot': 'a battery is too warm to charge',
  'no-network': 'without network nothing is wiped',
  'cut-off': 'too little time was left',
  limits: 'it is more than the cart can power',
  'not-orderable': 'their device management cannot order updates',
  absent: 'too few tablets are in the cart',
};

/** "1 tablet was wiped and proven, 2 wipes did not work"; what did not happen is left out, save that nothing was wiped. */
export function doneWords({ sanitized, failed, quarantined, starts, updated = 0, notUpdated = 0 }: { readonly sanitized: number; readonly failed: number; readonly quarantined: number; readonly starts: number; readonly updated?: number | undefined; readonly notUpdated?: number | undefined }): readonly string[] {
  const of = (count: number, one: string, more: string): string[] => (count === 0 ? [] : [`${count} ${count === 1 ? one : more}`]);
  return [
    ...(sanitized === 0 ? ['No tablet was wiped'] : of(sanitized, 'tablet was wiped and proven', 'tablets were wiped and proven')),
    ...of(failed, 'wipe did not work', 'wipes did not work'),
    ...of(quarantined, 'tablet was put into quarantine', 'tablets were put into quarantine'),
    ...of(updated, 'system was updated', 'systems were updated'),
    ...of(notUpdated, 'system update did not work', 'system updates did not work'),
    ...of(starts, 'start of the station’s program', 'starts of the station’s program'),
  ];
}
