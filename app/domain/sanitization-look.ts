import { provenFacts, type MdmObservation, type ProvenFact } from './mdm-evidence.ts';
import type { SanitizationFailure } from './terms.ts';

export type StatedFacts = Partial<Record<ProvenFact['kind'], ProvenFact>>;
type Enrolled = Extract<ProvenFact, { kind: 'enrolled' }>;
/** What a cart is told: an enrolment is told with the largest ledger size at which it was not there yet. */
export type ToldFact = Exclude<ProvenFact, Enrolled> | (Enrolled & { readonly unseenAtSize: number });

/** Paces of looking at one sanitization, milliseconds. */
export interface LookPace {
  /** First look after the command; doubles up to `slowestMs`. */
  readonly fastestMs: number;
  readonly slowestMs: number;
  /** No new enrolment this long after the command: given up. */
  readonly enrolmentPatienceMs: number;
  /** The tablet is proven to have a new life, and this long after the command its old one has still not fetched it: it never will. */
  readonly confirmationPatienceMs: number;
  /** How often the passing facts (queue, profile, posture) of a proven tablet are looked at again. */
  readonly restateMs: number;
}

/** One sanitization whose command is out, as the server keeps it. */
export interface OpenSanitization {
  readonly serial: string;
  readonly profile: string;
  /** The enrolment that the command went to. */
  readonly previous: string;
  readonly issuedAtMs?: number | undefined;
  readonly complete: boolean;
  readonly stated: StatedFacts;
  readonly tries: number;
  readonly unseenAtSize: number;
}

export interface LookNow {
  readonly nowMs: number;
  /** Entries of the cart's ledger that the server held before it asked the MDM. */
  readonly heldSize: number;
  readonly pace: LookPace;
}

/** Given up; `detail` is for logs and the fleet page. */
export interface GivenUp {
  readonly failure: SanitizationFailure;
  readonly detail: string;
}

/** It goes on; `told` is news for the cart, the rest replaces what was kept. */
export interface GoesOn {
  readonly failure?: undefined;
  readonly told: readonly ToldFact[];
  readonly complete: boolean;
  readonly stated: StatedFacts;
  readonly tries: number;
  readonly unseenAtSize: number;
  readonly nextAtMs: number;
  /** The wiped record still stands: ask the MDM to drop it. */
  readonly leftover: boolean;
}

/** A new enrolment, seen for the first time, and those that the MDM names before it. */
export interface Claim {
  readonly enrolment: string;
  readonly ancestors: readonly string[];
}

/**
 * What one look at the MDM means. Where `claims` is set the caller makes sure first that this enrolment has proven nothing before and
 * that none of its ancestors was another tablet's, or gives up with `enrolment-reused`.
 */
export interface Look {
  readonly claims?: Claim;
  readonly then: GivenUp | GoesOn;
}

const ALL_FACTS: readonly ProvenFact['kind'][] = ['wipe-confirmed', 'enrolled', 'credentials-revoked', 'queue-clear', 'profile-present', 'posture'];
/** Facts that age: said again at every re-observation. The others stay true once they were. */
const PASSING: ReadonlySet<ProvenFact['kind']> = new Set(['queue-clear', 'profile-present', 'posture']);

