import type { UpdateStanding } from './terms.ts';

/**
 * What an MDM's records allow the server to state about one sanitization. Pure: every adapter (Android Management API,
 * Apple MDM, …) translates its vendor's answers into `MdmObservation` and this file alone decides what they prove.
 * Times are Unix milliseconds of that one MDM's clock and are compared only with each other; equal times prove nothing.
 */

/** One enrolment record as the MDM lists it now. */
export interface MdmEnrolment {
  readonly enrolment: string;
  readonly serial: string;
  /** Enrolments that the MDM itself names as predecessors of this one. */
  readonly previous: readonly string[];
  readonly enrolledMdmMs: number;
  readonly state: 'active' | 'provisioning' | 'disabled' | 'deleted';
  /** When the device last reported its state; a report older than the enrolment speaks of an earlier life. */
  readonly reportedMdmMs?: number;
  readonly profile?: string;
  readonly compliant: boolean;
  readonly osAtFloor: boolean;
  readonly rooted: boolean;
  readonly adbEnabled: boolean;
  /** The operating system as the MDM words it; it changes with every update. */
  readonly os?: string;
  /** Absent where the MDM does not say. */
  readonly update?: UpdateStanding;
  /** Commands that still wait for this enrolment. */
  readonly pendingCommands: number;
  readonly unlockTokenKept: boolean;
}

export interface MdmCommand {
  readonly command: string;
  readonly enrolment: string;
  readonly issuedMdmMs: number;
  readonly state: 'pending' | 'confirmed' | 'expired' | 'failed';
  readonly confirmedMdmMs?: number;
}

/** Everything the MDM says about one serial, read in one pass after the command was issued. */
export interface MdmObservation {
  readonly command: MdmCommand;
  /** Records that carry the serial, and those of its earlier lives, whatever their state and under whatever serial they are listed. */
  readonly enrolments: readonly MdmEnrolment[];
}

export interface SanitizationOrder {
  readonly serial: string;
  readonly profile: string;
  /** The enrolment that was active when the command was issued. */
  readonly previous: string;
}

export type ProvenFact =
  | { readonly kind: 'wipe-confirmed'; readonly enrolment: string; readonly command: string; readonly issuedMdmMs: number; readonly confirmedMdmMs: number }
  | { readonly kind: 'enrolled'; readonly enrolment: string; readonly previous: string; readonly command: string; readonly issuedMdmMs: number; readonly enrolledMdmMs: number }
  | { readonly kind: 'credentials-revoked'; readonly previous: string }
  | { readonly kind: 'queue-clear'; readonly enrolment: string; readonly unlockTokenKept: boolean }
  | { readonly kind: 'profile-present'; readonly enrolment: string; readonly profile: string }
  | { readonly kind: 'posture'; readonly enrolment: string; readonly osAtFloor: boolean; readonly compliant: boolean; readonly rooted: boolean; readonly adbEnabled: boolean; readonly update?: UpdateStanding };

/** What ages: said again at every look. */
export type PassingFact = Extract<ProvenFact, { readonly kind: 'queue-clear' | 'profile-present' | 'posture' }>;

/** The facts this observation proves, in the order of the gate's leaves. Fewer facts is the normal, waiting state. */
export function provenFacts(order: SanitizationOrder, seen: MdmObservation): readonly ProvenFact[] {
  const { command } = seen;
  if (command.enrolment !== order.previous) return [];
  const facts: ProvenFact[] = [];
  if (command.state === 'confirmed' && command.confirmedMdmMs !== undefined && command.confirmedMdmMs > command.issuedMdmMs) {
    facts.push({ kind: 'wipe-confirmed', enrolment: order.previous, command: command.command, issuedMdmMs: command.issuedMdmMs, confirmedMdmMs: command.confirmedMdmMs });
  }
  const fresh = newEnrolment(order, seen);
  if (fresh) {
    facts.push({ kind: 'enrolled', enrolment: fresh.enrolment, previous: order.previous, command: command.command, issuedMdmMs: command.issuedMdmMs, enrolledMdmMs: fresh.enrolledMdmMs });
  }
  const others = seen.enrolments.some((record) => record.enrolment !== fresh?.enrolment && record.state !== 'deleted');
  if (fresh && !others) facts.push({ kind: 'credentials-revoked', previous: order.previous });
  if (fresh) facts.push(...passingFacts(fresh, order.profile));
  return facts;
}

/** What an enrolment has reported of itself and what may change while it lasts; nothing where the last report is of an earlier life. */
export function passingFacts(record: MdmEnrolment, wanted: string): readonly PassingFact[] {
  const { enrolment, reportedMdmMs, enrolledMdmMs, profile, update } = record;
  if (reportedMdmMs === undefined || reportedMdmMs <= enrolledMdmMs) return [];
  return [
    ...(record.pendingCommands === 0 ? [{ kind: 'queue-clear' as const, enrolment, unlockTokenKept: record.unlockTokenKept }] : []),
    ...(profile === wanted ? [{ kind: 'profile-present' as const, enrolment, profile }] : []),
    { kind: 'posture', enrolment, osAtFloor: record.osAtFloor, compliant: record.compliant, rooted: record.rooted, adbEnabled: record.adbEnabled, ...(update === undefined ? {} : { update }) },
  ];
}

/** The one active enrolment of this serial that the MDM itself places after the command. Two of them prove nothing. */
function newEnrolment(order: SanitizationOrder, seen: MdmObservation): MdmEnrolment | undefined {
  const later = seen.enrolments.filter(
    (record) =>
      record.serial === order.serial &&
      record.state === 'active' &&
      record.enrolment !== order.previous &&
      record.previous.includes(order.previous) &&
      record.enrolledMdmMs > seen.command.issuedMdmMs,
  );
  return later.length === 1 ? later[0] : undefined;
}
