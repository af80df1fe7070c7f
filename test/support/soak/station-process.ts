/**
 * The process that the soak measures: the real station on a real ledger, with the real device host under the real supervisor, and an
 * ear at each of its doors. `station-process.ts`, forked; it ends with whoever forked it.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Transport } from '../../../app/contract/transport.ts';
import type { StatementFacts } from '../../../app/contract/statement.ts';
import { projectEntry } from '../../../app/domain/projection.ts';
import { createBadgeHmacs } from '../../../app/station/badge.ts';
import type { Clock } from '../../../app/station/clock.ts';
import { createStation } from '../../../app/station/station.ts';
import { openStore } from '../../../app/storage/open.ts';
import { forkedHost, superviseDeviceHost } from '../../../app/transport/device-host-process.ts';
import { inMemoryPair } from '../../../app/transport/in-memory.ts';
import { HERE, PEOPLE, policy, SECRETS, tablet } from '../ward-policy.ts';
import { RULES } from '../ward-rules.ts';
import { GAP_MAX_MS, portOf, SLOTS, TABLETS } from './soaked-cart.ts';
import type { FromStation, ToStation } from './station-words.ts';

/** Refusals of one kind are counted for ten seconds before the ledger hears of the count. */
const REFUSAL_WINDOW_MS = 10_500;
const FOLLOW_MS = 10;

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const hmacs = createBadgeHmacs(() => SECRETS);
const tell = (word: FromStation): void => void process.send?.(word);
process.on('disconnect', () => process.exit(1));

