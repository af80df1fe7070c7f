import type { Snapshot } from '../../app/contract/kiosk.ts';
import type { RecordedEntry } from '../../app/domain/entries.ts';
import type { WorldView } from '../../app/simulator/world-view.ts';
import { eventually, type SimulatorClient } from '../support/running-dockward.ts';
import { entriesOf } from './ledger-copy.ts';

export type Truth = Pick<WorldView['tablets'][number], 'serial' | 'clean' | 'uncleanBecause'>;
export interface SeenOffer extends Truth {
  readonly session: string;
  readonly name: string;
  readonly slot: number;
  /** The truth about each tablet at its last pull: where the station lags, the one that was offered may have left, and another stand in its slot. */
  readonly pulled: readonly Truth[];
}

export interface OfferWatch {
  onSnapshot(snapshot: Snapshot): void;
  /** Resolves when the truth behind this offer has been asked for, or rejects when a kill took it along. Whoever pulls tablets waits for it, or the truth would be the pull's. */
  checked(session: string): Promise<SeenOffer>;
  /** Resolves when nothing is being asked. */
  settled(): Promise<void>;
  /** The truth about a tablet that is about to be pulled: it stands for an offer of it that is seen too late to ask. */
  pulling(truth: Truth): void;
  all(): readonly SeenOffer[];
}

interface WatchOptions {
  /** Questions that fail once it is over are the kill's doing. */
  readonly over?: () => boolean;
  /** The truth about tablets at the moment of their pull, by serial; kept over several lives where a kill may come between the pull and its entry. */
  readonly pulled?: Map<string, Truth>;
}

/** Asks the simulator, for every offer that the kiosk shows, whether the tablet behind it is truly clean. */
export function watchOffers(simulator: Pick<SimulatorClient, 'world'>, { over = () => false, pulled = new Map() }: WatchOptions = {}): OfferWatch {
  const seen = new Map<string, SeenOffer>();
  const asking = new Map<string, Promise<void>>();
  const failures: unknown[] = [];
  const ask = async (session: string, name: string, slot: number): Promise<void> => {
    const { serial, clean, uncleanBecause } = tabletIn(await simulator.world(), slot) ?? { serial: 'nothing', clean: false, uncleanBecause: [] };
    seen.set(session, { session, name, slot, serial, clean, uncleanBecause, pulled: [...pulled.values()] });
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
        const offer = seen.get(session);
        if (offer === undefined && over()) throw new Error('killed before the truth was told');
        return offer;
      }),
    settled: async () => void (await Promise.all(asking.values())),
    pulling: ({ serial, clean, uncleanBecause }) => void pulled.set(serial, { serial, clean, uncleanBecause }),
    all: () => [...seen.values()],
  };
}

/** Offers of a tablet that was not clean, by what is known of the very tablet that the ledger says was offered. */
export function offeredUnclean(offers: readonly SeenOffer[], entries: readonly RecordedEntry[]): readonly SeenOffer[] {
  return offers.filter((offer) => {
    const device = entriesOf(entries, 'offered', { offer: offer.session })[0]?.device;
    return [offer, ...offer.pulled].find(({ serial }) => serial === device)?.clean !== true;
  });
}

export const tabletIn = (world: WorldView, slot: number): WorldView['tablets'][number] | undefined => world.tablets.find((tablet) => tablet.slot === slot);
