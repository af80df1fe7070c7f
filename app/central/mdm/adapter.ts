import type { MdmCommand, MdmEnrolment, MdmObservation } from '../../domain/mdm-evidence.ts';
import type { Result } from '../../domain/result.ts';
import type { GateLeafName } from '../../domain/terms.ts';

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

/** One update of the operating system of one enrolment. */
export interface UpdateOrder {
  readonly request: string;
  readonly serial: string;
  readonly enrolment: string;
  /** The ward's profile: on the tablet before the update and again after it. */
  readonly profile: string;
}

/** What has an update installed that waits for a tablet. Both may be called again for the same order. */
export interface MdmUpdates {
  /** `ok`: the order went out, no more; that the update is done shows in another `MdmEnrolment.os`. */
  order(order: UpdateOrder): Promise<Result<void, MdmRefusal>>;
  /** Takes the order back, done or not: from then on nothing is installed by it. `ok`: that went out; observe again. */
  end(order: UpdateOrder): Promise<Result<void, MdmRefusal>>;
}

/** What whoever finds a lost tablet reads on it. */
export interface LostNotice {
  readonly message: string;
  readonly phone?: string;
  readonly organization?: string;
}

/** One MDM behind its vendor's API. An adapter translates; what its answers prove is decided in domain/mdm-evidence.ts alone. */
export interface MdmAdapter {
  readonly name: string;
  /** The highest grade its platform can reach; a policy that asks more is refused when it is published. */
  readonly maximumGrade: 'E1' | 'E2' | 'E3';
  /** Leaves of the release gate that it can never state: a policy that makes one mandatory would keep its tablets in for ever. */
  readonly unreachable: readonly GateLeafName[];
  /** Left out: it cannot order updates of the operating system, and calls one that waits `held`. */
  readonly updates?: MdmUpdates;
  /** The active enrolment of this serial; `not-found` where there is none. */
  findEnrolment(serial: string): Promise<Result<MdmEnrolment, MdmRefusal>>;
  /** Issues the wipe once per request: called again for the same request (after a crash) it looks for the command first and returns it. */
  wipe(order: WipeOrder): Promise<Result<MdmCommand, MdmRefusal>>;
  /** Everything the MDM says about the serial and the command, read in one pass. A command the MDM no longer lists because its record is gone keeps its last known times. */
  observe(order: ObserveOrder): Promise<Result<MdmObservation, MdmRefusal>>;
  /** Asks for a record left behind by a wipe to be removed. `ok` is not proof that it is gone: observe again. */
  removeEnrolment(enrolment: string): Promise<Result<void, MdmRefusal>>;
  /** Locks the screen. `ok`: the command went out, no more. */
  lock?(enrolment: string, reason: string): Promise<Result<void, MdmRefusal>>;
  /** Makes a lost tablet useless to its finder. `ok`: the command went out, no more. */
  startLostMode?(enrolment: string, notice: LostNotice): Promise<Result<void, MdmRefusal>>;
  stopLostMode?(enrolment: string): Promise<Result<void, MdmRefusal>>;
}

/** Told of every request that carried a credential (R6.3). `name` says whose credential, `purpose` what for; neither holds a secret. */
export type CredentialUsed = (credential: { readonly name: string; readonly purpose: string }, outcome: 'accepted' | MdmRefusalReason) => void;

/** Whom a message from an MDM was about: a reason to look again now, never evidence by itself. */
export interface MdmNews {
  readonly serials: readonly string[];
  readonly enrolments: readonly string[];
}

/** `unauthorized`: not from that MDM. `malformed`: from it, and not understood. */
export interface WebhookRefusal {
  readonly reason: 'unauthorized' | 'malformed';
  /** For logs; holds no secret. */
  readonly detail: string;
}

/** Receives what an MDM sends by itself; `body` as it came, `headers` with lower-case names. Throws where it could not be kept: the sender may try again. */
export type ReceiveWebhook = (body: Uint8Array, headers: Readonly<Record<string, string | readonly string[] | undefined>>) => Promise<Result<MdmNews, WebhookRefusal>>;
