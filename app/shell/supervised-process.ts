import type { UtilityProcess } from 'electron';
import { createBackOff } from './back-off.ts';
import type { Clock } from './clock.ts';
import type { Log } from './log.ts';

const RESTART = { firstMs: 250, longestMs: 30_000, steadyAfterMs: 60_000 };
/** How long a process may take to end when asked, in ms; then it dies with the shell, which its ledger survives. */
const STOPPING_LIMIT_MS = 5_000;

export interface SupervisedProcess {
  /** The process while it runs. */
  running(): UtilityProcess | undefined;
  stop(): Promise<void>;
}

interface SupervisedProcessDeps {
  readonly name: string;
  readonly fork: () => UtilityProcess;
  readonly clock: Clock;
  readonly log: Log;
  readonly onStart: (child: UtilityProcess) => void;
  readonly onGone: () => void;
}

/** Runs a utility process for as long as the shell lives: an end that nobody asked for, exit or crash, is followed by a start. */
export function superviseProcess({ name, fork, clock, log, onStart, onGone }: SupervisedProcessDeps): SupervisedProcess {
  const backOff = createBackOff(RESTART, clock);
  let child: UtilityProcess | undefined;
  let stopping = false;
  let cancelRestart = (): void => undefined;
  let onStopped = (): void => undefined;

  const start = (): void => {
    const starting = fork();
    child = starting;
    starting.once('spawn', () => {
      backOff.started();
      log('info', 'process-started', { name, pid: starting.pid });
      onStart(starting);
    });
    starting.once('exit', (code) => {
      child = undefined;
      onGone();
      if (stopping) return onStopped();
      const delayMs = backOff.delayMs();
      log(code === 0 ? 'warn' : 'error', code === 0 ? 'process-exited' : 'process-crashed', { name, code, restartInMs: delayMs });
      cancelRestart = clock.after(delayMs, start);
    });
  };

  start();
  return {
    running: () => child,
    stop: () => {
      stopping = true;
      cancelRestart();
      const ending = child;
      if (ending === undefined) return Promise.resolve();
      return new Promise((resolve) => {
        const cancelLimit = clock.after(STOPPING_LIMIT_MS, () => {
          log('error', 'process-would-not-stop', { name });
          resolve();
        });
        onStopped = () => {
          cancelLimit();
          resolve();
        };
        ending.kill();
      });
    },
  };
}
