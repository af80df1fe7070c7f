import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StatementFacts } from '../../../app/contract/statement.ts';
import type { RecordedEntry } from '../../../app/domain/entries.ts';
import { projectEntry } from '../../../app/domain/projection.ts';
import { createBadgeHmacs } from '../../../app/station/badge.ts';
import type { Clock } from '../../../app/station/clock.ts';
import { createStation, type Station } from '../../../app/station/station.ts';
import { openStore } from '../../../app/storage/open.ts';
import type { Store } from '../../../app/storage/store.ts';
import { forkedHost, superviseDeviceHost } from '../../../app/transport/device-host-process.ts';
import { cartKiosk, type CartKiosk } from '../cart-kiosk.ts';
import { HERE, PEOPLE, policy, SECRETS, tablet } from '../ward-policy.ts';
import { RULES } from '../ward-rules.ts';
import type { Delivered } from './delivered.ts';
import { portOf, SLOTS, TABLETS } from './physical-cart.ts';

/** A host that was killed is back within this; one that froze is not, and what stood there meanwhile is exposed. */
export const GAP_MAX_MS = 5_000;
/** Refusals of one kind are counted for ten seconds before the ledger hears of the count. */
const REFUSAL_WINDOW_MS = 10_500;
const FOLLOW_MS = 10;

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const hmacs = createBadgeHmacs(() => SECRETS);

/** The real station on a real ledger, with the real device host under the real supervisor; an ear at each of its doors. */
export interface WatchedStation {
  readonly station: Station;
  readonly store: Store;
  readonly kiosk: CartKiosk;
  readonly clock: Clock;
  /** Forks the device host, for the first time. */
  startHost(adbPort: number): void;
  /** Lets ten seconds pass on the station's clocks, so that it writes down the refusals that it counts. */
  passRefusalWindow(): void;
  /** Every entry so far has been heard. */
  hasCaughtUp(): boolean;
  stop(): Promise<void>;
}

export interface Ears {
  readonly delivered: Delivered;
  readonly entry: (entry: RecordedEntry) => void;
  /** The station looks up whose badge this is, once for each tap that it deals with. */
  readonly badge: (uid: string, store: Store) => void;
  /** What somebody should know who looks for the reason of a failure. */
  readonly told: (line: string) => void;
}

export async function watchedStation({ delivered, entry, badge, told }: Ears): Promise<WatchedStation> {
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
        badge(uid, store);
        return hmacs(uid);
      },
      pins: { knows: () => true, check: () => Promise.resolve(true), renew: () => Promise.resolve(undefined) },
      rekeyed: () => undefined,
      keepBundle: () => Promise.resolve(),
      log: ({ level, what, ...detail }) => told(`station ${level}: ${what} ${JSON.stringify(detail)}`),
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

  let heard = store.size();
  let following = true;
  const followed = follow();
  async function follow(): Promise<void> {
    while (following) {
      const fresh = Math.min(store.size() - heard, 200);
      const entries = fresh > 0 ? await store.recorded(heard, fresh) : [];
      for (const each of entries) entry(each);
      heard += entries.length;
      if (entries.length === 0) await new Promise((resolve) => setTimeout(resolve, FOLLOW_MS));
    }
  }

  const kiosk = cartKiosk(station.attachKiosk);
  let host: { stop(): Promise<void> } | undefined;
  return {
    station,
    store,
    kiosk,
    clock,
    startHost(adbPort) {
      const config = { readers: 'pcsc', slots: 'usb', ports: Object.fromEntries(SLOTS.map((slot) => [slot, portOf(slot)])), tablets: { adb: { port: adbPort } } };
      host = superviseDeviceHost({
        launch: forkedHost(here('../../../app/entrypoints/device-host.ts'), { DOCKWARD_HOST_CONFIG: JSON.stringify(config) }),
        attach: delivered.through(station.attachHost),
        told: (what, detail) => told(`supervisor: ${what} ${JSON.stringify(detail)}`),
      });
    },
    passRefusalWindow: () => void (skewMs += REFUSAL_WINDOW_MS),
    hasCaughtUp: () => heard === store.size(),
    async stop() {
      await host?.stop();
      await station.stop();
      following = false;
      await followed;
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** The server proves a sanitization that the station has asked for: all that it has to state about it. */
export function prove({ station, store, clock }: WatchedStation, serial: string, request: string, cursor: number): void {
  const device = store.view.get('device', serial);
  // Overtaken by another exposure: the next request is proved.
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
