/**
 * Time that a person at the cart cannot turn back. Trusted time is the server's last word plus monotonic time since;
 * after a reboot the wall clock may only add age (DESIGN "Time").
 */
export interface TimeAnchor {
  /** Trusted time at the moment of the anchor, Unix milliseconds. */
  readonly trustedMs: number;
  readonly bootId: string;
  readonly monoMs: number;
  /** The anchor is a floor only: when it was made, nobody knew the time. */
  readonly unsure?: boolean;
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
  if (anchor.bootId === now.bootId && !anchor.unsure) return { ms: floorMs, unsure: false };
  const aheadMs = now.wallMs - floorMs;
  return { ms: Math.max(now.wallMs, floorMs), unsure: anchor.unsure === true || aheadMs < 0 || aheadMs > MAX_LEAP_MS };
}

/** The high-water mark: it is at least this late, whatever the wall clock says. In a later boot all of its uptime comes after the anchor. */
export function trustedFloor(anchor: TimeAnchor, now: Pick<ClockReading, 'monoMs' | 'bootId'>): number {
  return anchor.trustedMs + Math.max(0, anchor.bootId === now.bootId ? now.monoMs - anchor.monoMs : now.monoMs);
}
