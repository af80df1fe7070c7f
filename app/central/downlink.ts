import type { z } from 'zod';
import type { downlinkResponse } from '../contract/station-http.ts';
import type { BundleStore } from './bundle.ts';
import type { Database, Queryable } from './database.ts';
import { statementsAfter } from './statements.ts';

const CHANNEL = 'dockward';
/** A waiting station looks again this often even if no notice reached this process. */
const LOOK_AGAIN_MS = 5_000;

/** Tells every process on this database that there is something new for `topic`, once the transaction of `client` commits. */
export async function wake(client: Queryable, topic: string): Promise<void> {
  await client.query('select pg_notify($1, $2)', [CHANNEL, topic]);
}

/** Topic under which everything that concerns all stations is announced. */
export const EVERY_STATION = 'bundle';

export interface Wakener {
  /** Resolves when one of the topics is announced, `aborted` fires, or after `ms`; whichever is first. */
  wait(topics: readonly string[], ms: number, aborted?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export async function createWakener(database: Database): Promise<Wakener> {
  const waiting = new Set<{ readonly topics: readonly string[]; readonly done: () => void }>();
  const stop = await database.listen(CHANNEL, (topic) => {
    for (const waiter of [...waiting]) if (waiter.topics.includes(topic)) waiter.done();
  });
  return {
    wait: (topics, ms, aborted) =>
      new Promise((resolve) => {
        const timer = setTimeout(finish, ms);
        const waiter = { topics, done: finish };
        function finish(): void {
          clearTimeout(timer);
          waiting.delete(waiter);
          aborted?.removeEventListener('abort', finish);
          resolve();
        }
        if (aborted?.aborted) finish();
        else {
          waiting.add(waiter);
          aborted?.addEventListener('abort', finish);
        }
      }),
    async close() {
      await stop();
      for (const waiter of [...waiting]) waiter.done();
    },
  };
}

export interface DownlinkQuery {
  readonly station: string;
  /** Version of the bundle that the station holds; 0 for none. */
  readonly bundle: number;
  /** Cursor of the last statement it holds; 0 for none. */
  readonly after: number;
  readonly waitMs: number;
}

/** Answers as soon as there is anything newer than the station holds, else with nothing once the wait is over. */
export async function answerDownlink(database: Database, bundles: BundleStore, wakener: Wakener, query: DownlinkQuery, aborted: AbortSignal): Promise<z.infer<typeof downlinkResponse>> {
  const until = performance.now() + query.waitMs;
  for (;;) {
    // The wait begins before the look, so that what is announced in between is not slept through.
    const looked = new AbortController();
    const stop = AbortSignal.any([aborted, looked.signal]);
    const left = until - performance.now();
    const announced = wakener.wait([query.station, EVERY_STATION], Math.max(0, Math.min(left, LOOK_AGAIN_MS)), stop);
    const [current, statements] = await Promise.all([bundles.current(), statementsAfter(database, query.station, query.after)]);
    const bundle = current && current.version > query.bundle ? { bundle: current.jws } : {};
    if (left <= 0 || aborted.aborted || 'bundle' in bundle || statements.length > 0) {
      looked.abort();
      return { ...bundle, statements };
    }
    await announced;
  }
}
