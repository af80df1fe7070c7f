import type { HostCommand } from '../contract/device-host.ts';
import type { EntryDraft } from '../domain/entries.ts';
import type { HostOutcome } from './ask-host.ts';
import type { Record } from './record.ts';
import type { StationContext } from './state.ts';

export type RequestDraft = Extract<EntryDraft, { type: 'sanitization-requested' }>;

/** How long the port is without power: enough for a tablet's charger to notice, short for a person who watches. */
const OFF_MS = 3_000;

/**
 * Takes the power of a slot's port and gives it again (R4.2), before a sanitization that failed is tried once more. The request is
 * recorded by then, so the tablet's absence counts as its restart, and tells after a crash that a port may be without power still.
 */
export interface CyclePort {
  /** On a hub that cannot do it nothing happens but the entry that says so. */
  cycle(request: RequestDraft): void;
  /** A new host: ports that were being cycled when the last one, or this program, ended are given their power. */
  resume(): void;
}

export function createCyclePort({ deps, state }: StationContext, ask: (command: HostCommand) => Promise<HostOutcome>, post: (task: () => Promise<void>) => void, record: Record): CyclePort {
  const { clock, store } = deps;
  /** Requests whose port is being cycled by this life of the program. */
  const cycling = new Set<string>();

  const finish = (request: string, device: string, slot: number): void =>
    void ask({ command: 'port-power', slot, on: true }).then((on) => {
      cycling.delete(request);
      // A host that has just gone gives no answer; the next one is asked again.
      if (!on.ok && on.reason === 'adapter-failing' && state.sight !== 'watching') return;
      tell(request, device, slot, on.ok);
    });
  const tell = (request: string, device: string, slot: number, cycled: boolean): void =>
    post(async () => void (await record([{ type: 'port-cycled', device, slot, body: { request, outcome: cycled ? 'cycled' : 'refused' } }])));

  return {
    cycle: ({ slot, device, body: { request } }) => {
      if (slot === undefined || device === undefined || cycling.has(request)) return;
      cycling.add(request);
      void ask({ command: 'port-power', slot, on: false }).then((off) => {
        if (off.ok) return void clock.after(OFF_MS, () => finish(request, device, slot));
        cycling.delete(request);
        tell(request, device, slot, false);
      });
    },
    resume: () => {
      for (const { serial, request, custody } of store.view.all('device')) {
        if (!request || request.attempt === 1 || request.cycled || cycling.has(request.request) || !('slot' in custody)) continue;
        cycling.add(request.request);
        finish(request.request, serial, custody.slot);
      }
    },
  };
}
