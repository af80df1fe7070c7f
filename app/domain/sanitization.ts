import type { EntryDraft } from './entries.ts';
import { isUpdateOpen } from './os-update.ts';
import type { Rules } from './rules.ts';
import type { DeviceRow } from './tables.ts';
import type { StatementRefusal } from './terms.ts';

/** Attempts at one exposure before a person has to look. */
export const MAX_ATTEMPTS = 3;

export interface SanitizationStep {
  readonly device: DeviceRow;
  /** Serial read in its slot at this moment: a wipe is bound to it. */
  readonly liveSerial: string | undefined;
  readonly nowMs: number;
  readonly rules: Pick<Rules, 'sanitizationOverdueMs'>;
  /** Since when the server can have heard of a request; left out: ever since it was made. A cut network makes nobody late. */
  readonly contactSinceMs?: number;
  readonly newRequest: string;
  readonly newNonce: string;
}

/**
 * An absence during the wipe is harmless only when the new enrolment is later than the reappearance; where that order
 * is not certain the absence counts as an exposure and the wipe is asked for again.
 *
 * The next entry for a docked device's sanitization, if any: ask once per exposure, ask again after a stated failure,
 * quarantine when asking no longer helps. Asking is all a station can do; proof comes as statements.
 */
export function nextSanitizationStep(step: SanitizationStep): EntryDraft | undefined {
  const { device, nowMs } = step;
  if (device.standing !== 'admitted' || device.custody.kind !== 'cart' || device.quarantine || !device.exposure) return undefined;
  // A wipe waits until an update of the same tablet has an outcome: never both.
  if (step.liveSerial !== device.serial || isUpdateOpen(device)) return undefined;
  const common = { device: device.serial, slot: device.custody.slot };
  const enrolment = device.evidence.enrolment;
  if (device.request && enrolment && device.request.exposure === device.exposure.leaf && enrolment.unseenAtSize <= device.request.settledSeq) {
    return { type: 'exposed', ...common, body: { cause: 'absence' } };
  }
  const current = device.request?.exposure === device.exposure.leaf ? device.request : undefined;
  if (current && !current.failure) {
    // A new enrolment whose wipe nobody confirms is as stuck as none: another command may have erased it.
    const overdue = !(device.evidence.wipe && device.evidence.enrolment) && nowMs - Math.max(current.atMs, step.contactSinceMs ?? 0) > step.rules.sanitizationOverdueMs;
    return overdue ? { type: 'quarantined', ...common, body: { reason: 'sanitization-overdue' } } : undefined;
  }
  if (current && current.attempt >= MAX_ATTEMPTS) return { type: 'quarantined', ...common, body: { reason: 'sanitization-failed' } };
  return {
    type: 'sanitization-requested',
    ...common,
    body: { request: step.newRequest, nonce: step.newNonce, exposure: device.exposure.leaf, attempt: (current?.attempt ?? 0) + 1 },
  };
}

export interface StatementBinding {
  readonly tenant: string;
  readonly station: string;
  readonly serial: string;
  readonly request: string;
  readonly nonce: string;
}

/** A statement must name this tenant, this station and the device's current request by its nonce; anything else is no evidence. */
export function judgeBinding(claims: StatementBinding, here: { readonly tenant: string; readonly station: string }, device: DeviceRow | undefined): StatementRefusal | undefined {
  if (claims.tenant !== here.tenant) return 'tenant';
  if (claims.station !== here.station) return 'station';
  if (!device) return 'serial';
  if (device.request?.request !== claims.request) return 'request';
  if (device.request.nonce !== claims.nonce) return 'nonce';
  return undefined;
}
