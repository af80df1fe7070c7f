import type { MdmCommand, MdmEnrolment, MdmObservation } from '../../domain/mdm-evidence.ts';
import type { Result } from '../../domain/result.ts';

/** Why an MDM did not do what it was asked. `throttled` and `unavailable` pass by themselves; the others need a person or a new request. */
export const MDM_REFUSALS = ['not-found', 'throttled', 'unauthorized', 'unavailable', 'rejected'] as const;
export type MdmRefusalReason = (typeof MDM_REFUSALS)[number];

export interface MdmRefusal {
  readonly reason: MdmRefusalReason;
  /** How long the MDM asked to be left alone. */
  readonly retryAfterMs?: number;
  /** For logs and the fleet page; holds no secret. */
  readonly detail: string;
}

export interface WipeOrder {
  readonly request: string;
  readonly serial: string;
  readonly enrolment: string;
  /** How long the command may wait for the tablet before the MDM gives it up. */
  readonly expiresInMs: number;
}

export interface ObserveOrder {
  readonly serial: string;
  /** The enrolment that the command was issued to. */
  readonly previous: string;
  /** `MdmCommand.command` as `wipe` returned it. */
  readonly command: string;
}

/** One MDM behind its vendor's API. An adapter translates; what its answers prove is decided in domain/mdm-evidence.ts alone. */
export interface MdmAdapter {
  readonly name: string;
  /** The highest grade its platform can reach; a policy that asks more is refused when it is published. */
  readonly maximumGrade: 'E1' | 'E2' | 'E3';
  /** The active enrolment of this serial; `not-found` where there is none. */
  findEnrolment(serial: string): Promise<Result<MdmEnrolment, MdmRefusal>>;
  /** Issues the wipe once per request: called again for the same request (after a crash) it looks for the command first and returns it. */
  wipe(order: WipeOrder): Promise<Result<MdmCommand, MdmRefusal>>;
  /** Everything the MDM says about the serial and the command, read in one pass. A command the MDM no longer lists because its record is gone keeps its last known times. */
  observe(order: ObserveOrder): Promise<Result<MdmObservation, MdmRefusal>>;
  /** Asks for a record left behind by a wipe to be removed. `ok` is not proof that it is gone: observe again. */
  removeEnrolment(enrolment: string): Promise<Result<void, MdmRefusal>>;
}
