import { pino } from 'pino';
import type { Transport } from '../../app/contract/transport.ts';
import type { EntryDraft } from '../../app/domain/entries.ts';
import { projectEntry } from '../../app/domain/projection.ts';
import { ok } from '../../app/domain/result.ts';
import { giveUpLedger, openLedger, StartRefused } from '../../app/entrypoints/station-start.ts';
import { hex } from '../../app/simulator/world/random.ts';
import { createBadgeHmacs } from '../../app/station/badge.ts';
import type { Clock } from '../../app/station/clock.ts';
import { createStation, type Station } from '../../app/station/station.ts';
import type { Store } from '../../app/storage/store.ts';
import type { CentralClient } from '../../app/sync/central-client.ts';
import { createDownlink } from '../../app/sync/downlink.ts';
import { startSync } from '../../app/sync/sync.ts';
import { rotateLedgerKey } from '../../app/sync/ledger-key.ts';
import { createUplink } from '../../app/sync/uplink.ts';
import { verifyBundle, verifyStatement } from '../../app/sync/verify-signed.ts';
import { cartHost, type CartHost } from '../support/cart-host.ts';
import { SECRETS } from '../support/ward-policy.ts';
import { TENANT, type Answer } from './central-processes.ts';
import { ledgerDisk, type MemoryDisk } from './memory-disk.ts';
import { memoryIdentity } from './memory-identity.ts';
import type { Network } from './network.ts';
import { createProcessLife, diskMs, type ProcessLife } from './process-life.ts';
import type { VirtualTime } from './virtual-time.ts';
import { SERVER_KEYS } from './world-keys.ts';

const silent = pino({ level: 'silent' });
const badgeHmacs = createBadgeHmacs(() => SECRETS);

/** What the judge is told of one cart as it happens. */
export interface CartWatch {
  /** An authorization is about to be recorded: judged now, when it was decided. */
  offering(cart: string, offer: Extract<EntryDraft, { type: 'offered' }>): void;
  /** An answer of the server has reached the station. */
  heard(cart: string, method: string, path: string, body: unknown, answer: Answer): void;
  /** The station keeps a mark of acknowledgement, and will keep it over a restart. */
  marked(cart: string, origin: string, size: number): void;
  /** The ledger is given up, or was begun anew at a start. */
  forked(cart: string, cause: string): void;
  diverged(what: string): void;
}

/** Where a mutant stands between the station's parts. */
export interface StationMutant {
  readonly store?: (store: Store) => Store;
  readonly client?: (client: CentralClient, store: Store) => CentralClient;
}

export interface CartSetting {
  readonly name: string;
  readonly station: string;
  readonly slots: number;
  readonly time: VirtualTime;
  readonly random: () => number;
  readonly network: Network;
  readonly disk: MemoryDisk;
  readonly newKey: () => number;
  readonly watch: CartWatch;
  readonly mutant: StationMutant;
  /** Chance that the program is killed in the middle of one write. */
  readonly deathAtWrite: () => number;
  readonly counts: { crashes: number };
}

/** A cart: a machine with a disk and clocks, the hardware in its slots, and the station's real program on it. */
export interface Cart {
  readonly name: string;
  readonly station: string;
  readonly slots: number;
  readonly disk: MemoryDisk;
  readonly host: CartHost;
  powered(): boolean;
  /** The origin of the ledger on its disk, or of the one that it is about to begin. */
  ledger(): string;
  /** The program as it runs now; undefined while it is down or not up yet. */
  running(): { readonly station: Station; readonly store: Store; readonly origin: string } | undefined;
  powerOn(): void;
  /** Everything on it stops at once; the monotonic clock begins anew at the next boot. */
  powerOff(): void;
  /** The program is killed; its supervisor starts it again, the machine goes on. */
  kill(): void;
  hostDies(): void;
  hostStarts(): void;
  turnClock(errorMs: number): void;
}

