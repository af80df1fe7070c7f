import { spawn } from 'node:child_process';
import type { HostClock } from '../clock.ts';

const START_DEADLINE_MS = 10_000;
const KEPT_OUTPUT = 200;

/** How `adb start-server` ended. `refused`: with what adb said last, cut to 200 characters. */
export type StartOutcome = { readonly outcome: 'started' | 'no-program' | 'silent' } | { readonly outcome: 'refused'; readonly said: string };

/**
 * Starts the adb server of this machine; what it leaves running belongs to the user of this process and outlives it.
 * The function returned ends the starting, without an answer.
 */
export function startAdbServer(clock: HostClock, program: string, port: number, done: (outcome: StartOutcome) => void): () => void {
  const child = spawn(program, ['-P', String(port), 'start-server'], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  let over = false;

  function finish(outcome?: StartOutcome): void {
    if (over) return;
    over = true;
    cancel();
    // The server that it leaves may hold the other end open for ever.
    child.stderr.destroy();
    if (outcome !== undefined) done(outcome);
  }

  const cancel = clock.after(START_DEADLINE_MS, () => {
    child.kill('SIGKILL');
    finish({ outcome: 'silent' });
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-KEPT_OUTPUT);
  });
  child.on('error', () => finish({ outcome: 'no-program' }));
  child.on('exit', (code) => finish(code === 0 ? { outcome: 'started' } : { outcome: 'refused', said: said.trim().replace(/\s+/g, ' ') }));
  return () => {
    if (!over) child.kill('SIGKILL');
    finish();
  };
}
