import { fork, type ChildProcess } from 'node:child_process';
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

/**
 * Keeps a device host running as a child: its native modules may hang or crash, and a second later there is a new one.
 * Every new host is handed to `attach`; `told` hears of every end.
 */
export function superviseDeviceHost(options: {
  readonly program: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly attach: (transport: Transport) => void;
  readonly told: (what: string, detail: Readonly<Record<string, unknown>>) => void;
}): { stop(): Promise<void> } {
  let child: ChildProcess | undefined;
  let stopped = false;
  let failures = 0;
  let restart: NodeJS.Timeout | undefined;

  const start = (): void => {
    const startedAt = performance.now();
    const running = fork(options.program, { env: { ...process.env, UV_THREADPOOL_SIZE: HOST_THREADS, ...options.environment }, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    child = running;
    let lastWord = performance.now();
    running.on('message', () => {
      lastWord = performance.now();
    });
    const watch = setInterval(() => {
      if (performance.now() - lastWord < SILENCE_MS) return;
      options.told('the device host has not said a word; it is ended', { silentMs: Math.round(performance.now() - lastWord), pid: running.pid });
      running.kill('SIGKILL');
    }, 1_000);
    options.attach(childProcessTransport(running));
    running.on('error', (error) => options.told('the device host could not be started', { message: error.message }));
    running.once('exit', (code, signal) => {
      clearInterval(watch);
      if (stopped) return;
      failures = performance.now() - startedAt > STEADY_MS ? 0 : failures + 1;
      const delayMs = Math.min(LONGEST_RESTART_MS, FIRST_RESTART_MS * 2 ** Math.min(failures, 8));
      options.told('the device host has ended; it is started again', { code, signal, delayMs });
      restart = setTimeout(start, delayMs);
    });
  };
  start();
  return {
    stop: () =>
      new Promise((resolve) => {
        stopped = true;
        clearTimeout(restart);
        if (!child || child.exitCode !== null || child.signalCode !== null) return resolve();
        child.once('exit', () => resolve());
        child.kill('SIGTERM');
        setTimeout(() => child?.kill('SIGKILL'), 2_000).unref();
      }),
  };
}
