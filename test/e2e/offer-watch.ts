import type { Snapshot } from '../../app/contract/kiosk.ts';
import type { WorldView } from '../../app/simulator/world-view.ts';
import { eventually, type SimulatorClient } from '../support/running-dockward.ts';

export interface SeenOffer {
  readonly session: string;
  readonly name: string;
  readonly slot: number;
  /** The tablet's own truth when the offer was on the screen. */
  readonly serial: string;
  readonly clean: boolean;
  readonly uncleanBecause: readonly string[];
}

export interface OfferWatch {
  onSnapshot(snapshot: Snapshot): void;
  /** Resolves when the truth behind this offer has been asked for. Whoever pulls tablets waits for it, or the truth would be the pull's. */
  checked(session: string): Promise<SeenOffer>;
  all(): readonly SeenOffer[];
}

/** Asks the simulator, for every offer that the kiosk shows, whether the tablet behind it is truly clean. */
export function watchOffers(simulator: Pick<SimulatorClient, 'world'>): OfferWatch {
  const seen = new Map<string, SeenOffer>();
  const asked = new Set<string>();
  const failures: unknown[] = [];
  const ask = async (session: string, name: string, slot: number): Promise<void> => {
    const tablet = tabletIn(await simulator.world(), slot);
    seen.set(session, { session, name, slot, serial: tablet?.serial ?? 'none', clean: tablet?.clean ?? false, uncleanBecause: tablet?.uncleanBecause ?? ['the slot is empty'] });
  };
  return {
    onSnapshot: ({ message }) => {
      if (message.kind !== 'take' || asked.has(message.session)) return;
      asked.add(message.session);
      ask(message.session, message.name, message.slot).catch((error: unknown) => failures.push(error));
    },
    checked: (session) =>
      eventually(`the truth behind offer ${session}`, () => {
        if (failures.length > 0) throw failures[0];
        return seen.get(session);
      }),
    all: () => [...seen.values()],
  };
}

export const tabletIn = (world: WorldView, slot: number): WorldView['tablets'][number] | undefined => world.tablets.find((tablet) => tablet.slot === slot);