/** The server's judgement of what the MDM shows of one sanitization now. Fewer facts is the normal, waiting state. */
export function judgeLook(open: OpenSanitization, seen: MdmObservation, { nowMs, heldSize, pace }: LookNow): Look {
  const proven = provenFacts({ serial: open.serial, profile: open.profile, previous: open.previous }, seen);
  const enrolled = proven.find((fact) => fact.kind === 'enrolled');
  const before = open.stated.enrolled;
  if (enrolled && before?.kind === 'enrolled' && before.enrolment !== enrolled.enrolment) {
    return { then: { failure: 'no-new-enrolment', detail: `${before.enrolment}, which was proven, has been replaced by ${enrolled.enrolment}` } };
  }
  const claims = enrolled && !before ? { claims: { enrolment: enrolled.enrolment, ancestors: seen.enrolments.find(({ enrolment }) => enrolment === enrolled.enrolment)?.previous ?? [] } } : {};
  const failure = failureIn(open, seen, enrolled !== undefined, nowMs, pace);
  if (failure) return { ...claims, then: failure };

  const unseenAtSize = enrolled || listsNewLife(seen, open.previous) ? open.unseenAtSize : heldSize;
  const news = proven.filter((fact) => (open.complete ? PASSING.has(fact.kind) : isNews(open.stated[fact.kind], fact)));
  const stated = { ...open.stated, ...Object.fromEntries(news.map((fact) => [fact.kind, fact])) };
  const complete = ALL_FACTS.every((kind) => stated[kind] !== undefined) && isAcceptable(stated);
  return {
    ...claims,
    then: {
      told: news.map((fact) => (fact.kind === 'enrolled' ? { ...fact, unseenAtSize } : fact)),
      complete,
      stated,
      tries: complete ? 0 : open.tries + 1,
      unseenAtSize,
      nextAtMs: nowMs + (complete ? pace.restateMs : backOff(pace, open.tries)),
      leftover: enrolled !== undefined && !stated['credentials-revoked'],
    },
  };
}

/** How long until the next look or try, milliseconds. */
export const backOff = (pace: Pick<LookPace, 'fastestMs' | 'slowestMs'>, tries: number): number => Math.min(pace.slowestMs, pace.fastestMs * 2 ** Math.min(tries, 20));

function failureIn(open: OpenSanitization, { command }: MdmObservation, enrolled: boolean, nowMs: number, pace: LookPace): GivenUp | undefined {
  const confirmed = open.stated['wipe-confirmed'] !== undefined;
  if (!confirmed && command.state === 'expired') return { failure: 'command-expired', detail: 'the tablet did not fetch the command in time' };
  if (!confirmed && command.state === 'failed') return { failure: 'mdm-refused', detail: 'the tablet or the MDM reported the command as failed' };
  const waitedMs = nowMs - (open.issuedAtMs ?? nowMs);
  // Two commands to one enrolment: the first erased it, and the second waits for a record that is gone.
  const stranded = open.stated['queue-clear'] !== undefined && !confirmed && command.state === 'pending';
  if (stranded && waitedMs > pace.confirmationPatienceMs) return { failure: 'command-expired', detail: 'the tablet enrolled again without having fetched the command' };
  if (!enrolled && open.stated.enrolled === undefined && waitedMs > pace.enrolmentPatienceMs) return { failure: 'no-new-enrolment', detail: 'the tablet did not enrol again in time' };
  return undefined;
}

/** True if the MDM lists a record that may be the new life: any but the wiped one that it places after the command, or does not place yet. */
function listsNewLife(seen: MdmObservation, previous: string): boolean {
  return seen.enrolments.some((record) => record.enrolment !== previous && (record.state === 'provisioning' || record.enrolledMdmMs > seen.command.issuedMdmMs));
}

/** A tablet whose passing facts are poor is looked at again soon: they may be about to mend. */
function isAcceptable(stated: StatedFacts): boolean {
  const { posture } = stated;
  const queue = stated['queue-clear'];
  return posture?.kind === 'posture' && posture.compliant && posture.osAtFloor && !posture.rooted && !posture.adbEnabled && queue?.kind === 'queue-clear' && !queue.unlockTokenKept;
}

function isNews(kept: ProvenFact | undefined, fact: ProvenFact): boolean {
  return kept === undefined || (PASSING.has(fact.kind) && !isSame(kept, fact));
}

/** Facts are flat; where they were kept their keys may have changed order. */
function isSame(kept: ProvenFact, fact: ProvenFact): boolean {
  const held = new Map<string, unknown>(Object.entries(kept));
  return held.size === Object.keys(fact).length && Object.entries(fact).every(([key, value]) => held.get(key) === value);
}