const HEARTBEAT_MS = 3_000;

export function createCart({ name, station: stationId, slots, time, random, network, disk, newKey, watch, mutant, deathAtWrite, counts }: CartSetting): Cart {
  const host = cartHost(slots);
  let life: ProcessLife | undefined;
  let now: { readonly station: Station; readonly store: Store; readonly origin: string } | undefined;
  let powered = false;
  let hostUp = false;
  let [bootedAtMs, boots, wallErrorMs] = [time.nowMs(), 0, 0];

  const run = async (own: ProcessLife): Promise<void> => {
    const clock: Clock = { wallMs: () => Math.floor(time.nowMs() + wallErrorMs), monoMs: () => Math.floor(time.nowMs() - bootedAtMs), bootId: `${name}-boot-${boots}`, after: (ms, call) => own.after(ms, `${name} ticks`, call) };
    const identity = memoryIdentity(disk, stationId, own, random, newKey);
    const { serverKeys } = identity.enrolledOrThrow().enrolment;
    const files = ledgerDisk(disk, own, random);
    const fail = (error: unknown): void => {
      if (!own.alive()) return;
      if (!isDiskTrouble(error)) watch.diverged(`the program of ${name} ended: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      restart(own);
    };
    const epochBefore = disk.identity.epoch.number;
    const ledger = await own.hears(openLedger({ data: name, identity, clock, project: projectEntry, log: silent, onFatal: fail }, files));
    if (disk.identity.epoch.number !== epochBefore) watch.forked(name, disk.identity.epoch.cause ?? 'unknown');
    const watched = watching(ledger.store, ledger.origin);
    const store = mutant.store?.(watched) ?? watched;
    const here = { tenant: TENANT, station: stationId };
    const { bundle: jws } = disk;
    const verified = jws === undefined ? undefined : await own.hears(time.pooled(() => verifyBundle(jws, serverKeys, here, 0, Number.NEGATIVE_INFINITY)));
    // A program that its disk has ended goes no further, though memory would.
    const station = await own.hears(createStation(
      {
        place: { ...here, ward: '7 East', cart: name, shelves: [Array.from({ length: slots }, (_, n) => n + 1)], timeZone: 'UTC', language: 'en' },
        store,
        clock,
        program: 'sim',
        randomId: () => hex(random, 32),
        badgeHmacs,
        pins: { knows: () => true, check: () => Promise.resolve(true), renew: () => Promise.resolve(undefined) },
        rekeyed: () => undefined,
        rotateLedgerKey: (meta) => rotateLedgerKey(identity, ledger.store, meta),
        keepBundle: (kept) =>
          own.durably(diskMs(random), 'the bundle is kept', () => {
            if (disk.full) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
            disk.bundle = kept;
          }),
        log: () => undefined,
        onFailure: fail,
      },
      verified && 'bundle' in verified ? verified.bundle : undefined,
    ));
    now = { station, store: ledger.store, origin: ledger.origin };
    if (hostUp) startHost();
    beat(own);
    const client = newClient(own, ledger.store);
    const sync = startSync({
      identity,
      client: () => client,
      renewClient: () => undefined,
      uplink: createUplink(store, () => client, ledger.origin, () => [SERVER_KEYS.witness.verifier], clock.monoMs),
      downlink: createDownlink({
        store,
        client: () => client,
        here,
        keys: () => serverKeys,
        secrets: { catchUp: () => Promise.resolve(ok(undefined)), inUse: () => Promise.resolve() },
        nowMs: station.trustedMs,
        submit: station.submit,
        settled: station.settled,
        verify: { bundle: (...args) => own.hears(time.pooled(() => verifyBundle(...args))), statement: (...args) => own.hears(time.pooled(() => verifyStatement(...args))) },
      }),
      epoch: ledger.epoch,
      submit: station.submit,
      onFork: (fork) => {
        watch.forked(name, fork.cause);
        // As station-node stops its host's supervisor: no new host comes to a station that is ending.
        now = undefined;
        const stopped = async (): Promise<void> => {
          await sync.stop();
          stopHost();
          await station.stop();
          await ledger.store.close();
          await giveUpLedger(name, identity, fork, newClient(own, ledger.store), silent, files);
          restart(own);
        };
        stopped().catch(fail);
      },
      random,
      clock,
      log: () => undefined,
    });
  };

  const newClient = (own: ProcessLife, store: Store): CentralClient => {
    const client = network.client(name, stationId, own, (method, path, body, answer) => watch.heard(name, method, path, body, answer));
    return mutant.client?.(client, store) ?? client;
  };
  const watching = (store: Store, origin: string): Store => ({
    ...store,
    append: (drafts, options) => {
      for (const draft of drafts) if (draft.type === 'offered') watch.offering(name, draft);
      return store.append(drafts, options);
    },
    setAcked: async (size, cosignature, atMs) => {
      const kept = await store.setAcked(size, cosignature, atMs);
      if (kept.ok) watch.marked(name, origin, size);
      return kept;
    },
  });

  const start = (): void => {
    const own: ProcessLife = createProcessLife(time, random, () => {
      if (random() >= deathAtWrite()) return false;
      counts.crashes += 1;
      restart(own);
      return true;
    });
    life = own;
    run(own).catch((error: unknown) => {
      if (!own.alive()) return;
      if (!(error instanceof StartRefused && disk.full) && !isDiskTrouble(error)) watch.diverged(`${name} could not start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      restart(own);
    });
  };
  /** The program has ended; its supervisor starts it again. */
  const restart = (own: ProcessLife): void => {
    end();
    time.after(300 + random() * 2_000, `${name} is started again`, () => {
      if (powered && life === own) start();
    });
  };
  const end = (): void => {
    life?.end();
    now = undefined;
    stopHost();
  };

  /** Only the host process that this program started speaks to it. */
  const startHost = (): void => {
    const [own, running] = [life, now];
    if (own && running) host.start((transport) => running.station.attachHost(gated(transport, own)));
  };
  const stopHost = (): void => host.die();
  const beat = (own: ProcessLife): void => {
    own.after(HEARTBEAT_MS, `${name}'s host beats`, () => {
      if (hostUp) host.tell({ event: 'heartbeat' });
      beat(own);
    });
  };

  return {
    name,
    station: stationId,
    slots,
    disk,
    host,
    powered: () => powered,
    ledger: () => `${TENANT}/station/${stationId}/e${disk.identity.epoch.number}`,
    running: () => now,
    powerOn: () => {
      if (powered) return;
      powered = true;
      hostUp = true;
      bootedAtMs = time.nowMs();
      boots += 1;
      start();
    },
    powerOff: () => {
      if (!powered) return;
      counts.crashes += 1;
      powered = false;
      end();
    },
    kill: () => {
      if (!life?.alive()) return;
      counts.crashes += 1;
      restart(life);
    },
    hostDies: () => {
      hostUp = false;
      stopHost();
    },
    hostStarts: () => {
      if (hostUp) return;
      hostUp = true;
      startHost();
    },
    turnClock: (errorMs) => {
      wallErrorMs = errorMs;
    },
  };
}

function gated(transport: Transport, life: ProcessLife): Transport {
  return {
    send: (message) => life.alive() && transport.send(message),
    onMessage: (listener) => transport.onMessage((message) => life.alive() && listener(message)),
    onClose: (listener) => transport.onClose((cause) => life.alive() && listener(cause)),
    close: () => transport.close(),
  };
}

/** What a broken or full disk does to a program is no fault of the program. */
const isDiskTrouble = (error: unknown): boolean => error instanceof Error && /disk I\/O error|disk is full/.test(`${error.message} ${error.cause instanceof Error ? error.cause.message : ''}`);
