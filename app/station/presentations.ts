import type { HostEvent } from '../contract/device-host.ts';
import { isSameTap, type Presentation } from '../domain/tap-bounce.ts';

/** More badges than readers hold at once; older ones are forgotten. */
const MOST = 32;

/** Which badges were held to which readers last, in memory only: what tells a tap from a badge that shakes or lies there. */
export interface Presentations {
  /** False: it is still the tap before it. */
  isNew(tap: Extract<HostEvent, { event: 'tap' }>): boolean;
  left(reader: string, atMs: number): void;
  /** Another host: its clock may be another, and what lies on its readers is told anew. */
  forget(): void;
}

export function createPresentations(): Presentations {
  const latest = new Map<string, Presentation>();
  return {
    isNew: ({ uid, reader, monoMs }) => {
      const tap: Presentation = { badge: uid, reader, tappedMs: monoMs };
      if (isSameTap(latest.get(uid), tap)) {
        latest.set(uid, tap);
        return false;
      }
      latest.delete(uid);
      latest.set(uid, tap);
      const [oldest] = latest.keys();
      if (latest.size > MOST && oldest !== undefined) latest.delete(oldest);
      return true;
    },
    left: (reader, atMs) => {
      for (const [badge, presentation] of latest) if (presentation.reader === reader && presentation.leftMs === undefined) latest.set(badge, { ...presentation, leftMs: atMs });
    },
    forget: () => latest.clear(),
  };
}