const folder = await mkdtemp(join(tmpdir(), 'dockward-soak-'));
let skewMs = 0;
const clock: Clock = {
  wallMs: () => Date.now() + skewMs,
  monoMs: () => Math.floor(performance.now()) + skewMs,
  bootId: 'soak',
  after: (ms, call) => {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};
const opened = await openStore({ path: join(folder, 'ledger.db'), station: HERE.station, epoch: 1, origin: `${HERE.tenant}/station/${HERE.station}/e1`, signingKey: generateKeyPairSync('ed25519').privateKey, project: projectEntry, clock });
if (!opened.ok) throw new Error(`the ledger cannot be opened: ${opened.reason}`);
const store = opened.value;
const station = await createStation(
  {
    place: { ...HERE, ward: '7e', cart: 'Cart 7', shelves: [SLOTS.slice(0, 8), SLOTS.slice(8)], timeZone: 'UTC', language: 'en' },
    store,
    clock,
    program: 'soak',
    randomId: () => randomBytes(16).toString('hex'),
    badgeHmacs: (uid) => {
      tell({ kind: 'badge', uid, offeredTo: [...store.view.all('offer')].map(({ actor }) => actor) });
      return hmacs(uid);
    },
    pins: { knows: () => true, check: () => Promise.resolve(true), renew: () => Promise.resolve(undefined) },
    rekeyed: () => undefined,
    keepBundle: () => Promise.resolve(),
    log: ({ level, what, ...detail }) => tell({ kind: 'told', line: `station ${level}: ${what} ${JSON.stringify(detail)}` }),
    onFailure: (error) => {
      throw error;
    },
  },
  undefined,
);
station.submit({ kind: 'cosigned', atMs: clock.wallMs() });
station.submit({ kind: 'online' });
const bundle = policy({ version: 1, issuedAtMs: clock.wallMs(), devices: TABLETS.map(tablet), rules: { ...RULES, gapMaxMs: GAP_MAX_MS } });
station.submit({ kind: 'bundle', bundle: { digest: 'b0'.repeat(32), jws: 'soak', bundle } });
await station.settled();
// Everybody has typed their PIN within the grace period.
const signedIn = await store.append(PEOPLE.flatMap(({ actor }) => [{ type: 'pin-attempted' as const, actor, body: { attempt: 1 } }, { type: 'pin-accepted' as const, actor, body: { attempt: 1 } }]));
if (!signedIn.ok) throw new Error(`the ledger cannot be written: ${signedIn.reason}`);

let told = store.size();
let following = true;
const followed = follow();
async function follow(): Promise<void> {
  while (following) {
    const fresh = Math.min(store.size() - told, 200);
    const entries = fresh > 0 ? await store.recorded(told, fresh) : [];
    for (const entry of entries) tell({ kind: 'entry', entry });
    told += entries.length;
    if (entries.length > 0) tellState();
    else await pause(FOLLOW_MS);
  }
}

function tellState(): void {
  const { degraded, counts, slots } = station.snapshot();
  tell({
    kind: 'state',
    state: {
      degraded,
      ready: counts.ready,
      slots: slots.map(({ slot, look, reason }) => ({ slot, look, ...(reason === undefined ? {} : { reason }) })),
      custody: [...store.view.all('device')].map(({ serial, custody }) => ({ serial, custody })),
      offers: [...store.view.all('offer')].map(({ serial, actor }) => ({ serial, actor })),
      size: store.size(),
    },
  });
}

const [kioskOfStation, kiosk] = inMemoryPair();
kiosk.onMessage(tellState);
station.attachKiosk(kioskOfStation);
let kioskAsked = 0;

/** Passes a host on to the station with an ear in between. */
function listenTo(transport: Transport): void {
  let heardMs = 0;
  tell({ kind: 'host-connected' });
  transport.onClose(() => tell({ kind: 'host-closed', heardMs }));
  station.attachHost({
    ...transport,
    onMessage: (listener) =>
      transport.onMessage((message) => {
        tell({ kind: 'heard', message, monoMs: clock.monoMs() });
        listener(message);
        heardMs = clock.monoMs();
      }),
  });
}

let host: { stop(): Promise<void> } | undefined;
function startHost(adbPort: number): void {
  const config = { readers: 'pcsc', slots: 'usb', ports: Object.fromEntries(SLOTS.map((slot) => [slot, portOf(slot)])), tablets: { adb: { port: adbPort } } };
  host = superviseDeviceHost({
    launch: forkedHost(here('../../../app/entrypoints/device-host.ts'), { DOCKWARD_HOST_CONFIG: JSON.stringify(config) }),
    attach: listenTo,
    told: (what, detail) => tell({ kind: 'told', line: `supervisor: ${what} ${JSON.stringify(detail)}` }),
  });
}

function prove(serial: string, request: string, cursor: number): void {
  const device = store.view.get('device', serial);
  if (device?.request?.request !== request) return;
  const [previous, enrolment, command] = [`old ${request}`, `new ${request}`, `wipe ${request}`];
  const facts: readonly StatementFacts[] = [
    { kind: 'wipe-confirmed', enrolment: previous, command, issuedMdmMs: 1_000, confirmedMdmMs: 2_000 },
    { kind: 'enrolled', enrolment, previous, command, issuedMdmMs: 1_000, enrolledMdmMs: 3_000, unseenAtSize: store.size() },
    { kind: 'credentials-revoked', previous },
    { kind: 'queue-clear', enrolment, unlockTokenKept: false },
    { kind: 'profile-present', enrolment, profile: device.profile },
    { kind: 'posture', enrolment, osAtFloor: true, compliant: true, rooted: false, adbEnabled: false },
  ];
  const { nonce } = device.request;
  station.submit({ kind: 'statements', cursor, statements: facts.map((fact) => ({ digest: 'd1'.repeat(32), claims: { ...HERE, serial, request, nonce, issuedAtMs: clock.wallMs(), facts: fact } })) });
}

async function act(asked: ToStation): Promise<void> {
  switch (asked.ask) {
    case 'start-host':
      return startHost(asked.adbPort);
    case 'prove':
      return prove(asked.serial, asked.request, asked.cursor);
    case 'cancel':
      return kiosk.send({ id: (kioskAsked += 1), request: { command: 'cancel', session: asked.session } });
    case 'settle':
      await station.settled();
      while (told < store.size()) await pause(FOLLOW_MS);
      return tellState();
    case 'pass-refusal-window':
      skewMs += REFUSAL_WINDOW_MS;
      return;
    case 'stop':
      await host?.stop();
      await station.stop();
      following = false;
      await followed;
      await store.close();
      await rm(folder, { recursive: true });
  }
}

process.on('message', (message) => {
  const asked = message as ToStation;
  void act(asked).then(() => tell({ kind: 'done', id: asked.id, monoMs: clock.monoMs() }));
});
tellState();

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
