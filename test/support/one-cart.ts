import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { NetworkEvent } from '../../app/contract/network-event.ts';
import type { PolicyBundle, Rules } from '../../app/contract/policy-bundle.ts';
import type { Rekeyed } from '../../app/contract/secrets.ts';
import type { CustodyClaims, StatementClaims } from '../../app/contract/statement.ts';
import type { TenantSecrets } from '../../app/contract/station-http.ts';
import type { EntryType, RecordedEntry } from '../../app/domain/entries.ts';
import { projectEntry } from '../../app/domain/projection.ts';
import type { DeviceRow } from '../../app/domain/tables.ts';
import { createBadgeHmacs } from '../../app/station/badge.ts';
import { createPinChecks } from '../../app/station/pin.ts';
import { createStation, type Station } from '../../app/station/station.ts';
import { openStore } from '../../app/storage/open.ts';
import type { Store } from '../../app/storage/store.ts';
import { cartHost, type CartHost } from './cart-host.ts';
import { cartKiosk, type CartKiosk } from './cart-kiosk.ts';
import { onDisk, type Disk } from './full-disk.ts';
import { turnableClock, type TurnableClock } from './turnable-clock.ts';
import { HERE, PIN, policy, SECRETS, tablet, type Person } from './ward-policy.ts';
import { RULES } from './ward-rules.ts';

/**
 * One cart whole: the station on a real SQLite ledger in a folder of its own, its hardware, its page, its server's word
 * and its time in the hands of the test. The fakes stand at the transports, the clock and the disk, nowhere inside.
 */
export interface OneCart {
  readonly clock: TurnableClock;
  readonly host: CartHost;
  readonly disk: Disk;
  /** What the station told its log. */
  readonly log: string[];
  /** The badge keys and peppers that the station keeps. */
  secrets: TenantSecrets;
  /** What it would tell the server of badges and PINs under the newest of them. */
  readonly rekeyed: Rekeyed[];
  kiosk(): CartKiosk;
  station(): Station;
  store(): Store;
  /** Whatever was sent has arrived and been dealt with. */
  settle(): Promise<void>;
  /** Time passes; the host, where there is one, beats. */
  pass(ms: number): Promise<void>;
  tap(person: Pick<Person, 'uid'>, assurance?: 'uid' | 'crypto'): Promise<void>;
  dock(slot: number, serial: string | undefined): Promise<void>;
  pull(slot: number): Promise<void>;
  /** Enters a PIN at the pad that shows and waits for the verdict. */
  pin(pin?: string): Promise<void>;
  network(event: NetworkEvent): Promise<void>;
  /** The server publishes its next bundle. */
  publish(change?: Partial<PolicyBundle>): Promise<void>;
  /** The server states all that proves the device's current request, or the facts asked for. */
  prove(serial: string, change?: Partial<StatementClaims>, kinds?: readonly StatementClaims['facts']['kind'][]): Promise<void>;
  /** The server states that the release open of this device ended at another cart; resolves with the statement. */
  stateElsewhere(serial: string, change?: Partial<CustodyClaims>): Promise<CustodyClaims>;
  hostDies(): Promise<void>;
  hostStarts(): Promise<void>;
  /** Ends the station as a crash would, lets `meanwhile` happen, and starts it from what its folder holds. */
  restart(options?: { readonly downMs?: number; readonly reboot?: boolean; readonly hostAfterMs?: number; readonly meanwhile?: () => void }): Promise<void>;
  device(serial: string): DeviceRow;
  entries(): Promise<readonly RecordedEntry[]>;
  /** Types of the entries since `from`, oldest first. */
  types(from?: number): Promise<readonly EntryType[]>;
  ofType<T extends EntryType>(type: T, from?: number): Promise<readonly Extract<RecordedEntry, { type: T }>[]>;
  /** The map's picture of one slot. */
  look(slot: number): string;
  message(): ReturnType<CartKiosk['now']>['message'];
}

const SIGNING_KEY = createPrivateKey({ key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 7)]), format: 'der', type: 'pkcs8' });
const SHELVES = [[1, 2, 3, 4, 5, 6, 7, 8], [9, 10, 11, 12, 13, 14, 15, 16]];

export interface CartOptions {
  /** Tablets T1… stand proven in slots 1…; the lower the slot, the fuller. */
  readonly tablets?: number;
  readonly rules?: Partial<Rules>;
  /** Leaves the docked tablets unproven. */
  readonly unproven?: boolean;
  /** Leaves out the bundle and all that follows from it. */
  readonly virgin?: boolean;
}

