/** One moment on this machine: `wallMs` may be set by hand, `monoMs` may stand still while the machine sleeps. */
export interface Moment {
  readonly wallMs: number;
  readonly monoMs: number;
}

export function readClock(): Moment {
  return { wallMs: Date.now(), monoMs: performance.now() };
}

/** Milliseconds between two moments. Of the two clocks the one that says "older" counts: an age is never flattered. */
export function elapsedMs(from: Moment, to: Moment): number {
  return Math.max(0, to.wallMs - from.wallMs, to.monoMs - from.monoMs);
}
