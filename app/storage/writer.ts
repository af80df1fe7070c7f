import { ok, refused, type Result } from '../domain/result.ts';
import type { Head } from './head.ts';
import { SqliteError, type Statement } from './sqlite.ts';
import type { Stage, StageDraft } from './staging.ts';
import type { AppendFailure } from './store.ts';

/** At most this many entries in one transaction: 256 keep it near a millisecond, beyond that throughput gains nothing. */
export const MAX_GROUP_ENTRIES = 256;

/** The one writer: calls wait in order, and whatever waits when a transaction ends goes into the next one together. */
export interface Writer {
  /** Runs `work` inside the next transaction and settles when that is durable. `entries` is how many entries it adds. */
  submit<T>(entries: number, work: (draft: StageDraft) => T): Promise<Result<T, AppendFailure>>;
  /** Resolves when nothing waits; later calls reject. */
  close(): Promise<void>;
}

export interface WriterOptions {
  readonly insertBatch: Statement;
  readonly openStage: () => Stage;
  /** Called when a stage has become durable, before its calls are answered. */
  readonly committed: (stage: Stage, head: Head) => void;
  readonly onFatal: (error: Error) => void;
}

interface Call {
  readonly entries: number;
  /** Puts the call into the stage; what comes back answers it once the stage is durable or has failed. */
  readonly join: (stage: Stage) => (outcome: Result<void, AppendFailure>) => void;
  readonly reject: (error: unknown) => void;
}

export function createWriter(options: WriterOptions): Writer {
  const waiting: Call[] = [];
  const idle: (() => void)[] = [];
  let running = false;
  let closed = false;
  let broken = false;

  const run = async (): Promise<void> => {
    for (let calls = takeGroup(waiting); calls.length > 0; calls = takeGroup(waiting)) {
      const stage = options.openStage();
      const answers: ((outcome: Result<void, AppendFailure>) => void)[] = [];
      for (const call of calls) {
        try {
          answers.push(call.join(stage));
        } catch (error) {
          call.reject(error);
        }
      }
      const outcome = broken ? refused<AppendFailure>('io') : await commit(stage);
      if (outcome.ok) options.committed(stage, stage.head());
      for (const answer of answers) answer(outcome);
    }
    running = false;
    for (const resolve of idle.splice(0)) resolve();
  };

  const commit = async (stage: Stage): Promise<Result<void, AppendFailure>> => {
    try {
      stage.seal();
      if (stage.changed()) await options.insertBatch.run(stage.values());
      return ok(undefined);
    } catch (error) {
      if (error instanceof SqliteError && error.fault === 'full') return refused('no-space');
      // After a failed write or fsync nobody knows what the disk holds; only opening the database again tells.
      broken = true;
      options.onFatal(error instanceof Error ? error : new Error(String(error)));
      return refused('io');
    }
  };

  return {
    submit<T>(entries: number, work: (draft: StageDraft) => T) {
      if (closed) return Promise.reject(new Error('the store is closed'));
      return new Promise<Result<T, AppendFailure>>((resolve, reject) => {
        const join = (stage: Stage) => {
          const value = stage.attempt(work);
          return (outcome: Result<void, AppendFailure>) => resolve(outcome.ok ? ok(value) : outcome);
        };
        waiting.push({ entries, join, reject });
        if (running) return;
        running = true;
        // Calls of the same turn share the first transaction too.
        queueMicrotask(() => void run());
      });
    },
    close() {
      closed = true;
      return running ? new Promise((resolve) => idle.push(resolve)) : Promise.resolve();
    },
  };
}

/** The calls of the next transaction: as many as fit, and at least one. */
function takeGroup(waiting: Call[]): readonly Call[] {
  let entries = 0;
  let count = 0;
  for (const call of waiting) {
    if (count > 0 && entries + call.entries > MAX_GROUP_ENTRIES) break;
    entries += call.entries;
    count += 1;
  }
  return waiting.splice(0, count);
}