export async function startCart({ tablets = 3, rules = {}, unproven = false, virgin = false }: CartOptions = {}): Promise<OneCart> {
  const folder = await mkdtemp(join(tmpdir(), 'one-cart-'));
  const clock = turnableClock();
  const host = cartHost(16);
  const disk: Disk = { full: false };
  const log: string[] = [];
  const kept = new Map<string, PolicyBundle>();
  let keptBundle: PolicyBundle | undefined;
  let version = 0;
  let cursor = 0;
  let ids = 0;
  let life = 0;
  let watched = false;
  let failure: unknown;
  let running: { readonly station: Station; readonly store: Store; readonly kiosk: CartKiosk };

  let signingKey = SIGNING_KEY;
  const start = async (): Promise<void> => {
    const opened = await openStore({ path: join(folder, 'ledger.db'), station: HERE.station, epoch: 1, origin: `${HERE.tenant}/station/${HERE.station}/e1`, signingKey, project: projectEntry, clock });
    if (!opened.ok) throw new Error(`the ledger was not opened: ${opened.reason}`);
    const store = onDisk(opened.value, disk);
    const own = (life += 1);
    const station = await createStation(
      {
        place: { ...HERE, ward: '7e', cart: 'Cart 7', shelves: SHELVES, timeZone: 'UTC', language: 'en' },
        store,
        clock,
        program: 'test',
        randomId: () => (ids += 1).toString(16).padStart(32, '0'),
        badgeHmacs: createBadgeHmacs(() => cart.secrets),
        pins: createPinChecks(() => cart.secrets, () => (ids += 1).toString(16).padStart(32, '0')),
        rekeyed: (moved) => cart.rekeyed.push(moved),
        rotateLedgerKey: async (meta) => {
          const next = generateKeyPairSync('ed25519').privateKey;
          const rotated = await store.rotateKey(next, { meta });
          if (rotated.ok) signingKey = next;
          return rotated.ok ? { ok: true, value: undefined } : rotated;
        },
        keepBundle: (jws) => {
          if (disk.full) return Promise.reject(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }));
          keptBundle = kept.get(jws);
          return Promise.resolve();
        },
        log: ({ level, what }) => log.push(`${level}: ${what}`),
        onFailure: (error) => {
          if (own === life) failure = error;
        },
      },
      keptBundle,
    );
    running = { station, store, kiosk: cartKiosk(station.attachKiosk) };
  };
  /** As a crash ends it: nobody is told, nothing more is written. */
  const crash = async (): Promise<void> => {
    await settle();
    life += 1;
    clock.forget();
    await running.store.close();
    host.die();
  };
  onTestFinished(async () => {
    try {
      await crash();
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  const settle = async (): Promise<void> => {
    await turn();
    await running.station.settled();
    await turn();
    if (failure !== undefined) throw failure;
  };
  const entries = (): Promise<readonly RecordedEntry[]> => running.store.recorded(0, running.store.size());
  const device = (serial: string): DeviceRow => {
    const row = running.store.view.get('device', serial);
    if (!row) throw new Error(`the ledger knows no device ${serial}`);
    return row;
  };

  const cart: OneCart = {
    clock,
    host,
    disk,
    log,
    secrets: SECRETS,
    rekeyed: [],
    kiosk: () => running.kiosk,
    station: () => running.station,
    store: () => running.store,
    settle,
    entries,
    device,
    message: () => running.kiosk.now().message,
    look: (slot) => running.kiosk.now().slots.find((view) => view.slot === slot)?.look ?? 'none',
    types: async (from = 0) => (await entries()).slice(from).map(({ type }) => type),
    ofType: async <T extends EntryType>(type: T, from = 0) => (await entries()).slice(from).filter((entry): entry is Extract<RecordedEntry, { type: T }> => entry.type === type),
    pass: async (ms) => {
      clock.forward(ms);
      if (watched) host.beat();
      await settle();
    },
    tap: (person, assurance) => {
      clock.forward(1);
      host.tap(person.uid, assurance);
      return settle();
    },
    dock: (slot, serial) => {
      clock.forward(1);
      host.put(slot, serial);
      return settle();
    },
    pull: (slot) => {
      clock.forward(1);
      host.take(slot);
      return settle();
    },
    pin: async (pin = PIN) => {
      const pad = cart.message();
      if (pad.kind !== 'pin') throw new Error(`no PIN pad shows but ${pad.kind}`);
      const attempts = (await cart.ofType('pin-attempted')).length;
      const reply = await running.kiosk.ask({ command: 'enter-pin', session: pad.session, pin });
      if (!reply.ok) throw new Error(`the PIN was not taken: ${reply.reason}`);
      await settle();
      clock.forward(1);
      await running.kiosk.until(({ message }) => message.kind !== 'pin' || message.session !== pad.session || !message.checking);
      await settle();
      if ((await cart.ofType('pin-attempted')).length !== attempts + 1) throw new Error('a PIN was checked without being counted');
    },
    network: (event) => {
      running.station.submit(event);
      return settle();
    },
    publish: async (change = {}) => {
      version += 1;
      const devices = Array.from({ length: 16 }, (_, n) => tablet(`T${n + 1}`));
      const bundle = policy({ version, issuedAtMs: clock.trueMs(), devices, rules: { ...RULES, ...rules }, ...change });
      kept.set(`jws-${version}`, bundle);
      await cart.network({ kind: 'bundle', bundle: { digest: 'b0'.repeat(32), jws: `jws-${version}`, bundle } });
    },
    prove: async (serial, change = {}, kinds) => {
      const { request, profile } = device(serial);
      if (!request) throw new Error(`nothing was asked for ${serial}`);
      const claims = { ...HERE, serial, request: request.request, nonce: request.nonce, issuedAtMs: clock.trueMs() };
      const statements = allFacts(request.request, profile, running.store.size() + 1)
        .filter(({ kind }) => !kinds || kinds.includes(kind))
        .map((facts) => ({ digest: 'd1'.repeat(32), claims: { ...claims, facts, ...change } }));
      await cart.network({ kind: 'statements', statements, cursor: (cursor += statements.length) });
    },
    stateElsewhere: async (serial, change = {}) => {
      const { custody } = device(serial);
      const fact = { kind: 'returned-elsewhere' as const, atStation: 'cart-8', origin: `${HERE.tenant}/station/cart-8/e1`, seq: 41, leaf: 'e1'.repeat(32), claimedMs: clock.trueMs() - 60_000, notBeforeMs: clock.trueMs() - 61_000, notAfterMs: clock.trueMs() - 59_000 };
      const claims: CustodyClaims = { ...HERE, serial, release: 'release' in custody ? custody.release : 'none', issuedAtMs: clock.trueMs(), fact, ...change };
      await cart.network({ kind: 'statements', statements: [{ digest: 'd2'.repeat(32), custody: claims }], cursor: (cursor += 1) });
      return claims;
    },
    hostDies: () => {
      watched = false;
      host.die();
      return settle();
    },
    hostStarts: () => {
      watched = true;
      host.start(running.station.attachHost);
      return settle();
    },
    restart: async ({ downMs = 0, reboot = false, hostAfterMs = 0, meanwhile } = {}) => {
      await crash();
      meanwhile?.();
      if (reboot) clock.boot(downMs);
      else clock.forward(downMs);
      await start();
      if (hostAfterMs > 0) clock.forward(hostAfterMs);
      await cart.hostStarts();
    },
  };

  await start();
  for (let slot = 1; slot <= tablets; slot += 1) host.put(slot, `T${slot}`);
  await cart.hostStarts();
  if (virgin) return cart;
  await cart.network({ kind: 'online' });
  await cart.network({ kind: 'cosigned', atMs: clock.trueMs() });
  await cart.publish();
  if (!unproven) for (let slot = 1; slot <= tablets; slot += 1) await cart.prove(`T${slot}`);
  return cart;
}

/** What the server states about one finished sanitization. `unseenAtSize`: the ledger as it held it when the new enrolment was not there yet. */
export function allFacts(request: string, profile: string, unseenAtSize: number): readonly StatementClaims['facts'][] {
  const [previous, enrolment, command] = [`old ${request}`, `new ${request}`, `wipe ${request}`];
  return [
    { kind: 'wipe-confirmed', enrolment: previous, command, issuedMdmMs: 1_000, confirmedMdmMs: 2_000 },
    { kind: 'enrolled', enrolment, previous, command, issuedMdmMs: 1_000, enrolledMdmMs: 3_000, unseenAtSize },
    { kind: 'credentials-revoked', previous },
    { kind: 'queue-clear', enrolment, unlockTokenKept: false },
    { kind: 'profile-present', enrolment, profile },
    { kind: 'posture', enrolment, osAtFloor: true, compliant: true, rooted: false, adbEnabled: false },
  ];
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
