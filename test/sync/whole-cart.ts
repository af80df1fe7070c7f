import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import type { PolicyBundle } from '../../app/contract/policy-bundle.ts';
import type { DeviceRow } from '../../app/domain/tables.ts';
import { projectEntry } from '../../app/domain/projection.ts';
import { knownBundle, openLedger } from '../../app/entrypoints/station-start.ts';
import { systemClock } from '../../app/entrypoints/system-clock.ts';
import { createNetwork } from '../../app/simulator/network.ts';
import { createBadgeHmacs } from '../../app/station/badge.ts';
import { createPinChecks } from '../../app/station/pin.ts';
import { createStation, type Station } from '../../app/station/station.ts';
import type { Store } from '../../app/storage/store.ts';
import { createDownlink } from '../../app/sync/downlink.ts';
import { enrolStation } from '../../app/sync/enrol.ts';
import { openIdentity } from '../../app/sync/identity.ts';
import { rotateLedgerKey } from '../../app/sync/ledger-key.ts';
import { createRekeyedOutbox, sendingRekeyed } from '../../app/sync/rekeyed.ts';
import { createNewerSecrets } from '../../app/sync/secrets.ts';
import { clientOf, startSync } from '../../app/sync/sync.ts';
import { trustOfBundle, witnessKeys } from '../../app/sync/trust.ts';
import { createUplink } from '../../app/sync/uplink.ts';
import { PIN, type TestCentral } from '../central/demo-central.ts';
import { cartHost, type CartHost } from '../support/cart-host.ts';
import { cartKiosk, type CartKiosk } from '../support/cart-kiosk.ts';
import { allFacts } from '../support/one-cart.ts';
import { turnableClock, type TurnableClock } from '../support/turnable-clock.ts';

const SHELVES = [[1, 2, 3, 4, 5, 6, 7, 8], [9, 10, 11, 12, 13, 14, 15, 16]];
const QUARTER_OF_A_DAY_MS = 6 * 3_600_000;
const silent = pino({ level: 'silent' });

/**
 * A cart whole, enrolled at a real server: real ledger, rules and sync, mutual TLS through a cable that can be pulled. Its
 * hardware, its page and its time are in the hands of the test.
 */
export interface WholeCart {
  readonly data: string;
  readonly origin: string;
  readonly clock: TurnableClock;
  readonly host: CartHost;
  /** What sync and station told their logs since the cart was made, over all its lives. */
  readonly log: string[];
  store(): Store;
  kiosk(): CartKiosk;
  /** Whatever was sent has arrived and been dealt with. */
  settle(): Promise<void>;
  /** Time passes and the host beats; four times a day it tells what every slot holds too. */
  pass(ms: number): Promise<void>;
  tap(uid: string): Promise<void>;
  enterPin(): Promise<void>;
  dock(slot: number, serial: string | undefined): Promise<void>;
  pull(slot: number): Promise<void>;
  hostGone(ms: number): Promise<void>;
  /** The power fails and comes back: no farewell, a new boot. */
  powerCut(downMs: number): Promise<void>;
  device(serial: string): DeviceRow;
  /** The server states all that proves the device's current request. */
  prove(serial: string): Promise<void>;
  cable(up: boolean): void;
  stop(): Promise<void>;
}

