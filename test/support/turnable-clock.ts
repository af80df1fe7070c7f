import type { Clock } from '../../app/station/clock.ts';

/** A cart's clocks in the hands of a test: time passes, people turn the wall clock, the machine boots. */
export interface TurnableClock extends Clock {
  /** What a good clock elsewhere shows: nobody at the cart can turn it. */
  trueMs(): number;
  /** Time passes on every clock; what falls due is called, earliest first. */
  forward(ms: number): void;
  /** Somebody sets the wall clock. */
  turnWall(byMs: number): void;
  /** Nobody waits for anything any more. */
  forget(): void;
  /** The machine is off for `downMs` and boots anew. */
  boot(downMs: number): void;
}

export const MONDAY_NOON_MS = Date.UTC(2027, 0, 4, 12);

export function turnableClock(startMs = MONDAY_NOON_MS): TurnableClock {
  let trueMs = startMs;
  let wallErrorMs = 0;
  let bootedAtMs = trueMs - 3_600_000;
  let boots = 1;
  let due: { readonly atMs: number; readonly call: () => void }[] = [];
  return {
    trueMs: () => trueMs,
    wallMs: () => trueMs + wallErrorMs,
    monoMs: () => trueMs - bootedAtMs,
    get bootId() {
      return `boot-${boots}`;
    },
    after: (ms, call) => {
      const timer = { atMs: trueMs + ms, call };
      due.push(timer);
      return () => {
        due = due.filter((each) => each !== timer);
      };
    },
    forward: (ms) => {
      trueMs += ms;
      const now = due.filter(({ atMs }) => atMs <= trueMs).sort((a, b) => a.atMs - b.atMs);
      due = due.filter(({ atMs }) => atMs > trueMs);
      for (const { call } of now) call();
    },
    turnWall: (byMs) => {
      wallErrorMs += byMs;
    },
    forget: () => {
      due = [];
    },
    boot: (downMs) => {
      trueMs += downMs;
      bootedAtMs = trueMs;
      boots += 1;
    },
  };
}
