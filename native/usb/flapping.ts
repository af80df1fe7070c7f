/** This many times a tablet attached or detached within the window is no longer hands at work. */
const CHANGES = 4;
const WINDOW_MS = 10_000;

/** Counts how often slots change; what it remembers of a slot never grows beyond what it counts to. */
export function flapping(): {
  changed(slot: number, nowMs: number): void;
  /** What a person is told while slots flap, naming them and the remedy; undefined when none does. */
  detail(nowMs: number): string | undefined;
} {
  const changes = new Map<number, readonly number[]>();

  return {
    changed(slot, nowMs) {
      changes.set(slot, [...(changes.get(slot) ?? []), nowMs].slice(-CHANGES));
    },
    detail(nowMs) {
      const slots: number[] = [];
      for (const [slot, times] of changes) {
        const last = times.at(-1) ?? 0;
        const [first = last] = times;
        // A slot that flapped is named until it has been quiet for a whole window.
        if (nowMs - last >= WINDOW_MS) changes.delete(slot);
        else if (times.length === CHANGES && last - first < WINDOW_MS) slots.push(slot);
      }
      if (slots.length === 0) return undefined;
      const named = slots.sort((a, b) => a - b).slice(0, 12).join(', ');
      return `slot ${named}: the connection comes and goes. Swap the cable; if it goes on, try the tablet in another slot: what stays bad, the slot or the tablet, is broken and goes out of service`;
    },
  };
}
