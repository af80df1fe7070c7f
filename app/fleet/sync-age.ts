import { OUT_OF_CONTACT_MS } from '../contract/fleet.ts';
import type { FleetStation } from '../contract/fleet.ts';
import { duration, msBetween } from './times.ts';

const LATE_MS = 2 * 60_000;

export type SyncStanding = 'current' | 'late' | 'silent' | 'never' | 'denied';

/** How long ago the server last cosigned the station's ledger; both times are of the server's clock. */
export function syncAge(station: Pick<FleetStation, 'denied' | 'lastSyncAt'>, nowIso: string): { readonly standing: SyncStanding; readonly words: string } {
  if (station.denied) return { standing: 'denied', words: 'denied: its certificate is not accepted' };
  if (station.lastSyncAt === undefined) return { standing: 'never', words: 'nothing received yet' };
  const ageMs = msBetween(station.lastSyncAt, nowIso);
  const words = `${duration(ageMs)} ago`;
  if (ageMs < LATE_MS) return { standing: 'current', words };
  return ageMs < OUT_OF_CONTACT_MS ? { standing: 'late', words: `${words}, late` } : { standing: 'silent', words: `${words}, out of contact` };
}
