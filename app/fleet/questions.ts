import type { CertificateView } from '../contract/certificates.ts';
import type { CustodyAnswer, StationStateAnswer } from '../contract/custody.ts';
import type { MorningSheetAnswer } from '../contract/morning.ts';
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

export interface CertificateQuestion extends Question {
  readonly leaf: string;
}

/** A page of the list of certificates; `q` is sought by the server, in all of them. */
export interface CertificatesQuestion extends Question {
  readonly q: string;
  readonly after?: string;
}

export interface SheetQuestion extends Question {
  readonly station: string;
  readonly epoch: number;
  readonly seq: number;
}

export type AskedSheet = Asked<SheetQuestion, MorningSheetAnswer>;
export type AskedCertificate = Asked<CertificateQuestion, CertificateView>;
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

/** The morning sheet that is open. */
export function sheetQuestion(route: Route): SheetQuestion | undefined {
  if (route.page !== 'sheet') return undefined;
  const { station, epoch, seq } = route;
  return { key: `${station} ${epoch} ${seq}`, station, epoch, seq };
}

/** The certificate that is open. */
export function certificateQuestion(route: Route): CertificateQuestion | undefined {
  return route.page === 'certificate' ? { key: route.leaf, leaf: route.leaf } : undefined;
}

/** The page of the list of certificates that is open. */
export function certificatesQuestion(route: Route): CertificatesQuestion | undefined {
  if (route.page !== 'certificates') return undefined;
  const { q, after } = route;
  return { key: `${after ?? ''} ${q.trim()}`, q: q.trim(), ...(after === undefined ? {} : { after }) };
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
