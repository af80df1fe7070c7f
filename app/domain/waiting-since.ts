import { isUpdateOpen } from './os-update.ts';
import type { DeviceRow } from './tables.ts';
import type { GateLeafName } from './terms.ts';

/** Leaves that hold or not by what was stated about the current sanitization request. */
const BY_EVIDENCE: ReadonlySet<GateLeafName> = new Set(['wipe-confirmed', 'enrolment-new', 'credentials-revoked', 'queue-clear', 'profile-present', 'posture', 'attestation']);

/**
 * Since when a device has waited for this leaf, Unix milliseconds of the station's wall clock: evidence since it was asked for,
 * quarantine and an OS update since they began, anything else since the device was put in. Undefined while it is not in the cart.
 */
export function waitingSinceMs({ custody, quarantine, request, update }: DeviceRow, leaf: GateLeafName): number | undefined {
  if (custody.kind !== 'cart' && custody.kind !== 'rebooting') return undefined;
  if (leaf === 'standing' && quarantine) return quarantine.atMs;
  if (leaf === 'standing' && update && isUpdateOpen({ update })) return update.atMs;
  return BY_EVIDENCE.has(leaf) && request ? request.atMs : custody.sinceMs;
}
