/**
 * Time that a person at the cart cannot turn back. Trusted time is the server's last word plus monotonic time since;
 * after a reboot the wall clock may only add age (DESIGN "Time").
 */
export interface TimeAnchor {
  /** Trusted time at the moment of the anchor, Unix milliseconds. */
  readonly trustedMs: number;
  readonly bootId: string;
  readonly monoMs: number;
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
  if (anchor.bootId === now.bootId) return { ms: anchor.trustedMs + Math.max(0, now.monoMs - anchor.monoMs), unsure: false };
  const aheadMs = now.wallMs - anchor.trustedMs;
  return { ms: Math.max(now.wallMs, anchor.trustedMs), unsure: aheadMs < 0 || aheadMs > MAX_LEAP_MS };
}
