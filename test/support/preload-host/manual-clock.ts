import type { Clock } from '../../../app/shell/clock.ts';

export interface ManualClock extends Clock {
  /** Runs whatever falls due on the way, in order. */
  advance(ms: number): void;
  /** Due times of the pending timers, in ms from now. */
  pending(): readonly number[];
}

export function manualClock(): ManualClock {
  let now = 0;
  let timers: { dueMs: number; run: () => void }[] = [];
  return {
    nowMs: () => now,
    after: (ms, run) => {
      const timer = { dueMs: now + ms, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    advance: (ms) => {
      const until = now + ms;
      for (;;) {
        const next = timers.filter((timer) => timer.dueMs <= until).sort((a, b) => a.dueMs - b.dueMs)[0];
        if (next === undefined) break;
        timers = timers.filter((timer) => timer !== next);
        now = next.dueMs;
        next.run();
      }
      now = until;
    },
    pending: () => timers.map((timer) => timer.dueMs - now).sort((a, b) => a - b),
  };
}
