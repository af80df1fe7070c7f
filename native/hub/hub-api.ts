import { createConnection } from 'node:net';
import { z } from 'zod';
import type { HostClock } from '../clock.ts';
import { jsonMessages } from './json-messages.ts';

/** A call that has no answer by then takes the connection with it. */
const CALL_DEADLINE_MS = 1_500;
const CALLS_AT_ONCE = 32;
/** What the ports of a dock of 32 tell of themselves stays far below. */
const MESSAGE_LIMIT_BYTES = 1_000_000;

const refusal = z.looseObject({ id: z.int(), error: z.looseObject({ code: z.int() }) });
const answer = z.looseObject({ id: z.int(), result: z.unknown() });
const notification = z.looseObject({ method: z.string().max(64) });

/** `refused`: the API's own error code. `lost`: no answer, and there will be none. `busy`: too many calls are waiting. */
export type ApiOutcome = { readonly ok: true; readonly result: unknown } | { readonly ok: false; readonly error: 'refused'; readonly code: number } | { readonly ok: false; readonly error: 'lost' | 'busy' };

/** One connection to the Cambrionix Hub API. Once lost it stays lost. */
export interface HubApi {
  call(method: string, params: readonly unknown[]): Promise<ApiOutcome>;
  close(): void;
}

export interface HubApiDeps {
  readonly host: string;
  readonly port: number;
  readonly clock: HostClock;
  readonly onConnected: () => void;
  readonly onNotification: (method: string) => void;
  /** Once, with the reason for a person; not after `close`. */
  readonly onLost: (detail: string) => void;
}

/**
 * JSON-RPC 2.0 over one TCP connection. Everything that is said is checked: an answer to a call that nobody made is ignored,
 * anything that is no JSON-RPC, or too long, loses the connection.
 */
export function connectHubApi({ host, port, clock, onConnected, onNotification, onLost }: HubApiDeps): HubApi {
  const waiting = new Map<number, (outcome: ApiOutcome) => void>();
  const socket = createConnection({ host, port });
  const read = jsonMessages(MESSAGE_LIMIT_BYTES);
  let lastId = 0;
  let over = false;
  const cancelConnecting = clock.after(CALL_DEADLINE_MS, () => lose('it does not accept connections'));

  function end(): void {
    over = true;
    cancelConnecting();
    socket.destroy();
    for (const answerWaiting of waiting.values()) answerWaiting({ ok: false, error: 'lost' });
    waiting.clear();
  }

  function lose(detail: string): void {
    if (over) return;
    end();
    onLost(detail);
  }

  /** An answer to no call of ours is nobody's. */
  function settle(id: number, outcome: ApiOutcome): void {
    waiting.get(id)?.(outcome);
    waiting.delete(id);
  }

  function take(message: unknown): void {
    const refused = refusal.safeParse(message);
    if (refused.success) return settle(refused.data.id, { ok: false, error: 'refused', code: refused.data.error.code });
    const answered = answer.safeParse(message);
    if (answered.success) return settle(answered.data.id, { ok: true, result: answered.data.result });
    const told = notification.safeParse(message);
    if (told.success) onNotification(told.data.method);
    else lose('it says what is no JSON-RPC');
  }

  socket.on('connect', () => {
    cancelConnecting();
    onConnected();
  });
  socket.on('data', (chunk) => {
    const cut = read(chunk);
    if (!cut.ok) return lose(`it sent ${cut.detail}`);
    for (const message of cut.messages) if (!over) take(message);
  });
  socket.on('error', (error) => lose(error.message));
  socket.on('close', () => lose('it closed the connection'));

  return {
    call(method, params) {
      if (over) return Promise.resolve({ ok: false, error: 'lost' });
      if (waiting.size >= CALLS_AT_ONCE) return Promise.resolve({ ok: false, error: 'busy' });
      lastId += 1;
      const id = lastId;
      return new Promise((resolve) => {
        const cancel = clock.after(CALL_DEADLINE_MS, () => lose(`it did not answer ${method} in ${CALL_DEADLINE_MS} ms`));
        waiting.set(id, (outcome) => {
          cancel();
          resolve(outcome);
        });
        socket.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
      });
    },
    close() {
      if (!over) end();
    },
  };
}
