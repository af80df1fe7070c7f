import type { Clock } from './clock.ts';

export interface BackOffRule {
  readonly firstMs: number;
  readonly longestMs: number;
  /** Having run this long, a thing that then fails is treated as failing for the first time. */
  readonly steadyAfterMs: number;
}

export interface BackOff {
  /** The thing runs (again). */
  started(): void;
  /** The thing failed: how long to wait before the next try, in ms; doubles with each failure in a row. */
  delayMs(): number;
}

export function createBackOff(rule: BackOffRule, clock: Clock): BackOff {
  let failuresInARow = 0;
  let startedAtMs: number | undefined;
  return {
    started: () => {
      startedAtMs = clock.nowMs();
    },
    delayMs: () => {
      if (startedAtMs !== undefined && clock.nowMs() - startedAtMs >= rule.steadyAfterMs) failuresInARow = 0;
      startedAtMs = undefined;
      const delay = Math.min(rule.firstMs * 2 ** failuresInARow, rule.longestMs);
      failuresInARow += 1;
      return delay;
    },
  };
}
