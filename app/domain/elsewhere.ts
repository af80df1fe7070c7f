import type { DeviceRow } from './tables.ts';
import type { StatementRefusal } from './terms.ts';

export interface ElsewhereBinding {
  readonly tenant: string;
  readonly station: string;
  readonly serial: string;
  readonly release: string;
}

/** A statement that a tablet is at another cart must name this tenant, this station and the release that is open here; anything else ends nothing. */
export function judgeElsewhere(claims: ElsewhereBinding, here: { readonly tenant: string; readonly station: string }, device: DeviceRow | undefined): StatementRefusal | undefined {
  if (claims.tenant !== here.tenant) return 'tenant';
  if (claims.station !== here.station) return 'station';
  if (!device) return 'serial';
  const { custody } = device;
  if (custody.kind === 'elsewhere' && custody.release === claims.release) return 'duplicate';
  const open = custody.kind === 'person' || custody.kind === 'unidentified' || custody.kind === 'ward';
  return open && custody.release === claims.release ? undefined : 'release';
}
