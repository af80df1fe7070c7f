import { between, seededRandom } from '../../app/simulator/world/random.ts';
import { CURSOR_META } from '../../app/contract/network-event.ts';
import { person } from '../support/ward-policy.ts';
import { createCart, type Cart, type StationMutant } from './cart.ts';
import { createCentral, type CentralBackup, type CentralMutant } from './central-processes.ts';
import { createJudge, type Causes } from './judge.ts';
import { diskFrom, forget, imageOf, restoreImage, type DiskImage } from './memory-disk.ts';
import { createNetwork, GOOD_MANNERS, type NetworkManners } from './network.ts';
import { isProven, noCounts, tellLedger, type Outcome } from './outcome.ts';
import { createVirtualTime } from './virtual-time.ts';
import { createWardTruth, SIM_RULES, UPDATE_RULES, type OrdersBackup } from './ward-truth.ts';
import { publicKeyText } from './world-keys.ts';

/** What stands in for the real thing, to show that the judge would notice. */
export interface Mutant {
  readonly central?: CentralMutant;
  readonly station?: StationMutant;
}

const START_MS = Date.UTC(2027, 0, 4, 6, 50);
const SLOTS = 4;
const YEAR_MS = 365 * 86_400_000;
/** After the last misfortune everything has to settle within this. */
const PATIENCE_MS = 300_000;

