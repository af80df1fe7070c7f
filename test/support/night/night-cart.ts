import { createPrivateKey, type KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NetworkEvent } from '../../../app/contract/network-event.ts';
import type { PolicyBundle } from '../../../app/contract/policy-bundle.ts';
import type { EntryDraft, RecordedEntry } from '../../../app/domain/entries.ts';
import { projectEntry } from '../../../app/domain/projection.ts';
import { createBadgeHmacs } from '../../../app/station/badge.ts';
import { createStation, type Station } from '../../../app/station/station.ts';
import { openStore } from '../../../app/storage/open.ts';
import type { Store } from '../../../app/storage/store.ts';
import type { CartHost } from '../cart-host.ts';
import type { TurnableClock } from '../turnable-clock.ts';
import { HERE, SECRETS } from '../ward-policy.ts';
import { cutStore, type CutSide, type Mains } from './cut-store.ts';

/** A cart's PC: the real station on a real SQLite ledger in a folder of its own. Power, hardware and time are the test's. */
export interface NightCart {
  readonly clock: TurnableClock;
  readonly host: CartHost;
  station(): Station;
  store(): Store;
  isOn(): boolean;
  /** `sameBoot`: the machine has gone on, only the program was gone. */
  boot(sameBoot?: boolean): Promise<void>;
  /** A new device host, which shows the whole cart; the one before is gone with the power. */
  startHost(): Promise<void>;
  /** From now on, or at one of the next writes, nothing of this boot happens any more. */
  cut(at?: { readonly writes: number; readonly side: CutSide }): void;
  wasCut(): boolean;
  /** Lets go of what the boot without power held. */
  afterCut(): Promise<void>;
  /** Writes to the ledger that this boot has begun. */
  writes(): number;
  tell(event: NetworkEvent): Promise<void>;
  /** Whatever was sent has arrived and been dealt with, or the power is gone. */
  settle(): Promise<void>;
  entries(from?: number): Promise<readonly RecordedEntry[]>;
  close(): Promise<void>;
}

export interface CartIdentity {
  readonly tenant: string;
  readonly station: string;
  readonly ledgerKey: KeyObject;
}

export interface NightCartOptions {
  readonly clock: TurnableClock;
  readonly host: CartHost;
  readonly shelves: readonly (readonly number[])[];
  /** What is about to be recorded, at the moment when it was decided. */
  readonly identity?: CartIdentity;
  readonly told: (draft: EntryDraft, writes: number) => void;
}

const SIGNING_KEY = createPrivateKey({ key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 7)]), format: 'der', type: 'pkcs8' });
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export async function nightCart({ clock, host, shelves, told, identity = { ...HERE, ledgerKey: SIGNING_KEY } }: NightCartOptions): Promise<NightCart> {
  // In memory where there is such a place: here the test's own hand loses writes, and a disk would only cost its time.
  const folder = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'night-cart-'));
  const kept = new Map<string, PolicyBundle>();
  let keptJws: string | undefined;
  let ids = 0;
  let life = 0;
  let failure: unknown;
  let running: { readonly station: Station; readonly store: Store; readonly mains: Mains } | undefined;

  const now = (): NonNullable<typeof running> => {
    if (!running) throw new Error('the cart has no power');
    return running;
  };
  const id = (): string => (ids += 1).toString(16).padStart(32, '0');
  const settle = async (): Promise<void> => {
    const { station, mains } = now();
    const quiet = async (): Promise<void> => {
      for (let round = 0; round < 2; round += 1) {
        await turn();
        await station.settled();
      }
      await turn();
    };
    await Promise.race([quiet(), mains.gone]);
    if (failure !== undefined) throw failure;
  };

  return {
    clock,
    host,
    station: () => now().station,
    store: () => now().store,
    isOn: () => running !== undefined,
    boot: async (sameBoot = false) => {
      if (!sameBoot) clock.boot(0);
      const opened = await openStore({ path: join(folder, 'ledger.db'), station: identity.station, epoch: 1, origin: `${identity.tenant}/station/${identity.station}/e1`, signingKey: identity.ledgerKey, project: projectEntry, clock });
      if (!opened.ok) throw new Error(`the ledger was not opened: ${opened.reason}`);
      const { store, mains } = cutStore(opened.value, told);
      const own = (life += 1);
      const station = await createStation(
        {
          place: { tenant: identity.tenant, station: identity.station, ward: '7e', cart: 'Cart 7', shelves, timeZone: 'UTC', language: 'en' },
          store,
          clock,
          program: 'test',
          randomId: id,
          badgeHmacs: createBadgeHmacs(() => SECRETS),
          pins: { knows: () => true, check: () => Promise.resolve(true), renew: () => Promise.resolve(undefined) },
          rekeyed: () => undefined,
          keepBundle: (jws, bundle) => {
            kept.set(jws, bundle);
            keptJws = jws;
            return Promise.resolve();
          },
          log: () => undefined,
          onFailure: (error) => {
            if (own === life && !mains.isCut()) failure = error;
          },
        },
        keptJws === undefined ? undefined : kept.get(keptJws),
      );
      running = { station, store: opened.value, mains };
    },
    startHost: () => {
      host.start(now().station.attachHost);
      return settle();
    },
    cut: (at) => {
      const { mains } = now();
      if (at) mains.arm(at.writes, at.side);
      else mains.cut();
    },
    wasCut: () => now().mains.isCut(),
    afterCut: async () => {
      const { store } = now();
      life += 1;
      running = undefined;
      clock.forget();
      host.die();
      await turn();
      await store.close();
    },
    writes: () => now().mains.writes(),
    tell: (event) => {
      now().station.submit(event);
      return settle();
    },
    settle,
    entries: (from = 0) => now().store.recorded(from, now().store.size() - from),
    close: async () => {
      life += 1;
      clock.forget();
      host.die();
      await turn();
      await running?.store.close();
      await rm(folder, { recursive: true });
    },
  };
}
