/** The host's only source of time and timers, so that tests can hold it. */
export interface HostClock {
  /** Whole milliseconds of a clock that never goes back; its zero means nothing. */
  monoMs(): number;
  /** Runs `act` once after `ms`. Returns the way to cancel it. */
  after(ms: number, act: () => void): () => void;
  /** Runs `act` every `ms` until cancelled. */
  every(ms: number, act: () => void): () => void;
}

export const systemClock: HostClock = {
  monoMs: () => Math.floor(performance.now()),
  after(ms, act) {
    const timer = setTimeout(act, ms);
    return () => clearTimeout(timer);
  },
  every(ms, act) {
    const timer = setInterval(act, ms);
    return () => clearInterval(timer);
  },
};
