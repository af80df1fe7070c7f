import { fork } from 'node:child_process';
import type { Transport } from '../contract/transport.ts';
import { childProcessTransport } from './child-process.ts';

const FIRST_RESTART_MS = 100;
const LONGEST_RESTART_MS = 5_000;
/** A host beats every second; this long without a word and it hangs. */
const SILENCE_MS = 5_000;
/** Every mute card holds one of libuv's threads until it is pulled; the default of four would stop the host. */
const HOST_THREADS = '16';
/** A host that lived this long starts again without delay. */
const STEADY_MS = 10_000;

/** One life of a device host, however it was started. */
export interface HostRun {
  /** Closes when the host is gone. */
  readonly transport: Transport;
  /** Ends it at once, also when it hangs. */
  kill(): void;
}

/** Starts a host; `heard` is to be called at every word of it. */
export type LaunchHost = (heard: () => void) => HostRun;

/**
 * Keeps a device host running: its native modules may hang or crash, and a second later there is a new one. Every new
 * host is handed to `attach`; `told` hears of every end.
 */
export function superviseDeviceHost(options: {
  readonly launch: LaunchHost;
  readonly attach: (transport: Transport) => void;
  readonly told: (what: string, detail: Readonly<Record<string, unknown>>) => void;
}): { stop(): Promise<void> } {
  let current: HostRun | undefined;
  let stopped = false;
  let failures = 0;
  let restart: NodeJS.Timeout | undefined;

  const start = (): void => {
    const startedAt = performance.now();
    let lastWord = startedAt;
    let givenUp = false;
    const running = options.launch(() => {
      lastWord = performance.now();
    });
    current = running;
    const watch = setInterval(() => {
      if (performance.now() - lastWord < SILENCE_MS) return;
      if (!givenUp) options.told('the device host has not said a word; it is ended', { silentMs: Math.round(performance.now() - lastWord) });
      givenUp = true;
      running.kill();
    }, 1_000);
    options.attach(running.transport);
    running.transport.onClose((cause) => {
      clearInterval(watch);
      if (stopped) return;
      running.kill();
      failures = performance.now() - startedAt > STEADY_MS ? 0 : failures + 1;
      const delayMs = Math.min(LONGEST_RESTART_MS, FIRST_RESTART_MS * 2 ** Math.min(failures, 8));
      options.told('the device host has ended; it is started again', { cause, delayMs });
      restart = setTimeout(start, delayMs);
    });
  };
  start();
  return {
    stop: () =>
      new Promise((resolve) => {
        stopped = true;
        clearTimeout(restart);
        if (!current) return resolve();
        current.transport.onClose(() => {
          current?.kill();
          resolve();
        });
        current.transport.close();
      }),
  };
}

/** A host as a forked child: it ends by itself when the channel closes, and is killed where it cannot. */
export function forkedHost(program: string, environment: Readonly<Record<string, string>>): LaunchHost {
  return (heard) => {
    const child = fork(program, { env: { ...process.env, UV_THREADPOOL_SIZE: HOST_THREADS, ...environment }, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    child.on('message', heard);
    let last: NodeJS.Timeout | undefined;
    child.once('exit', () => clearTimeout(last));
    return {
      transport: childProcessTransport(child),
      kill: () => {
        if (child.exitCode !== null || child.signalCode !== null || last) return;
        child.kill('SIGTERM');
        // A frozen native call does not hear SIGTERM.
        last = setTimeout(() => child.kill('SIGKILL'), 1_000);
      },
    };
  };
}
