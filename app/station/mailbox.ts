/**
 * One event at a time. A tap, an undock and a statement never interleave, so the rules always see the state that the
 * last event left. An unexpected failure ends the program: the supervisor starts it again from the ledger.
 */
export interface Mailbox {
  /** Runs the task after all that came before it. */
  post(task: () => Promise<void>): void;
  /** Resolves when everything posted so far has run. */
  settled(): Promise<void>;
}

export function createMailbox(onFailure: (error: unknown) => void): Mailbox {
  let tail: Promise<void> = Promise.resolve();
  let failed = false;
  return {
    post: (task) => {
      tail = tail.then(async () => {
        if (failed) return;
        try {
          await task();
        } catch (error) {
          failed = true;
          onFailure(error);
        }
      });
    },
    settled: () => tail,
  };
}
