import { REKEYED_MAX, rekeyedResponse, type Rekeyed } from '../contract/secrets.ts';
import type { CentralClient } from './central-client.ts';
import type { Uplink } from './uplink.ts';

/** Badges and PINs under the newest secrets, on their way to the server. In memory only: what is lost with the program, the next tap brings again. */
export interface RekeyedOutbox {
  add(moved: Rekeyed): void;
  /** Sends what waits, one batch, unless one is on its way; where that fails, not again for a while. */
  send(): Promise<void>;
}

export interface RekeyedDeps {
  readonly client: () => CentralClient;
  readonly monoMs: () => number;
  readonly random: () => number;
  readonly log: (line: { readonly level: 'info' | 'warn'; readonly what: string; readonly [detail: string]: unknown }) => void;
}

const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 300_000;

export function createRekeyedOutbox({ client, monoMs, random, log }: RekeyedDeps): RekeyedOutbox {
  let waiting: readonly Rekeyed[] = [];
  let failures = 0;
  let notBeforeMs = Number.NEGATIVE_INFINITY;
  let sending: Promise<void> | undefined;

  const sendBatch = async (): Promise<void> => {
    const batch = waiting.slice(0, REKEYED_MAX);
    const badges = batch.flatMap((moved) => (moved.kind === 'badge' ? [{ old: moved.old, new: moved.new }] : []));
    const pins = batch.flatMap((moved) => (moved.kind === 'pin' ? [{ actor: moved.actor, from: moved.from, new: moved.new }] : []));
    const answer = await client().post('/v1/rekeyed', { badges, pins }, rekeyedResponse);
    if (answer.ok || answer.reason.reason === 'malformed') {
      waiting = waiting.slice(batch.length);
      failures = 0;
      if (!answer.ok) log({ level: 'warn', what: 'the server does not understand how badges and PINs are named under the newest secrets; they stay as they are', message: answer.reason.message });
      else if (answer.value.refused > 0) log({ level: 'warn', what: 'the server did not take some badges or PINs under the newest secrets', refused: answer.value.refused });
      return;
    }
    failures += 1;
    notBeforeMs = monoMs() + (answer.reason.retryAfterMs ?? 0) + (0.5 + random() / 2) * Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures);
  };

  return {
    add: (moved) => {
      waiting = [...waiting, moved];
    },
    send: () => {
      if (waiting.length > 0 && monoMs() >= notBeforeMs) {
        sending ??= sendBatch().finally(() => {
          sending = undefined;
        });
      }
      return sending ?? Promise.resolve();
    },
  };
}

/** The uplink's turn is theirs too, once no entry waits. The ledger never waits for them, and their failure is not its own. */
export function sendingRekeyed(uplink: Uplink, outbox: RekeyedOutbox): Uplink {
  return {
    onGrowth: uplink.onGrowth,
    push: async () => {
      const pushed = await uplink.push();
      if (pushed.ok && pushed.value.kind === 'nothing') void outbox.send();
      return pushed;
    },
  };
}
