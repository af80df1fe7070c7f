import type { Database, Queryable } from './database.ts';

/** Of LISTEN and NOTIFY; the payload is a topic. */
export const WAKE_CHANNEL = 'dockward';

/** Tells every process on this database that there is something new for `topic`, once the transaction of `client` commits. */
export async function wake(client: Queryable, topic: string): Promise<void> {
  await client.query('select pg_notify($1, $2)', [WAKE_CHANNEL, topic]);
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
  const stop = await database.listen(WAKE_CHANNEL, (topic) => {
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
