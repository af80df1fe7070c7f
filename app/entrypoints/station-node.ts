/** One cart's station as a plain Node program: prints `station {json}` once the kiosk can be shown. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import type { TenantSecrets } from '../contract/station-http.ts';
import { projectEntry } from '../domain/projection.ts';
import { createBadgeHmacs } from '../station/badge.ts';
import { stationConfig, type StationConfig } from '../station/config.ts';
import { createPinChecks } from '../station/pin.ts';
import { createStation } from '../station/station.ts';
import { createDownlink } from '../sync/downlink.ts';
import { rotateLedgerKey } from '../sync/ledger-key.ts';
import { createRekeyedOutbox, sendingRekeyed } from '../sync/rekeyed.ts';
import { writeDurably } from '../sync/sealed-file.ts';
import { createNewerSecrets } from '../sync/secrets.ts';
import { clientOf, startSync } from '../sync/sync.ts';
import { trustOfBundle, witnessKeys } from '../sync/trust.ts';
import { createUplink } from '../sync/uplink.ts';
import { forkedHost, superviseDeviceHost } from '../transport/device-host-process.ts';
import { serveKiosk } from '../transport/kiosk-http.ts';
import { parentPortOf, shellAsParent } from '../transport/utility-process.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { systemClock } from './system-clock.ts';
import { ensureEnrolled, EXIT_NEW_EPOCH, giveUpLedger, knownBundle, openFolder, openLedger, StartRefused } from './station-start.ts';

const log = pino({ name: 'station', level: process.env['LOG_LEVEL'] ?? 'info' }, pino.destination({ fd: 2, sync: true }));
/** No answer of the server is waited for longer: a long poll (20 s) and 10 s of patience. */
const LONGEST_ANSWER_MS = 30_000;
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Installed, this runs as one file beside the device host's; from sources it runs as it is written. */
const BUNDLED = !import.meta.url.endsWith('.ts');

const { values: flags } = parseArgs({
  options: {
    data: { type: 'string', default: 'station-data' },
    config: { type: 'string' },
    central: { type: 'string' },
    code: { type: 'string' },
    'kiosk-port': { type: 'string' },
    simulator: { type: 'string' },
    /** For a kiosk shell of its own: where it finds the way to this run of the station. */
    'kiosk-url-file': { type: 'string' },
  },
});

/** One per run; whoever starts this program again within a run gives it, so that the page finds its way back. No child inherits it. */
function kioskToken(): string {
  const given = process.env['DOCKWARD_KIOSK_TOKEN'];
  delete process.env['DOCKWARD_KIOSK_TOKEN'];
  return given === undefined || given === '' ? randomBytes(16).toString('hex') : given;
}

async function readConfig(): Promise<StationConfig> {
  const file = flags.config ?? join(flags.data, 'station.json');
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new StartRefused(`A station needs its configuration (--config FILE, or station.json in its data folder): which readers it has and how its slots stand. The README shows one. ${error.message}`);
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new StartRefused(`${file} is not JSON. Mend it; the README shows a whole one.`, { cause });
  }
  const parsed = stationConfig.safeParse(value);
  if (!parsed.success) throw new StartRefused(`${file} is not a station's configuration: ${parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`);
  return parsed.data;
}

