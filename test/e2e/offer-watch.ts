import type { Snapshot } from '../../app/contract/kiosk.ts';
import type { WorldView } from '../../app/simulator/world-view.ts';
import { eventually, type SimulatorClient } from '../support/running-dockward.ts';

export type Truth = Pick<WorldView['tablets'][number], 'serial' | 'clean' | 'uncleanBecause'>;
export interface SeenOffer extends Truth {
  readonly session: string;
  readonly name: string;
  readonly slot: number;
}

export interface OfferWatch {
  onSnapshot(snapshot: Snapshot): void;
  /** Resolves when the truth behind this offer has been asked for. Whoever pulls tablets waits for it, or the truth would be the pull's. */
  checked(session: string): Promise<SeenOffer>;
  /** Resolves when nothing is being asked. */
  settled(): Promise<void>;
  /** The truth about a tablet that is about to be pulled: it stands for an offer of it that is seen too late to ask. */
  pulling(slot: number, truth: Truth): void;
  all(): readonly SeenOffer[];
}

interface WatchOptions {
  /** Questions that fail once it is over are the kill's doing. */
  readonly over?: () => boolean;
  /** The truth about tablets at the moment of their pull, by slot; kept over several lives where a kill may come between the pull and its entry. */
  readonly pulled?: Map<number, Truth>;
}

/** Asks the simulator, for every offer that the kiosk shows, whether the tablet behind it is truly clean. */
export function watchOffers(simulator: Pick<SimulatorClient, 'world'>, { over = () => false, pulled = new Map() }: WatchOptions = {}): OfferWatch {
  const seen = new Map<string, SeenOffer>();
  const asking = new Map<string, Promise<void>>();
  const failures: unknown[] = [];
  const ask = async (session: string, name: string, slot: number): Promise<void> => {
    const { serial, clean, uncleanBecause } = tabletIn(await simulator.world(), slot) ?? pulled.get(slot) ?? { serial: 'nothing', clean: false, uncleanBecause: [] };
    seen.set(session, { session, name, slot, serial, clean, uncleanBecause });
  };
  return {
    onSnapshot: ({ message }) => {
      if (message.kind !== 'take' || asking.has(message.session)) return;
      const { session, name, slot } = message;
      asking.set(
        session,
        ask(session, name, slot).catch((error: unknown) => {
          if (!over()) failures.push(error);
        }),
      );
    },
    checked: (session) =>
      eventually(`the truth behind offer ${session}`, () => {
        if (failures.length > 0) throw failures[0];
        return seen.get(session);
      }),
    settled: async () => void (await Promise.all(asking.values())),
    pulling: (slot, truth) => void pulled.set(slot, truth),
    all: () => [...seen.values()],
  };
}

export const tabletIn = (world: WorldView, slot: number): WorldView['tablets'][number] | undefined => world.tablets.find((tablet) => tablet.slot === slot);
