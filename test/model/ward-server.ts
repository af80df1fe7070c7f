import type { LedgerValue, RecordedEntry } from '../../app/domain/entries.ts';
import type { MdmObservation, PassingFact, ProvenFact } from '../../app/domain/mdm-evidence.ts';
import { judgeLook, type StatedFacts } from '../../app/domain/sanitization-look.ts';
import type { SanitizationFailure } from '../../app/domain/terms.ts';
import { observation, type Mdm } from '../../app/simulator/world/mdm.ts';
import { createUpdateServer } from './update-server.ts';

export type Facts = ({ readonly kind: string } & Record<string, LedgerValue>) | ProvenFact;

export interface WardServerDeps {
  readonly mdm: Mdm;
  /** The cart's ledger, as far as it has grown. */
  readonly entries: readonly RecordedEntry[];
  readonly nowMs: () => number;
  readonly profileOf: (serial: string) => string;
  /** The enrolment that the cart has proof of. */
  readonly provenEnrolment: (serial: string) => string | undefined;
  readonly send: (claims: { readonly serial: string; readonly request: string; readonly nonce: string }, facts: Facts) => void;
}

/** The server's part in a ward world: no paces, no queue, but its own judgement of what the MDM shows. */
export interface WardServer {
  looks(): void;
  restates(): void;
}

interface Order {
  readonly request: string;
  readonly nonce: string;
  readonly serial: string;
  previous?: string;
  command?: string;
  issuedAtMs?: number;
  /** Largest ledger size the server held when it looked and saw no new enrolment. */
  unseenAtSize: number;
  stated: StatedFacts;
  failed: boolean;
}

const COMMAND_LIFE_MS = 10 * 3_600_000;
/** This MDM can be asked for updates. */
const ordering = (seen: MdmObservation): MdmObservation => ({ ...seen, enrolments: seen.enrolments.map((record) => (record.update === 'held' ? { ...record, update: 'waiting' as const } : record)) });
const LOOK_PACE = { fastestMs: 0, slowestMs: 0, enrolmentPatienceMs: 2 * 3_600_000, confirmationPatienceMs: 5 * 60_000, restateMs: 0 };

export function createWardServer({ mdm, entries, nowMs, profileOf, provenEnrolment, send }: WardServerDeps): WardServer {
  const orders: Order[] = [];
  const statedFor = new Map<string, string>();
  /** Under which serial number an enrolment was first wiped or stated. */
  const serialOf = new Map<string, string>();
  const isOfAnother = (serial: string, enrolments: readonly string[]): boolean => enrolments.some((name) => (serialOf.get(name) ?? serial) !== serial);
  let readUpTo = 0;
  /** Under the sanitization whose proof this life of the tablet is. */
  const restate = (serial: string, enrolment: string, facts: readonly PassingFact[]): void => {
    const order = orders.findLast((one) => one.serial === serial && !one.failed && one.stated.enrolled?.kind === 'enrolled' && one.stated.enrolled.enrolment === enrolment);
    if (!order) return;
    for (const fact of facts) send(order, fact);
    order.stated = { ...order.stated, ...Object.fromEntries(facts.map((fact) => [fact.kind, fact])) };
  };
  const updates = createUpdateServer({ mdm, nowMs, profileOf, provenEnrolment, send, restate });

  const issue = (order: Order, giveUp: (failure: SanitizationFailure) => void): void => {
    const { serial, request } = order;
    const active = mdm.listed().filter((record) => record.serial === serial && record.state === 'active').at(-1);
    if (!active) return;
    if (isOfAnother(serial, [active.name, ...active.previous])) return giveUp('device-unknown');
    const issued = mdm.issueWipe(active.name, { request, expiresInMs: COMMAND_LIFE_MS });
    if (issued) Object.assign(order, { previous: active.name, command: issued.name, issuedAtMs: nowMs() });
    serialOf.set(active.name, serial);
  };
  const work = (order: Order): void => {
    if (order.failed) return;
    const { request, serial, previous, command } = order;
    const giveUp = (failure: SanitizationFailure): void => {
      order.failed = true;
      send(order, { kind: 'sanitization-failed', failure });
    };
    if (previous === undefined || command === undefined) return issue(order, giveUp);
    if (updates.holds(serial)) return;
    const { claims, then } = judgeLook({ ...order, previous, profile: profileOf(serial), complete: false, tries: 0 }, ordering(observation(mdm, serial, previous, command)), { nowMs: nowMs(), heldSize: readUpTo, pace: LOOK_PACE });
    if (claims) {
      if (isOfAnother(serial, claims.ancestors) || (statedFor.get(claims.enrolment) ?? request) !== request) return giveUp('enrolment-reused');
      statedFor.set(claims.enrolment, request);
      serialOf.set(claims.enrolment, serial);
    }
    if (then.failure !== undefined) return giveUp(then.failure);
    for (const fact of then.told) send(order, fact);
    if (then.leftover) mdm.remove(previous);
    Object.assign(order, { stated: then.stated, unseenAtSize: then.unseenAtSize });
  };

  return {
    looks: () => {
      for (; readUpTo < entries.length; readUpTo += 1) {
        const entry = entries[readUpTo];
        if (entry) updates.heard(entry);
        if (entry?.type !== 'sanitization-requested' || entry.device === undefined) continue;
        orders.push({ request: entry.body.request, nonce: entry.body.nonce, serial: entry.device, unseenAtSize: 0, stated: {}, failed: false });
      }
      updates.looks();
      for (const order of orders.slice(-6)) work(order);
    },
    restates: () => {
      for (const order of orders.slice(-4)) {
        const { 'queue-clear': _queue, 'profile-present': _profile, posture: _posture, ...lasting } = order.stated;
        order.stated = lasting;
        work(order);
      }
    },
  };
}
