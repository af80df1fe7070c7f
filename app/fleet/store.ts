import { create } from 'zustand';
import type { FleetView } from '../contract/fleet.ts';
import type { FleetHistory, HistoryQuery, Me } from './api.ts';
import { readClock } from './clock.ts';
import type { Moment } from './clock.ts';
import { EMPTY_FEED } from './feed.ts';
import type { Feed } from './feed.ts';
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
}

export function firstState(): FleetState {
  return { session: { kind: 'asking', unanswered: false }, route: parseRoute(location.hash), now: readClock(), fleet: EMPTY_FEED, records: EMPTY_FEED };
}

export const useFleet = create<FleetState>()(() => firstState());
