import type { HOST_REFUSALS, HostCommand, hostReply } from '../contract/device-host.ts';
import type { Transport } from '../contract/transport.ts';
import type { z } from 'zod';
import type { Clock } from './clock.ts';

export type HostOutcome = { readonly ok: true } | { readonly ok: false; readonly reason: (typeof HOST_REFUSALS)[number] };

/** Longer than the host gives its adapters, so that its own answer comes first. */
const ANSWER_MS = 5_000;

/** Commands to the device host and its answers. A host that is gone or says nothing answers `adapter-failing`: nobody waits for it. */
export interface AskHost {
  ask(command: HostCommand): Promise<HostOutcome>;
  answered(reply: z.infer<typeof hostReply>): void;
  /** Another host, or none; what the one before still owed is answered in its place. */
  attach(transport: Transport | undefined): void;
}

export function createAskHost(clock: Clock): AskHost {
  const waiting = new Map<number, (outcome: HostOutcome) => void>();
  let host: Transport | undefined;
  let lastId = 0;
  return {
    ask: (command) => {
      if (!host) return Promise.resolve({ ok: false, reason: 'adapter-failing' });
      lastId += 1;
      const id = lastId;
      const answer = new Promise<HostOutcome>((resolve) => {
        const cancel = clock.after(ANSWER_MS, () => waiting.get(id)?.({ ok: false, reason: 'adapter-failing' }));
        waiting.set(id, (outcome) => {
          cancel();
          waiting.delete(id);
          resolve(outcome);
        });
      });
      host.send({ id, request: command });
      return answer;
    },
    answered: ({ id, ...outcome }) => waiting.get(id)?.(outcome),
    attach: (transport) => {
      host = transport;
      for (const settle of waiting.values()) settle({ ok: false, reason: 'adapter-failing' });
    },
  };
}