async function start(): Promise<{ stop(): Promise<void> }> {
  const config = await readConfig();
  const data = resolve(flags.data);
  const central = flags.central ?? config.central;
  const kioskPort = flags['kiosk-port'] === undefined ? config.kioskPort : Number(flags['kiosk-port']);

  const machine = await systemClock();
  const clock = flags.simulator === undefined ? machine : await systemClock(flags.simulator);
  const identity = await openFolder(data);
  const { enrolment } = await ensureEnrolled(identity, central, flags.code, config.shelves);
  if (witnessKeys(identity.trust()).length === 0) throw new StartRefused('The witness key that this station was given is damaged: enrol this station again.');
  const ledger = await openLedger({ data, identity, clock, project: projectEntry, log, onFatal: (error) => fail(error) });
  const bundle = await knownBundle(data, enrolment, identity.trust().serverKeys);
  // The power may have failed between the two.
  if (bundle) await identity.keepTrust(trustOfBundle(bundle));
  const secrets = (): TenantSecrets => identity.enrolledOrThrow().secrets;
  const randomId = (): string => randomBytes(16).toString('hex');
  const tell = ({ level, what, ...detail }: { readonly level: 'info' | 'warn' | 'error'; readonly what: string }): void => log[level](detail, what);
  const rekeyed = createRekeyedOutbox({ client: () => client, monoMs: machine.monoMs, random: Math.random, log: tell });

  const station = await createStation(
    {
      place: { tenant: enrolment.tenant, station: enrolment.station, ward: enrolment.place.ward, cart: enrolment.place.cart, shelves: config.shelves, timeZone: config.timeZone, language: config.language },
      store: ledger.store,
      clock,
      program: packageJson.version,
      randomId,
      badgeHmacs: createBadgeHmacs(secrets),
      pins: createPinChecks(secrets, randomId),
      rekeyed: rekeyed.add,
      rotateLedgerKey: (meta) => rotateLedgerKey(identity, ledger.store, meta),
      keepBundle: async (jws, accepted) => {
        await writeDurably(join(data, 'bundle.jws'), jws);
        await identity.keepTrust(trustOfBundle(accepted));
      },
      log: tell,
      onFailure: (error) => fail(error),
    },
    bundle,
  );
  const token = kioskToken();
  const kiosk = await serveKiosk({ folder: here('../../dist/kiosk'), port: kioskPort, token, attach: station.attachKiosk });
  if (flags['kiosk-url-file'] !== undefined) await writeDurably(flags['kiosk-url-file'], `${kiosk.url.replace('http', 'ws')}/kiosk?token=${token}\n`);
  const hostEnvironment = { DOCKWARD_HOST_CONFIG: JSON.stringify({ readers: config.readers, hidReaders: config.hidReaders, slots: config.slots, ports: config.ports, hub: config.hub, tablets: config.tablets, ...(flags.simulator === undefined ? {} : { simulatorUrl: flags.simulator }) }) };
  const shellPort = parentPortOf(process);
  const shell = shellPort && shellAsParent(shellPort, hostEnvironment);
  if (shell) station.attachKiosk(shell.kiosk);
  const host = superviseDeviceHost({
    launch: shell?.launchHost ?? forkedHost(here(BUNDLED ? '../device-host/device-host-node.mjs' : './device-host.ts'), hostEnvironment),
    attach: station.attachHost,
    told: (what, detail) => log.warn(detail, what),
  });

  let client = clientOf(central ?? '', identity.enrolledOrThrow(), identity.keys.tlsKeyPem);
  const sync = startSync({
    identity,
    client: () => client,
    renewClient: () => {
      const before = client;
      // The other direction may be waiting for an answer over it: that one still comes.
      setTimeout(() => before.close(), LONGEST_ANSWER_MS).unref();
      client = clientOf(central ?? '', identity.enrolledOrThrow(), identity.keys.tlsKeyPem);
    },
    uplink: sendingRekeyed(createUplink(ledger.store, () => client, ledger.origin, () => witnessKeys(identity.trust())), rekeyed),
    downlink: createDownlink({
      store: ledger.store,
      client: () => client,
      here: { tenant: enrolment.tenant, station: enrolment.station },
      keys: () => identity.trust().serverKeys,
      secrets: createNewerSecrets({ identity, client: () => client, log: tell }),
      nowMs: station.trustedMs,
      submit: station.submit,
      settled: station.settled,
    }),
    epoch: ledger.epoch,
    submit: station.submit,
    onFork: (fork) => {
      const again = clientOf(central ?? '', identity.enrolledOrThrow(), identity.keys.tlsKeyPem);
      stopThen(async () => {
        await giveUpLedger(data, identity, fork, again, log);
        return EXIT_NEW_EPOCH;
      });
    },
    random: Math.random,
    // Certificates are dated by the machine's own clock, in the simulated world too.
    clock: machine,
    log: tell,
  });
  process.stdout.write(`station ${JSON.stringify({ id: enrolment.station, data, kiosk: { url: `${kiosk.url}/#token=${token}` } })}\n`);
  return {
    stop: async () => {
      await sync.stop();
      await host.stop();
      await kiosk.close();
      await station.stop();
      await ledger.store.close();
      clock.close();
    },
  };
}

/** The unexpected ends the program; whoever supervises it starts it again from the ledger. */
function fail(error: unknown): never {
  log.fatal({ err: error }, 'the station ends: something happened that the rules do not know');
  process.exit(70);
}

const running = start();
running.catch((error: unknown) => {
  const inUse = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
  if (inUse) process.stderr.write(`station: port ${flags['kiosk-port'] ?? 'of kioskPort'} is in use by another program. Give another with --kiosk-port N, or 0 for any free one.\n`);
  else if (error instanceof StartRefused) process.stderr.write(`station: ${error.message}\n`);
  else log.fatal({ err: error }, 'the station could not start');
  process.exit(1);
});
let stopping = false;
/** Ends everything in order, then does what is left to do and exits with the code that gives. */
function stopThen(last: () => Promise<number>): void {
  if (stopping) return;
  stopping = true;
  running
    .then((station) => station.stop())
    .then(last)
    .then(
      (code) => process.exit(code),
      (error: unknown) => fail(error),
    );
}
const stop = (): void => stopThen(() => Promise.resolve(0));
process.on('SIGTERM', stop);
// Ctrl-C reaches the whole process group; with a parent, the parent decides what it means.
process.on('SIGINT', () => void (process.connected || stop()));
process.on('disconnect', stop);
