/**
 * Time that a person at the cart cannot turn back. Trusted time is the server's last word plus monotonic time since;
 * after a reboot the wall clock may only add age (DESIGN "Time").
 */
export interface TimeAnchor {
  /** Trusted time at the moment of the anchor, Unix milliseconds. */
  readonly trustedMs: number;
  readonly bootId: string;
  readonly monoMs: number;
  /** It was at least this late, but nobody knew the time: a reboot lay before, or the wall clock was not believed. */
  readonly floor?: boolean;
}

export interface ClockReading {
  readonly wallMs: number;
  readonly monoMs: number;
  readonly bootId: string;
}

export interface TrustedTime {
  readonly ms: number;
  readonly unsure: boolean;
}

/** A wall clock further ahead of the last trusted time than this is not believed (DESIGN "Time": 24 h). */
export const MAX_LEAP_MS = 24 * 3_600_000;

export function trustedTime(anchor: TimeAnchor | undefined, now: ClockReading): TrustedTime {
  if (!anchor) return { ms: now.wallMs, unsure: true };
  const floorMs = trustedFloor(anchor, now);
  if (anchor.bootId === now.bootId && !anchor.floor) return { ms: floorMs, unsure: false };
  const aheadMs = now.wallMs - floorMs;
  return { ms: Math.max(now.wallMs, floorMs), unsure: aheadMs < 0 || aheadMs > MAX_LEAP_MS };
}

/** The high-water mark: it is at least this late, whatever the wall clock says. */
export function trustedFloor(anchor: TimeAnchor, now: Pick<ClockReading, 'monoMs' | 'bootId'>): number {
  return anchor.trustedMs + (anchor.bootId === now.bootId ? Math.max(0, now.monoMs - anchor.monoMs) : 0);
}
