import type { CustodyAnswer, StationStateAnswer } from '../contract/custody.ts';
import { EMPTY_FEED } from './feed.ts';
import type { Feed } from './feed.ts';
import type { Route } from './route.ts';
import { lastHours } from './span.ts';

/** A question about the past. Unlike a list it is asked once: its answer stands, with the time of asking, until somebody asks anew. */
export interface Asked<Q extends Question, A> {
  readonly question: Q;
  readonly asking: boolean;
  readonly feed: Feed<A>;
}

interface Question {
  /** Which address asks it: two of the same key are one question. */
  readonly key: string;
}

export interface CustodyQuestion extends Question {
  readonly device: string;
  readonly from: string;
  readonly to: string;
}

export interface StateQuestion extends Question {
  readonly station: string;
  readonly at: string;
}

export type AskedCustody = Asked<CustodyQuestion, CustodyAnswer>;
export type AskedState = Asked<StateQuestion, StationStateAnswer>;

/** Who had the tablet that is open; without a span in the address, in the 24 h before `nowIso`. */
export function custodyQuestion(route: Route, nowIso: string): CustodyQuestion | undefined {
  if (route.page !== 'device') return undefined;
  const { serial, from, to } = route;
  const span = from === undefined || to === undefined ? lastHours(24, nowIso) : { from, to };
  return { key: `${serial} ${from ?? ''} ${to ?? ''}`, device: serial, ...span };
}

/** How the cart that is open stood, if the address names an instant. */
export function stateQuestion(route: Route): StateQuestion | undefined {
  return route.page === 'station' && route.at !== undefined ? { key: `${route.id} ${route.at}`, station: route.id, at: route.at } : undefined;
}

/** What is asked next: the question as it stands, or undefined when it has its answer, a refusal, or is under way. */
export function toAsk<Q extends Question, A>(open: Asked<Q, A> | undefined, question: Q): Asked<Q, A> | undefined {
  if (open?.question.key !== question.key) return { question, asking: true, feed: EMPTY_FEED };
  return open.asking || isSettled(open.feed) ? undefined : { ...open, asking: true };
}

/** An answer, or a refusal that asking again by itself would not change. */
export function isSettled({ held, refusal }: Feed<unknown>): boolean {
  return held !== undefined || (refusal !== undefined && refusal.kind !== 'unreachable' && refusal.kind !== 'slow-down');
}
