/** Time as the shell uses it: monotonic milliseconds and one-shot timers. */
export interface Clock {
  nowMs(): number;
  /** Runs once after `ms`; the returned function prevents it. */
  after(ms: number, run: () => void): () => void;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
