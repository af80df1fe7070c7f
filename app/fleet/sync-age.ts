import type { FleetStation } from '../contract/fleet.ts';
import { duration } from './times.ts';

const LATE_MS = 2 * 60_000;
const SILENT_MS = 15 * 60_000;

export type SyncStanding = 'current' | 'late' | 'silent' | 'never' | 'denied';

/** How long ago the server last cosigned the station's ledger; `sinceViewMs` is the age of the view itself. */
export function syncAge(station: FleetStation, sinceViewMs: number): { readonly standing: SyncStanding; readonly words: string } {
  if (station.denied) return { standing: 'denied', words: 'denied: its certificate is not accepted' };
  if (station.syncAgeMs === undefined) return { standing: 'never', words: 'nothing received yet' };
  const ageMs = station.syncAgeMs + sinceViewMs;
  const words = `${duration(ageMs)} ago`;
  if (ageMs < LATE_MS) return { standing: 'current', words };
  return ageMs < SILENT_MS ? { standing: 'late', words: `${words}, late` } : { standing: 'silent', words: `${words}, out of contact` };
}