export async function startWholeCart(central: TestCentral, data: string, startMs: number, cart = 'Cart A'): Promise<WholeCart> {
  const address = new URL(central.stationUrl);
  const network = await createNetwork({ port: 0, target: { host: address.hostname, port: Number(address.port) } });
  const url = `https://${address.hostname}:${network.port}`;
  const identity = await openIdentity(data);
  const code = await central.makeCode({ ward: '7e', cart });
  if (!code.ok) throw new Error(code.reason.message);
  const enrolled = await enrolStation(identity, url, code.value.code, SHELVES);
  if (!enrolled.ok) throw new Error(enrolled.reason.message);
  const { enrolment } = identity.enrolledOrThrow();

  const clock = turnableClock(startMs);
  const machine = await systemClock();
  const host = cartHost(16);
  const log: string[] = [];
  const note = ({ level, what }: { readonly level: string; readonly what: string }): void => void log.push(`${level}: ${what}`);
  const newClient = () => clientOf(url, identity.enrolledOrThrow(), identity.keys.tlsKeyPem);
  let client = newClient();
  const secrets = () => identity.enrolledOrThrow().secrets;
  let ids = 0;
  let toldQuarter = 0;
  const randomId = (): string => (ids += 1).toString(16).padStart(32, '0');
  const pins = createPinChecks(secrets, randomId);
  let failure: unknown;
  let cursor = 0;
  let life = 0;
  let running: { readonly station: Station; readonly store: Store; readonly kiosk: CartKiosk; readonly sync: { stop(): Promise<void> } };

  const begin = async (bundle: PolicyBundle | undefined): Promise<void> => {
    const { store, origin } = await openLedger({ data, identity, clock, project: projectEntry, log: silent, onFatal: fail });
    const own = (life += 1);
    const rekeyed = createRekeyedOutbox({ client: () => client, monoMs: machine.monoMs, random: () => 0.01, log: note });
    const station = await createStation(
      {
        place: { tenant: enrolment.tenant, station: enrolment.station, ward: '7e', cart, shelves: SHELVES, timeZone: 'UTC', language: 'en' },
        store,
        clock,
        program: 'test',
        randomId,
        badgeHmacs: createBadgeHmacs(secrets),
        // What a PIN's hash costs is not the matter here.
        pins: { ...pins, check: (pin) => Promise.resolve(pin === PIN) },
        rekeyed: rekeyed.add,
        rotateLedgerKey: (meta) => rotateLedgerKey(identity, store, meta),
        keepBundle: async (jws, accepted) => {
          await writeFile(join(data, 'bundle.jws'), jws);
          await identity.keepTrust(trustOfBundle(accepted));
        },
        log: note,
        onFailure: (error) => own === life && fail(error),
      },
      bundle,
    );
    const sync = startSync({
      identity,
      epoch: identity.epoch(),
      client: () => client,
      renewClient: () => {
        client.close();
        client = newClient();
      },
      uplink: sendingRekeyed(createUplink(store, () => client, origin, () => witnessKeys(identity.trust())), rekeyed),
      downlink: createDownlink({ store, client: () => client, here: enrolment, keys: () => identity.trust().serverKeys, secrets: createNewerSecrets({ identity, client: () => client, log: note }), nowMs: station.trustedMs, submit: station.submit, settled: station.settled }),
      submit: station.submit,
      onFork: ({ message }) => fail(new Error(message)),
      // The machine's wall clock is the cart's; waits are real, and short: a hundredth of what jitter may make them.
      clock: { wallMs: clock.wallMs, monoMs: machine.monoMs, after: machine.after },
      random: () => 0.01,
      log: note,
    });
    running = { station, store, kiosk: cartKiosk(station.attachKiosk), sync };
  };
  const end = async (): Promise<void> => {
    life += 1;
    await running.sync.stop();
    clock.forget();
    await running.station.settled();
    await running.store.close();
  };
  function fail(error: unknown): void {
    failure ??= error;
  }
  const settle = async (): Promise<void> => {
    await turn();
    await running.station.settled();
    await turn();
    if (failure !== undefined) throw failure;
  };
  const does = (act: () => void): Promise<void> => {
    clock.forward(1);
    act();
    return settle();
  };
  const device = (serial: string): DeviceRow => {
    const row = running.store.view.get('device', serial);
    if (!row) throw new Error(`the ledger knows no device ${serial}`);
    return row;
  };

  const whole: WholeCart = {
    data,
    origin: enrolment.origin,
    clock,
    host,
    log,
    store: () => running.store,
    kiosk: () => running.kiosk,
    settle,
    pass: (ms) => {
      clock.forward(ms);
      const quarter = Math.floor(clock.trueMs() / QUARTER_OF_A_DAY_MS);
      if (quarter === toldQuarter) host.tell({ event: 'heartbeat' });
      else host.beat();
      toldQuarter = quarter;
      return settle();
    },
    tap: (uid) => does(() => host.tap(uid)),
    enterPin: async () => {
      const { message } = running.kiosk.now();
      if (message.kind !== 'pin') throw new Error(`no PIN pad shows but ${message.kind}`);
      await running.kiosk.ask({ command: 'enter-pin', session: message.session, pin: PIN });
      await settle();
    },
    dock: (slot, serial) => does(() => host.put(slot, serial)),
    pull: (slot) => does(() => host.take(slot)),
    hostGone: async (ms) => {
      host.die();
      await settle();
      clock.forward(ms);
      host.start(running.station.attachHost);
      await settle();
    },
    powerCut: async (downMs) => {
      await settle();
      await end();
      host.die();
      clock.boot(downMs);
      await begin(await knownBundle(data, enrolment, identity.trust().serverKeys));
      host.start(running.station.attachHost);
      await settle();
    },
    device,
    prove: async (serial) => {
      const { request, profile } = device(serial);
      if (!request) throw new Error(`nothing was asked for ${serial}`);
      const claims = { tenant: enrolment.tenant, station: enrolment.station, serial, request: request.request, nonce: request.nonce, issuedAtMs: clock.trueMs() };
      const statements = allFacts(request.request, profile, running.store.size() + 1).map((facts) => ({ digest: 'd1'.repeat(32), claims: { ...claims, facts } }));
      running.station.submit({ kind: 'statements', statements, cursor: (cursor += statements.length) });
      await settle();
    },
    cable: (up) => network.set({ up }),
    stop: async () => {
      await end();
      host.die();
      client.close();
      await network.close();
      machine.close();
    },
  };
  await begin(undefined);
  return whole;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
