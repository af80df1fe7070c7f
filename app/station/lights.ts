import type { HostCommand } from '../contract/device-host.ts';
import type { StationContext } from './state.ts';

export type Light = Extract<HostCommand, { command: 'light' }>['light'];

/** Keeps the slots' lights equal to what the ledger says; only differences are sent. A cart without lights refuses them, which changes nothing. */
export function createLights(context: StationContext, send: (slot: number, light: Light) => void): { show(): void; forget(): void } {
  const lit = new Map<number, Light>();
  return {
    show: () => {
      const wanted = new Map<number, Light>();
      for (const { custody } of context.deps.store.view.all('device')) {
        if (custody.kind === 'unidentified' || (custody.kind === 'person' && custody.owed)) wanted.set(custody.slot, 'put-back');
      }
      for (const { slot } of context.deps.store.view.all('offer')) wanted.set(slot, 'take');
      for (const slot of context.deps.place.shelves.flat()) {
        const light = wanted.get(slot) ?? 'off';
        if ((lit.get(slot) ?? 'off') === light) continue;
        lit.set(slot, light);
        send(slot, light);
      }
    },
    /** A host that has just started shows no light. */
    forget: () => lit.clear(),
  };
}
