import type { HostClock } from '../../native/clock.ts';

/** A clock that stands still until it is moved; timers due on the way fire in their order. */
export function heldClock(): HostClock & { advance(ms: number): void } {
  let now = 0;
  let timers: { readonly due: number; readonly every: number | undefined; readonly act: () => void }[] = [];

  function add(ms: number, every: number | undefined, act: () => void): () => void {
    let timer = { due: now + ms, every, act: () => {} };
    const schedule = (due: number) => {
      timer = {
        due,
        every,
        act() {
          if (every !== undefined) schedule(due + every);
          act();
        },
      };
      timers.push(timer);
    };
    schedule(now + ms);
    return () => {
      timers = timers.filter((other) => other !== timer);
    };
  }

  return {
    monoMs: () => now,
    after: (ms, act) => add(ms, undefined, act),
    every: (ms, act) => add(ms, ms, act),
    advance(ms) {
      const end = now + ms;
      for (;;) {
        const next = timers.filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)[0];
        if (next === undefined) break;
        timers = timers.filter((timer) => timer !== next);
        now = next.due;
        next.act();
      }
      now = end;
    },
  };
}
