import { setTimeout as pause } from 'node:timers/promises';

/** Waits until `look` gives something other than undefined or false; fails by saying what was waited for. */
export async function waitFor<Fact>(what: string, look: () => Fact | undefined | false, deadlineMs = 10_000): Promise<Fact> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const fact = look();
    if (fact !== undefined && fact !== false) return fact;
    if (performance.now() > end) throw new Error(`waited ${deadlineMs} ms in vain for ${what}`);
    await pause(5);
  }
}
