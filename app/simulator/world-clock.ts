import { readFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import WebSocket from 'ws';
import { z } from 'zod';

/** How the simulated world's clocks differ from the machine's, milliseconds. */
export const clockState = z.strictObject({
  /** Added to the wall clock. */
  wallOffsetMs: z.int(),
  /** Added to both clocks: time the world has jumped over, as in a suspended machine. */
  advancedMs: z.int().min(0),
});
export type ClockState = z.infer<typeof clockState>;

export interface WorldClock {
  /** Unix milliseconds. */
  wallMs(): number;
  /** Whole milliseconds since the machine started, time jumped over included; never goes back. */
  monoMs(): number;
  /** Changes with each start of the machine. */
  readonly bootId: string;
  close(): void;
}

const RETRY_MS = 500;

/**
 * The simulated world's clock, followed at the simulator's address. Rejects when the simulator cannot be reached at
 * first; afterwards the last known offset holds until it is back.
 */
export async function worldClock(url: string): Promise<WorldClock> {
  const answer = await fetch(new URL('/clock', url));
  if (!answer.ok) throw new Error(`the simulator at ${url} told no time: HTTP ${answer.status}`);
  let state = clockState.parse(await answer.json());
  let highest = 0;
  let closed = false;
  let socket: WebSocket;
  let timer: NodeJS.Timeout | undefined;

  function follow(): void {
    socket = new WebSocket(new URL('/clock', url.replace(/^http/, 'ws')));
    socket.on('message', (data) => {
      const told = clockState.safeParse(JSON.parse(String(data)));
      if (told.success) state = told.data;
    });
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      if (!closed) timer = setTimeout(follow, RETRY_MS).unref();
    });
  }
  follow();

  return {
    wallMs: () => worldWallMs(state),
    monoMs() {
      highest = Math.max(highest, machineMonoMs() + state.advancedMs);
      return highest;
    },
    bootId: readBootId(),
    close() {
      closed = true;
      clearTimeout(timer);
      socket.terminate();
    },
  };
}

export const worldWallMs = (state: ClockState): number => Date.now() + state.wallOffsetMs + state.advancedMs;

/** On Linux since the machine's start, so that two processes of one start can be compared. */
const machineMonoMs = (): number => Number(process.hrtime.bigint() / 1_000_000n);

function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return randomUUID();
  }
}