/** Plays one seed. The same seed, program and mutant give the same run, event for event. */
export async function play(seed: number, mutant: Mutant = {}, told?: (line: string) => void): Promise<Outcome> {
  const random = seededRandom(seed * 2_654_435_761);
  const chance = (p: number): boolean => random() < p;
  const pick = <T>(from: readonly T[]): T | undefined => from[Math.floor(random() * from.length)];
  const counts = noCounts();
  const time = createVirtualTime(START_MS, told);

  // Each run has some of the misfortunes only: all of them at once hide each other.
  const has = { badNetwork: chance(0.8), partitions: chance(0.4), crashes: chance(0.6), powerCuts: chance(0.4), serverCrashes: chance(0.5), twoProcesses: chance(0.4), clocks: chance(0.4), hostDeaths: chance(0.3), leaps: chance(0.3), fullDisks: chance(0.15), brokenDisks: chance(0.1), standings: chance(0.3), visits: chance(0.3), proofs: chance(0.6), rotations: chance(0.2) };
  // By the seed alone: the others go on as they did when they found something.
  const hasUpdates = has.proofs && seed % 3 === 0;
  const hasBorrowers = seed % 3 === 1;
  const disaster = random();
  const may = { restoreDisks: disaster < 0.2, clone: disaster >= 0.2 && disaster < 0.27, restoreServer: disaster >= 0.15 && disaster < 0.2 || disaster >= 0.3 && disaster < 0.42 };

  const names = Array.from({ length: pick([2, 2, 2, 2, 2, 3, 3, 4]) ?? 2 }, (_, n) => `cart-${n + 1}`);
  const tabletsEach = pick([1, 1, 2]) ?? 1;
  const serials = names.flatMap((name) => Array.from({ length: tabletsEach }, (_, n) => `${name}-T${n + 1}`));
  let healed = false;
  const central = createCentral({ time, random, processes: has.twoProcesses ? 2 : 1, serials, rules: { ...(hasUpdates ? UPDATE_RULES : SIM_RULES), ...(has.rotations ? { ledgerKeyLifeMs: 5_000 } : {}) }, mutant: mutant.central ?? {}, deathAtCommit: () => (has.serverCrashes && !healed ? 0.02 : 0), counts });
  const network = createNetwork(time, random, central, counts);
  const carts: Cart[] = [];
  const truth = createWardTruth(time, random, serials, (name) => carts.find((cart) => cart.name === name)?.ledger(), () => showTablets(), hasUpdates ? counts : undefined);
  const causes: Causes = { disks: new Set(), serverRestoredMs: undefined };
  const judge = createJudge(truth, central, causes, time.nowMs);
  let keys = 0;
  const newKey = (): number => (keys += 1);

  const addCart = (name: string, station: string, image: DiskImage): Cart => {
    const cart = createCart({ name, station, slots: SLOTS, time, random, network, disk: diskFrom(image), newKey, watch: judge, mutant: mutant.station ?? {}, deathAtWrite: () => (has.crashes && !healed ? 0.005 : 0), counts });
    carts.push(cart);
    return cart;
  };
  /** What the hosts see: a tablet that erases or boots is off its port. */
  const showTablets = (): void => {
    for (const cart of carts) {
      for (let slot = 1; slot <= SLOTS; slot += 1) {
        const there = truth.inSlot(cart.name, slot);
        const serial = there && !there.rebooting ? there.serial : undefined;
        const shown = cart.host.slots.get(slot)?.serial;
        if (serial === shown) continue;
        if (serial === undefined) cart.host.take(slot);
        else cart.host.put(slot, serial);
      }
    }
  };

  for (const name of names) {
    const key = newKey();
    central.enrol(name, publicKeyText(key));
    const cart = addCart(name, name, { ledger: undefined, identity: { key, epoch: { number: 1, registered: true } }, bundle: undefined });
    for (const serial of serials.filter((each) => each.startsWith(`${name}-`))) truth.dock(serial, name, Number(serial.at(-1)));
    cart.powerOn();
  }
  const bad = (most: number): number => random() * most;
  const BAD_MANNERS: NetworkManners = { requestLost: bad(0.15), answerLost: bad(0.15), doubled: bad(0.2), overtaken: bad(0.15), busy: chance(0.2) ? bad(0.2) : 0 };
  network.manners = has.badNetwork ? BAD_MANNERS : GOOD_MANNERS;

  let openAgainMs = 0;
  const queue = (): void => {
    // While every cart is off, nothing is asked for.
    time.after(Math.max(400, openAgainMs - time.nowMs()), 'the server works its orders', () => {
      if (central.up()) void truth.workOrders(central);
      queue();
    });
  };
  // Without proofs nothing is offered; such runs are quick and full of misfortunes of the network.
  if (has.proofs) queue();

  const images = new Map<string, DiskImage[]>();
  const backups: { readonly rows: CentralBackup; readonly orders: OrdersBackup }[] = [];
  const freeSlot = (cart: Cart): number | undefined => pick(Array.from({ length: SLOTS }, (_, n) => n + 1).filter((slot) => !truth.inSlot(cart.name, slot)));
  const later = (ms: number, what: string, call: () => void): void => void time.after(ms, what, call);
  const home = (serial: string): Cart | undefined => carts.find(({ name }) => serial.startsWith(`${name}-`));

  /** A nurse taps and mostly pulls what is offered to her. */
  const nurse = (cart: Cart): void => {
    const who = person(between(random, 0, 3));
    cart.host.tap(who.uid, 'crypto');
    later(between(random, 200, 2_500), 'the nurse looks', () => {
      const offered = [...(cart.running()?.store.view.all('offer') ?? [])].find(({ actor }) => actor === who.actor);
      if (!offered) return;
      if (chance(0.75)) truth.pull(cart.name, offered.slot);
      else if (chance(0.3)) truth.pull(cart.name, between(random, 1, SLOTS));
    });
  };
  const bringBack = (): void => {
    const tablet = pick(truth.inHand());
    if (!tablet) return;
    truth.useInHand(tablet.serial);
    const cart = has.visits && chance(0.4) ? pick(carts) : home(tablet.serial);
    const slot = cart && freeSlot(cart);
    if (cart && slot !== undefined) truth.dock(tablet.serial, cart.name, slot);
  };

  /** Out, used and back where it stood, before anybody looks again. */
  const borrow = (cart: Cart): void => {
    const slot = pick(Array.from({ length: SLOTS }, (_, n) => n + 1).filter((each) => truth.inSlot(cart.name, each)));
    const tablet = slot === undefined ? undefined : truth.pull(cart.name, slot);
    if (slot === undefined || !tablet) return;
    counts.borrowed += 1;
    truth.useInHand(tablet.serial);
    truth.dock(tablet.serial, cart.name, slot);
  };

  type Happening = readonly [weight: number, happen: (cart: Cart) => void];
  const happenings: readonly Happening[] = [
    [8, nurse],
    [5, bringBack],
    [1.5, (cart) => void truth.pull(cart.name, between(random, 1, SLOTS))],
    [has.crashes ? 1.5 : 0, (cart) => cart.kill()],
    [has.powerCuts ? 1 : 0, (cart) => {
      cart.powerOff();
      later(between(random, 500, 4_000), `power comes back to ${cart.name}`, () => switchOn(cart));
    }],
    [has.partitions ? 1.2 : 0, (cart) => {
      network.cut.add(cart.name);
      later(between(random, 500, 12_000), `the network of ${cart.name} is back`, () => network.cut.delete(cart.name));
    }],
    [has.serverCrashes ? 1 : 0, () => central.kill(between(random, 0, 1), between(random, 200, 3_000))],
    [has.serverCrashes ? 0.4 : 0, () => void central.outage(between(random, 500, 6_000))],
    [has.hostDeaths ? 1 : 0, (cart) => {
      cart.hostDies();
      if (hasBorrowers) borrow(cart);
      later(between(random, 200, 4_000), `the host of ${cart.name} starts`, cart.hostStarts);
    }],
    [has.clocks ? 1 : 0, (cart) => {
      counts.clockTurns += 1;
      cart.turnClock(clockError());
    }],
    [has.clocks ? 0.5 : 0, () => {
      counts.clockTurns += 1;
      central.turnClock(chance(0.4) ? 0 : clockError());
    }],
    [has.fullDisks ? 1 : 0, (cart) => {
      cart.disk.full = true;
      later(between(random, 500, 6_000), `room on the disk of ${cart.name}`, () => {
        cart.disk.full = false;
      });
    }],
    [has.brokenDisks ? 0.6 : 0, (cart) => {
      cart.disk.failing = true;
    }],
    [has.standings ? 0.5 : 0, () => central.setStanding(pick(serials) ?? '', pick(['admitted', 'admitted', 'lost', 'in-service'] as const) ?? 'admitted')],
    [may.restoreDisks ? 1.2 : 0, (cart) => void images.set(cart.name, [...(images.get(cart.name) ?? []), imageOf(cart.disk)])],
    [may.restoreDisks ? 0.8 : 0, restoreDisk],
    [may.clone ? 0.6 : 0, clone],
    [may.restoreServer ? 1 : 0, () => void backups.push({ rows: central.backup(), orders: truth.ordersBackup() })],
    [may.restoreServer ? 0.5 : 0, restoreServer],
    [has.leaps ? 0.4 : 0, leap],
    [hasUpdates ? 15 : 0, handInUpdate],
  ];
  const clockError = (): number => (chance(0.5) ? between(random, -10 * YEAR_MS, 10 * YEAR_MS) : between(random, -120_000, 120_000));
  let nextStepMs = 0;

  /** Somebody takes a tablet in the middle of its update, seen or not, works with it and mostly puts it back where it was; then others want one. */
  function handInUpdate(cart: Cart): void {
    const updating = [...(cart.running()?.store.view.all('device') ?? [])].filter(({ update, custody }) => update && update.outcome === undefined && custody.kind === 'cart');
    const device = pick(updating);
    if (device?.custody.kind !== 'cart') return;
    const { slot } = device.custody;
    if (chance(0.3)) truth.mdm.misbehave({ fault: chance(0.5) ? 'update-fails' : 'update-never-ends', serial: device.serial });
    const isSeen = chance(0.6);
    if (!isSeen) cart.hostDies();
    const pulled = truth.pull(cart.name, slot);
    const backMs = between(random, 500, 8_000);
    if (!isSeen) later(Math.max(0, backMs - between(random, -1_000, 2_500)), `the host of ${cart.name} starts`, cart.hostStarts);
    if (!pulled) return;
    counts.handsInUpdates += 1;
    later(backMs, 'the tablet is put back', () => {
      if (!truth.inHand().includes(pulled)) return;
      truth.useInHand(pulled.serial);
      const free = chance(0.8) && !truth.inSlot(cart.name, slot) ? slot : freeSlot(cart);
      if (free !== undefined) truth.dock(pulled.serial, cart.name, free);
    });
    for (const again of [1, 2, 3]) later(backMs + again * between(random, 500, 4_000), 'the next nurse comes', () => nurse(cart));
  }
  function restoreDisk(cart: Cart): void {
    const image = pick(images.get(cart.name) ?? []);
    if (!image || counts.diskRestores >= 3) return;
    counts.diskRestores += 1;
    causes.disks.add(cart.station);
    cart.powerOff();
    restoreImage(cart.disk, image, pick(['all', 'all', 'all', 'ledger', 'identity'] as const) ?? 'all');
    later(between(random, 500, 3_000), `${cart.name} boots from an older image`, () => switchOn(cart));
  }
  function clone(cart: Cart): void {
    if (counts.clones > 0 || !cart.disk.ledger) return;
    counts.clones += 1;
    causes.disks.add(cart.station);
    addCart(`${cart.name}-clone`, cart.station, imageOf(cart.disk)).powerOn();
  }
  function restoreServer(): void {
    const backup = pick(backups);
    if (!backup || counts.serverRestores >= 2) return;
    counts.serverRestores += 1;
    causes.serverRestoredMs = time.nowMs();
    central.restore(backup.rows);
    truth.restoreOrders(backup.orders);
  }
  function switchOn(cart: Cart): void {
    if (time.nowMs() >= openAgainMs) cart.powerOn();
  }
  /** Every cart is switched off for days or years. */
  function leap(): void {
    for (const cart of carts) cart.powerOff();
    nextStepMs = chance(0.5) ? between(random, 60_000, 10 * 86_400_000) : between(random, 86_400_000, 3 * YEAR_MS);
    openAgainMs = time.nowMs() + nextStepMs;
    later(nextStepMs, 'the ward opens again', () => {
      for (const cart of carts) cart.powerOn();
    });
  }

  const total = happenings.reduce((sum, [weight]) => sum + weight, 0);
  let steps = between(random, 14, 40) * (hasUpdates ? 2 : 1);
  const step = (): void => {
    if (steps <= 0) return;
    steps -= 1;
    nextStepMs = 0;
    let dice = random() * total;
    for (const [weight, happen] of happenings) {
      dice -= weight;
      if (dice > 0) continue;
      const cart = pick(carts);
      if (cart) happen(cart);
      break;
    }
    later(nextStepMs + between(random, 30, 700), 'something happens', step);
  };
  later(between(random, 0, 6_000), 'something happens', step);
  await time.run(Number.MAX_SAFE_INTEGER, () => (steps <= 0 && time.nowMs() >= openAgainMs) || judge.divergences.length > 0);

  if (judge.divergences.length === 0) {
    healed = true;
    network.manners = GOOD_MANNERS;
    network.cut.clear();
    const heal = (): void => {
      for (const cart of carts) {
        cart.disk.full = false;
        cart.disk.failing = false;
        cart.powerOn();
        cart.hostStarts();
      }
    };
    heal();
    const openMs = time.nowMs();
    let settledAtMs = 0;
    await time.run(openMs + PATIENCE_MS, () => {
      if (time.nowMs() - settledAtMs < 500) return false;
      settledAtMs = time.nowMs();
      heal();
      return judge.divergences.length > 0 || unsettled().length === 0;
    });
    const open = unsettled();
    if (judge.divergences.length === 0 && open.length > 0) judge.diverged(`does not settle within ${PATIENCE_MS / 1_000} s: ${open.join('; ')}`);
    if (judge.divergences.length === 0) {
      const held = { count: 0 };
      judge.judgeAll(carts, central, held);
      counts.entries = held.count;
    }
  }
  if (told) for (const cart of carts) tellLedger(cart, told);
  const stopped = central.outage(0);
  counts.serverDeaths -= stopped;
  for (const cart of carts) cart.powerOff();
  for (const cart of carts) forget(cart.disk);
  counts.offers = judge.offers.made;
  counts.epochs = [...central.rows().origins.values()].filter(({ row }) => row.epoch > 1).length;
  return { seed, divergences: judge.divergences, traceHash: time.traceHash(), counts };

  /** What still has to arrive somewhere. */
  function unsettled(): string[] {
    return carts.flatMap((cart): string[] => {
      const running = cart.running();
      if (!running) return [`${cart.name} does not run`];
      const { store, origin } = running;
      const held = central.rows().origins.get(origin)?.entries.length ?? 0;
      const cursor = central.statementsOf(cart.station).at(-1)?.cursor ?? 0;
      return [
        ...(store.acked().size === store.size() && held === store.size() ? [] : [`${cart.name} has ${store.size()} entries of ${origin}, ${store.acked().size} acknowledged, ${held} on the server`]),
        // More than a restored server counts, while it has nothing new to say.
        ...(Number(store.getMeta(CURSOR_META) ?? 0) >= cursor ? [] : [`${cart.name} has statements up to ${store.getMeta(CURSOR_META)} of ${cursor}`]),
        ...((store.view.get('cart', 'cart')?.bundle?.version ?? 0) === central.bundleVersion() ? [] : [`${cart.name} holds bundle ${store.view.get('cart', 'cart')?.bundle?.version} of ${central.bundleVersion()}`]),
        ...[...cart.host.slots.values()].flatMap(({ slot, serial }) => (serial === undefined || !has.proofs || isProven(store.view.get('device', serial)) ? [] : [`${serial} in slot ${slot} of ${cart.name} is not proven`])),
      ];
    });
  }
}
