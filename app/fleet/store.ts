import { create } from 'zustand';
import type { CertificatesAnswer } from '../contract/certificates.ts';
import type { FleetView } from '../contract/fleet.ts';
import type { IncidentsView } from '../contract/incidents.ts';
import type { MdmsView } from '../contract/mdm.ts';
import type { MorningView } from '../contract/morning.ts';
import type { FleetHistory, HistoryQuery, Me } from './api.ts';
import { readClock } from './clock.ts';
import type { Moment } from './clock.ts';
import { EMPTY_FEED, serverTime } from './feed.ts';
import type { Feed } from './feed.ts';
import type { KeysView } from './keys-api.ts';
import type { AskedCertificate, AskedCustody, AskedSheet, AskedState, CertificatesQuestion } from './questions.ts';
import { parseRoute } from './route.ts';
import type { Route } from './route.ts';

export type Session =
  | { readonly kind: 'asking'; readonly unanswered: boolean }
  | { readonly kind: 'signed-out'; readonly ended: boolean }
  | { readonly kind: 'signed-in'; readonly me: Me };

/** Everything the page shows is drawn from this; nothing else holds state that outlives a component. */
export interface FleetState {
  readonly session: Session;
  readonly route: Route;
  readonly now: Moment;
  readonly fleet: Feed<FleetView>;
  /** Records for the page that is open; `query` says which. */
  readonly records: Feed<FleetHistory> & { readonly query?: HistoryQuery };
  readonly incidents: Feed<IncidentsView>;
  readonly morning: Feed<MorningView>;
  readonly keys: Feed<KeysView>;
  readonly mdms: Feed<MdmsView>;
  /** The page of certificates that is open; `query` says which. */
  readonly certificates: Feed<CertificatesAnswer> & { readonly query?: CertificatesQuestion };
  /** "Who had it" of the tablet that is open, and "As it stood at" of the cart. */
  readonly custody: AskedCustody | undefined;
  readonly replay: AskedState | undefined;
  readonly certificate: AskedCertificate | undefined;
  readonly sheet: AskedSheet | undefined;
}

/** What a session has read; it ends with it. */
export const NOTHING_READ = { fleet: EMPTY_FEED, records: EMPTY_FEED, incidents: EMPTY_FEED, morning: EMPTY_FEED, keys: EMPTY_FEED, mdms: EMPTY_FEED, certificates: EMPTY_FEED, custody: undefined, replay: undefined, certificate: undefined, sheet: undefined } satisfies Partial<FleetState>;

export function firstState(): FleetState {
  return { session: { kind: 'asking', unanswered: false }, route: parseRoute(location.hash), now: readClock(), ...NOTHING_READ };
}

export const useFleet = create<FleetState>()(() => firstState());

/** The server's time as far as this page can tell; ISO 8601. */
export function nowAtServer(state: FleetState): string {
  return state.fleet.held === undefined ? new Date(state.now.wallMs).toISOString() : serverTime(state.fleet.held, state.now);
}
