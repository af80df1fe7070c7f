import type { Log } from './http-reply.ts';
import type { Wakener } from './wakener.ts';

export interface QueuedWork {
  /** Does one step that is due, and says whether there was any. */
  readonly work: () => Promise<boolean>;
  /** When the next step is due, Unix milliseconds; null: none is. */
  readonly dueAtMs: () => Promise<number | null>;
  /** Under which new work is announced. */
  readonly topic: string;
  /** For the log: "a step of the … queue failed". */
  readonly name: string;
}

/** Works a queue until closed, `lanes` steps at a time. Woken by announcements, by due times, and at least every second. */
export function runQueue({ work, dueAtMs, topic, name }: QueuedWork, { now, log }: { readonly now: () => number; readonly log: Log }, wakener: Wakener, lanes: number): { close(): Promise<void> } {
  const closing = new AbortController();
  const lane = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      try {
        if (await work()) continue;
        const dueInMs = ((await dueAtMs()) ?? Number.POSITIVE_INFINITY) - now();
        await wakener.wait([topic], Math.min(1_000, Math.max(20, dueInMs)), closing.signal);
      } catch (error) {
        if (closing.signal.aborted) return;
        log.error({ err: error }, `a step of the ${name} queue failed; trying again`);
        await wakener.wait([], 1_000, closing.signal);
      }
    }
  };
  const done = Promise.all(Array.from({ length: lanes }, lane));
  return {
    async close() {
      closing.abort();
      await done;
    },
  };
}
