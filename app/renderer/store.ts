import { create } from 'zustand';
import type { Snapshot } from '../contract/kiosk.ts';

export type Connection = 'starting' | 'live' | 'lost';

/** All the page knows: the latest snapshot, when it came (`performance.now()`), and whether the station is there. */
export interface KioskState {
  readonly snapshot: Snapshot | undefined;
  readonly receivedAtMs: number;
  readonly connection: Connection;
}

export const useKiosk = create<KioskState>()(() => ({ snapshot: undefined, receivedAtMs: 0, connection: 'starting' }));

export function keepSnapshot(snapshot: Snapshot): void {
  useKiosk.setState({ snapshot, receivedAtMs: performance.now(), connection: 'live' });
}

/** The last snapshot stays until the next one: the page decides how long it may still be believed. */
export function keepLost(): void {
  useKiosk.setState(({ connection }) => ({ connection: connection === 'starting' ? 'starting' : 'lost' }));
}
