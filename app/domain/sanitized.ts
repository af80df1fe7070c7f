import type { EntryDraft } from './entries.ts';
import { gradeOf, RELEASE_GATE, type GateFacts } from './release-gate.ts';
import type { GateLeafName } from './terms.ts';

/** The leaves that speak of the last user's traces and rights; the others of the gate say whether a clean tablet is also fit to go out. */
export const SANITIZATION_LEAVES: readonly GateLeafName[] = ['no-exposure', 'wipe-confirmed', 'enrolment-new', 'credentials-revoked', 'queue-clear', 'attestation'];

/**
 * The entry that completes a docked device's sanitization, once per request: when its wipe is confirmed and every one of these leaves
 * that policy makes mandatory holds. What holds beyond policy is named too, and what does not is not claimed.
 */
export function completedSanitization(facts: GateFacts): EntryDraft | undefined {
  const { device, live, rules } = facts;
  const request = device?.request;
  const wipe = device?.evidence.wipe;
  if (!device || !request || !wipe || device.sanitized?.request === request.request) return undefined;
  if (device.custody.kind !== 'cart' || device.custody.slot !== live.slot || live.serial !== device.serial || live.twice) return undefined;
  const holding = RELEASE_GATE.filter((leaf) => SANITIZATION_LEAVES.includes(leaf.name) && leaf.missing(facts) === undefined).map(({ name }) => name);
  const wanted = SANITIZATION_LEAVES.filter((name) => rules.mandatoryLeaves.includes(name) || name === 'no-exposure' || name === 'wipe-confirmed');
  if (!wanted.every((name) => holding.includes(name))) return undefined;
  const { enrolment } = device.evidence;
  return {
    type: 'sanitized',
    device: device.serial,
    slot: device.custody.slot,
    body: {
      request: request.request,
      nonce: request.nonce,
      asked: request.leaf,
      exposure: request.exposure,
      attempt: request.attempt,
      grade: gradeOf(device),
      proven: holding,
      command: wipe.command,
      previous: wipe.enrolment,
      confirmedMdmMs: wipe.confirmedMdmMs,
      ...(enrolment ? { enrolment: enrolment.enrolment, enrolledMdmMs: enrolment.enrolledMdmMs } : {}),
    },
  };
}
