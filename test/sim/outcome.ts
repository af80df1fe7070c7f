import type { DeviceRow } from '../../app/domain/tables.ts';
import { provenSteps } from '../../app/domain/release-gate.ts';
import type { LedgerEntry } from '../../app/ledger/entry.ts';
import type { Cart } from './cart.ts';
import { entriesOn } from './memory-disk.ts';

/** What happened in one run. */
export interface Counts {
  entries: number;
  offers: number;
  epochs: number;
  crashes: number;
  serverDeaths: number;
  requests: number;
  lost: number;
  doubled: number;
  overtaken: number;
  busy: number;
  clockTurns: number;
  /** Tablets used for an instant while nothing watched. */
  borrowed: number;
  diskRestores: number;
  clones: number;
  serverRestores: number;
  updates: number;
  updated: number;
  handsInUpdates: number;
}

export interface Outcome {
  readonly seed: number;
  readonly divergences: readonly string[];
  readonly traceHash: string;
  readonly counts: Counts;
}

export const noCounts = (): Counts => ({ entries: 0, offers: 0, epochs: 0, crashes: 0, serverDeaths: 0, requests: 0, lost: 0, doubled: 0, overtaken: 0, busy: 0, clockTurns: 0, borrowed: 0, diskRestores: 0, clones: 0, serverRestores: 0, updates: 0, updated: 0, handsInUpdates: 0 });

/** For whoever looks at one run. */
export function tellLedger(cart: Cart, told: (line: string) => void): void {
  for (const bytes of cart.disk.ledger ? entriesOn(cart.disk.ledger) : []) {
    const { seq, type, device, place, body, hlc, epoch } = JSON.parse(bytes.toString()) as LedgerEntry;
    told(`${cart.name} e${epoch} ${seq} ${hlc.ms} ${type} ${device ?? ''} ${place ? `slot ${place.slot}` : ''} ${JSON.stringify(body)}`);
  }
}

/** Proven, or for a person to look at. */
export const isProven = (device: DeviceRow | undefined): boolean =>
  device !== undefined && (device.standing !== 'admitted' || device.quarantine !== undefined || (provenSteps(device).done === 6 && device.request?.exposure === device.exposure?.leaf));
