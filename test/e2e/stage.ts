import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright';
import ward from '../../resources/demo/ward.json' with { type: 'json' };
import type { KioskMessage, Snapshot } from '../../app/contract/kiosk.ts';
import type { FleetView } from '../../app/contract/fleet.ts';
import { launchChromium } from '../support/chromium.ts';
import { eventually, fleetAt, simulatorAt, startDockward, watchKiosk, type FleetClient, type KioskWire, type RunningDockward, type SimulatorClient } from '../support/running-dockward.ts';
import { lostAcknowledgements } from './acknowledged.ts';
import { copyLedger, foldedTables, offersWithoutProof, storedTables, type LedgerCopy } from './ledger-copy.ts';
import { watchOffers, type OfferWatch } from './offer-watch.ts';
import { rememberShown } from './shift.ts';

const ARTEFACTS = fileURLToPath(new URL('../../.cache/artefacts/story/', import.meta.url));
const CHROMIUM_FLAGS = ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--force-color-profile=srgb'];
const SIZE = { width: 1280, height: 800 };
/** How long a person may have to wait for a page on a busy machine. */
const PAGE_PATIENCE_MS = 60_000;

/** Run in the page: fonts are there, and nothing moves but what never ends. */
const AT_REST = `(async () => {
  await document.fonts.ready;
  const finite = document.getAnimations().filter((animation) => animation.effect?.getComputedTiming().iterations !== Infinity && !animation.effect?.target?.closest('.edge'));
  await Promise.allSettled(finite.map((animation) => animation.finished));
})()`;

export type Person = (typeof ward.staff)[number];
export function personCalled(short: string): Person {
  const found = ward.staff.find((person) => person.short === short);
  if (!found) throw new Error(`nobody on the ward is called ${short}`);
  return found;
}

type Message<K extends KioskMessage['kind']> = Extract<KioskMessage, { kind: K }>;

/** The whole product with a nurse's screen and an office's screen in real Chromium. */
export interface Stage {
  readonly dockward: RunningDockward;
  readonly simulator: SimulatorClient;
  readonly wire: KioskWire;
  readonly offers: OfferWatch;
  readonly fleet: FleetClient;
  readonly kioskPage: Page;
  readonly fleetPage: Page;
  /** Kinds of message that the kiosk has shown since the last call. */
  kindsSince(): readonly KioskMessage['kind'][];
  /** Waits until the kiosk page, not only its wire, shows a message of this kind. */
  showing<K extends KioskMessage['kind']>(kind: K, holds?: (message: Message<K>) => boolean): Promise<Message<K>>;
  enterPin(pin: string): Promise<void>;
  /** From a badge in the field to "Take N" on the page; the PIN is typed where the page asks for it. */
  identify(person: Person, badge?: () => Promise<unknown>): Promise<Message<'take'>>;
  shoot(name: string, ...pages: readonly ('kiosk' | 'fleet')[]): Promise<void>;
  ledger(): Promise<LedgerCopy>;
  /** Uncaught errors and breaches of the security policy in both pages. */
  readonly complaints: readonly string[];
  close(): Promise<void>;
}

