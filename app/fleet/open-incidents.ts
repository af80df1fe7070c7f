import type { IncidentView } from '../contract/incidents.ts';
import { nowAtServer } from './store.ts';
import type { FleetState } from './store.ts';
import { msBetween } from './times.ts';

const NEW_MS = 24 * 3_600_000;

/** Noticed by the witness and mended by the carts themselves: told, but nobody has to come. */
const SETTLED: ReadonlySet<IncidentView['kind']> = new Set<IncidentView['kind']>(['witness-behind', 'epoch-begun']);

/** How many things wait for somebody: open conflicts, records set aside, and what the witness noticed in the last 24 h and nobody can have settled. */
export function openIncidents(state: FleetState): number {
  const { incidents = [], poison = [] } = state.incidents.held?.value ?? {};
  const now = nowAtServer(state);
  const fresh = incidents.filter(({ kind, lastAt }) => !SETTLED.has(kind) && msBetween(lastAt, now) < NEW_MS);
  return (state.fleet.held?.value.conflicts.length ?? 0) + poison.filter(({ replayedAt }) => replayedAt === undefined).length + fresh.length;
}