export async function openStage(flags: readonly string[] = []): Promise<Stage> {
  await mkdir(ARTEFACTS, { recursive: true });
  const data = await mkdtemp(join(tmpdir(), 'dockward-story-'));
  const dockward = await startDockward({ data, flags: ['--at', '06:50', ...flags] });
  const { ready } = dockward;
  const simulator = simulatorAt(ready.simulator.url);
  const offers = watchOffers(simulator);
  const shown = rememberShown();
  const kinds: KioskMessage['kind'][] = [];
  const wire = watchKiosk(ready.kiosk.url, (snapshot: Snapshot) => {
    offers.onSnapshot(snapshot);
    shown.note(snapshot);
    kinds.push(snapshot.message.kind);
  });
  const browser = await launchChromium(...CHROMIUM_FLAGS);
  const complaints: string[] = [];
  const open = async (url: string, hasTouch: boolean): Promise<Page> => {
    const page = await (await browser.newContext({ viewport: SIZE, hasTouch })).newPage();
    page.setDefaultTimeout(PAGE_PATIENCE_MS);
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      // A station that was killed refuses connections for a while: that is the network's complaint.
      if (message.type() === 'error' && !/^Failed to load resource|WebSocket connection to .* failed/.test(message.text())) complaints.push(message.text());
    });
    await page.goto(url);
    return page;
  };
  const kioskPage = await open(ready.kiosk.url, true);
  const fleetPage = await open(ready.central.url, false);
  await fleetPage.getByLabel('Name').fill(ready.central.admin.user);
  await fleetPage.getByLabel('Password').fill(ready.central.admin.password);
  await fleetPage.getByRole('button', { name: 'Sign in' }).click();

  const showing: Stage['showing'] = async (kind, holds = () => true) => {
    type Wanted = Message<typeof kind>;
    // Both at once: a notice is gone after four seconds, which on a busy machine is sooner than the other wait returns.
    const [snapshot] = await Promise.all([
      wire.until(`the kiosk to say "${kind}"`, ({ message }) => message.kind === kind && holds(message as Wanted)),
      kioskPage.locator(`main[data-kind="${kind}"]`).waitFor(),
    ]);
    return snapshot.message as Wanted;
  };
  const enterPin = async (pin: string): Promise<void> => {
    for (const digit of pin) await kioskPage.locator(`.pin-key[data-key="${digit}"]`).tap();
    await kioskPage.locator('.pin-key[data-key="enter"]').tap();
  };
  return {
    dockward,
    simulator,
    wire,
    offers,
    fleet: await fleetAt(ready.central),
    kioskPage,
    fleetPage,
    complaints,
    kindsSince: () => kinds.splice(0),
    showing,
    enterPin,
    identify: async (person, badge = () => simulator.post('tap', { staff: person.id })) => {
      await badge();
      const { message } = await wire.until(`${person.short} to be known`, ({ message: { kind, ...rest } }) => (kind === 'pin' || kind === 'take') && 'name' in rest && rest.name === person.short);
      if (message.kind === 'pin') {
        await showing('pin');
        await enterPin(person.pin);
      }
      const take = await showing('take', ({ name }) => name === person.short);
      await kioskPage.locator('.numeral[data-of="slot"]', { hasText: new RegExp(`^${take.slot}$`) }).waitFor();
      await offers.checked(take.session);
      return take;
    },
    shoot: async (name, ...pages) => {
      for (const which of pages.length === 0 ? (['kiosk', 'fleet'] as const) : pages) {
        const page = which === 'kiosk' ? kioskPage : fleetPage;
        await page.evaluate(AT_REST);
        await page.screenshot({ path: join(ARTEFACTS, `${name}-${which}.png`), fullPage: which === 'fleet' });
      }
    },
    ledger: async () => {
      // What was shown by now must be in a copy made from now on; what is shown while it is copied need not be.
      const messages = [...shown.messages.values()];
      const offered = offers.all();
      const copy = await copyLedger(ready.station.data);
      const wrong = { lost: lostAcknowledgements(messages, copy.entries), unproven: offersWithoutProof(copy.entries), unclean: offered.filter(({ clean }) => !clean) };
      if (Object.values(wrong).some(({ length }) => length > 0)) throw new Error(`the ledger and what was shown: ${JSON.stringify(wrong)}`);
      const [stored, folded] = [JSON.stringify(storedTables(copy)), JSON.stringify(foldedTables(copy))];
      if (stored !== folded) throw new Error(`the stored projections are not the fold of the ledger:\n${stored}\n${folded}`);
      return copy;
    },
    close: async () => {
      wire.close();
      await browser.close();
      await dockward.interrupt();
      await rm(data, { recursive: true, force: true });
    },
  };
}

/** Waits until the fleet page's API tells of every tablet what is true in the world, and nothing waits at the cart. */
export async function everythingCaughtUp({ wire, simulator, fleet }: Stage): Promise<FleetView> {
  await wire.until('everything to be on the server', ({ network }) => network.state === 'online' && network.unsynced === 0);
  let differences: readonly string[] = [];
  return eventually(
    () => `the fleet page to agree with the world: ${differences.join('; ')}`,
    async () => {
      const [world, view] = [await simulator.world(), await fleet.fleet()];
      const told = new Map(view.devices.map(({ serial, where }) => [serial, where.kind === 'cart' ? `slot ${where.slot}` : where.kind === 'person' ? where.name : where.kind]));
      differences = world.tablets.flatMap(({ serial, asset, slot, inHandOf }) => {
        const readable = world.slots.find((place) => place.slot === slot)?.fault === 'none';
        const truth = slot === null ? (world.staff.find(({ id }) => id === inHandOf)?.name ?? 'unidentified') : readable ? `slot ${slot}` : 'unknown';
        return told.get(serial) === truth ? [] : [`${asset} is ${truth}, told ${told.get(serial)}`];
      });
      return differences.length === 0 ? view : undefined;
    },
  );
}
