import { createMdm, observation, type Mdm } from '../../app/simulator/world/mdm.ts';
import { between, seededRandom } from '../../app/simulator/world/random.ts';
import { createTablet, uncleanBecause, use, type Tablet } from '../../app/simulator/world/tablet.ts';
import { candidates, chooseDevice } from '../../app/domain/choose-device.ts';
import { judgeDocking } from '../../app/domain/docking.ts';
import type { EntryDraft, LedgerValue, RecordedEntry } from '../../app/domain/entries.ts';
import { provenFacts, type ProvenFact } from '../../app/domain/mdm-evidence.ts';
import { projectEntry } from '../../app/domain/projection.ts';
import { RELEASE_GATE, type GateLeaf, type LiveSlot } from '../../app/domain/release-gate.ts';
import { judgeRemoval } from '../../app/domain/removal.ts';
import type { Rules } from '../../app/domain/rules.ts';
import { judgeBinding, nextSanitizationStep } from '../../app/domain/sanitization.ts';
import { ladderRow } from '../../app/domain/staleness.ts';
import type { CartView, DeviceRow, TableName, Tables } from '../../app/domain/tables.ts';
import type { DeviceStanding, UnprovenReason } from '../../app/domain/terms.ts';
import { RULES } from '../support/ward-rules.ts';

const WARD = '7e';
const HERE = { tenant: 'demo', station: 'cart-a' };
const PACE = { deliver: [200, 700], erase: [800, 2000], enrol: [700, 1800], report: [200, 500], settle: 60_000, replay: 20_000, reportEvery: 3_600_000 } as const;

interface Sanitization {
  readonly request: string;
  readonly nonce: string;
  readonly serial: string;
  previous?: string;
  command?: string;
  /** Largest ledger size the server held when it looked and saw no new enrolment. */
  unseenAtSize: number;
  readonly stated: Set<ProvenFact['kind']>;
  failed: boolean;
}
export interface Statement {
  readonly claims: { tenant: string; station: string; serial: string; request: string; nonce: string };
  readonly facts: ({ readonly kind: string } & Record<string, LedgerValue>) | ProvenFact;
  readonly issuedAtMs: number;
}

/**
 * A cart, its tablets, an MDM and a server in one deterministic world, for histories by the hundred thousand. The rules
 * are the product's own; the judge of every offer is the virtual tablet that really sits in the slot.
 */
export interface WardWorld {
  readonly mdm: Mdm;
  readonly tablets: readonly Tablet[];
  readonly random: () => number;
  readonly entries: readonly RecordedEntry[];
  readonly outbox: Statement[];
  /** Offers whose tablet was not fit for the next person, with what was wrong. */
  readonly unclean: string[];
  offers(): number;
  nowMs(): number;
  device(serial: string): DeviceRow | undefined;
  reasons(serial: string): readonly UnprovenReason[];
  inSlot(slot: number): Tablet | undefined;
  inHand(): readonly string[];
  advance(ms: number): void;
  dock(serial: string, slot: number): void;
  pull(slot: number): void;
  useInHand(serial: string): void;
  hostDown(): void;
  hostUp(): void;
  pursue(): void;
  /** The server reads the ledger, speaks with the MDM and puts what is proven into the outbox. */
  serverLooks(): void;
  /** The server states again what it stated before (R3: evidence is refreshed). */
  serverRestates(): void;
  deliver(index: number): void;
  deliverAll(): void;
  tap(actor: string): number | undefined;
  setStanding(serial: string, standing: DeviceStanding): void;
  newBundle(): void;
  setRules(rules: Partial<Rules>): void;
  /** Wipe, proof and all: runs the world until every docked tablet is proven or `limitMs` is over. */
  settle(limitMs?: number): void;
}

export function createWardWorld(options: { seed: number; leaves?: readonly GateLeaf[]; slots?: number; tablets?: number }): WardWorld {
  const random = seededRandom(options.seed);
  const leaves = options.leaves ?? RELEASE_GATE;
  const slotCount = options.slots ?? 3;
  let nowMs = 1_800_000_000_000;
  let rules: Rules = RULES;
  const mdm = createMdm({ random, clockMs: nowMs, pace: PACE });
  const tablets = Array.from({ length: options.tablets ?? 2 }, (_, n) => createTablet({ serial: `T${n}`, profile: 'ward', charge: 90 }));
  for (const tablet of tablets) mdm.admit(tablet);
  const physical = new Map<number, Tablet>();
  const hands = new Map<string, number>();
  const entries: RecordedEntry[] = [];
  const unclean: string[] = [];
  const outbox: Statement[] = [];
  const lastUnproven = new Map<string, readonly UnprovenReason[]>();
  const standings = new Map<string, DeviceStanding>();
  const live = new Map<number, string>();
  const charges = new Map<number, number>();
  let watching = true;
  let lostAtMs = 0;
  let bundle = { issuedAtMs: nowMs };
  let ids = 0;
  let offers = 0;

  const tables: { [T in TableName]: Map<string, Tables[T]> } = { device: new Map(), offer: new Map(), person: new Map(), enrolment: new Map(), cart: new Map(), slot: new Map(), model: new Map() };
  const view: CartView = {
    get: (table, key) => tables[table].get(key) as never,
    all: (table) => tables[table].values() as never,
  };
  const record = (draft: EntryDraft): void => {
    const seq = entries.length;
    const entry = { ...draft, seq, leaf: `leaf-${seq}`, atMs: nowMs, station: HERE.station } as RecordedEntry;
    for (const { table, key, row } of projectEntry(view, entry)) {
      if (row === undefined) tables[table].delete(key);
      else (tables[table] as Map<string, unknown>).set(key, row);
    }
    entries.push(entry);
  };
  const fresh = (): string => `id-${(ids += 1)}`;

  const liveSlots = (): LiveSlot[] =>
    Array.from({ length: slotCount }, (_, n) => {
      const slot = n + 1;
      const serial = watching ? live.get(slot) : undefined;
      const charge = charges.get(slot);
      return { slot, twice: false, ...(serial === undefined ? {} : { serial }), ...(charge === undefined ? {} : { battery: { percent: Math.floor(charge), ageMs: 0 } }) };
    });
  const readCharges = (): void => {
    if (watching) for (const [slot, { charge }] of physical) charges.set(slot, charge);
  };
  const judged = () => candidates({ view, live: liveSlots(), rules, ladder: ladderRow(bundle, { ms: nowMs, unsure: false }), nowMs, leaves });
  const remember = (): void => {
    for (const { device, unproven } of judged()) lastUnproven.set(device.serial, unproven.map(({ reason }) => reason));
  };

  const departed = (serial: string, slot: number): void => {
    const device = view.get('device', serial);
    if (!device || device.custody.kind !== 'cart' || device.custody.slot !== slot) return;
    const request = device.request;
    const mayReboot = request !== undefined && request.exposure === device.exposure?.leaf && !request.failure && !device.evidence.enrolment;
    record(judgeRemoval({ device, slot, unproven: lastUnproven.get(serial) ?? ['exposed'], openOffers: [...view.all('offer')], mayReboot, claimUntilMs: nowMs + rules.claimMs, nowMs, release: fresh() }).draft);
  };
  const arrived = (serial: string, slot: number, unobservedMs: number): void => {
    for (const draft of judgeDocking({ serial, slot, device: view.get('device', serial), rules, unobservedMs, nowMs }).drafts) record(draft);
  };
  /** What USB shows: a tablet that is erasing or booting is off it. */
  const look = (unobservedMs: number): void => {
    if (!watching) return;
    for (let slot = 1; slot <= slotCount; slot += 1) {
      const before = live.get(slot);
      const tablet = physical.get(slot);
      const now = tablet && !tablet.rebooting ? tablet.serial : undefined;
      if (now === undefined) live.delete(slot);
      else live.set(slot, now);
      for (const device of [...view.all('device')]) if (device.custody.kind === 'cart' && device.custody.slot === slot && device.serial !== now) departed(device.serial, slot);
      if (now !== undefined && (before !== now || unobservedMs > 0)) arrived(now, slot, unobservedMs);
    }
    readCharges();
    remember();
  };
  const lapse = (): void => {
    for (const device of [...view.all('device')]) {
      const { custody } = device;
      if (custody.kind === 'rebooting' && nowMs - custody.sinceMs > rules.rebootMaxMs) record({ type: 'unidentified-removal', device: device.serial, slot: custody.slot, body: { release: fresh(), claimUntilMs: nowMs + rules.claimMs } });
      if (custody.kind === 'unidentified' && custody.claimUntilMs <= nowMs) record({ type: 'removal-unclaimed', device: device.serial, slot: custody.slot, body: { release: custody.release } });
    }
    for (const offer of [...view.all('offer')]) if (offer.untilMs <= nowMs) record({ type: 'offer-lapsed', device: offer.serial, actor: offer.actor, slot: offer.slot, body: { offer: offer.offer, cause: 'not-pulled' } });
  };

  const orders: Sanitization[] = [];
  const enrolmentStatedFor = new Map<string, string>();
  let readUpTo = 0;
  const serverReads = (): void => {
    for (; readUpTo < entries.length; readUpTo += 1) {
      const entry = entries[readUpTo];
      if (entry?.type !== 'sanitization-requested' || entry.device === undefined) continue;
      orders.push({ request: entry.body.request, nonce: entry.body.nonce, serial: entry.device, unseenAtSize: 0, stated: new Set(), failed: false });
    }
  };
  const send = (order: Sanitization, facts: Statement['facts']): void => {
    outbox.push({ claims: { ...HERE, serial: order.serial, request: order.request, nonce: order.nonce }, facts, issuedAtMs: nowMs });
  };
  const profileOf = (serial: string): string => tablets.find((tablet) => tablet.serial === serial)?.wantedProfile ?? '';
  const work = (order: Sanitization): void => {
    if (order.failed) return;
    if (order.command === undefined) {
      const active = mdm.listed().filter(({ serial, state }) => serial === order.serial && state === 'active').at(-1);
      const command = active && mdm.issueWipe(active.name, { request: order.request });
      if (!active || !command) return;
      order.previous = active.name;
      order.command = command.name;
      return;
    }
    const previous = order.previous ?? '';
    const seen = observation(mdm, order.serial, previous, order.command);
    const facts = provenFacts({ serial: order.serial, profile: profileOf(order.serial), previous }, seen);
    const enrolled = facts.find((fact) => fact.kind === 'enrolled');
    if (!enrolled) order.unseenAtSize = readUpTo;
    if (!enrolled && (seen.command.state === 'expired' || seen.command.state === 'failed')) {
      order.failed = true;
      send(order, { kind: 'sanitization-failed', failure: 'command-expired' });
      return;
    }
    if (enrolled && seen.enrolments.some(({ enrolment, state }) => enrolment === previous && state !== 'deleted')) mdm.remove(previous);
    for (const fact of facts) {
      if (order.stated.has(fact.kind)) continue;
      if (fact.kind === 'enrolled') {
        const owner = enrolmentStatedFor.get(fact.enrolment) ?? order.request;
        if (owner !== order.request) {
          order.failed = true;
          send(order, { kind: 'sanitization-failed', failure: 'enrolment-reused' });
          return;
        }
        enrolmentStatedFor.set(fact.enrolment, order.request);
      }
      order.stated.add(fact.kind);
      send(order, fact.kind === 'enrolled' ? { ...fact, unseenAtSize: order.unseenAtSize } : fact);
    }
  };
  const take = (statement: Statement): void => {
    const device = view.get('device', statement.claims.serial);
    if (judgeBinding(statement.claims, HERE, device)) return;
    const { kind, ...facts } = statement.facts;
    if (kind === 'sanitization-failed') {
      record({ type: 'sanitization-failed', device: statement.claims.serial, body: { request: statement.claims.request, reason: 'command-expired' } });
      return;
    }
    record({
      type: 'statement-accepted',
      device: statement.claims.serial,
      body: { kind: kind as ProvenFact['kind'], request: statement.claims.request, digest: 'd', issuedAtMs: statement.issuedAtMs, facts: facts as Record<string, LedgerValue> },
    });
    remember();
  };

  const world: WardWorld = {
    mdm,
    tablets,
    random,
    entries,
    outbox,
    unclean,
    offers: () => offers,
    nowMs: () => nowMs,
    device: (serial) => view.get('device', serial),
    reasons: (serial) => judged().find(({ device }) => device.serial === serial)?.unproven.map(({ reason }) => reason) ?? ['serial-differs'],
    inSlot: (slot) => physical.get(slot),
    inHand: () => [...hands.keys()],
    advance: (ms) => {
      const until = nowMs + ms;
      for (let due = mdm.nextDueMs(); due !== undefined && due <= until; due = mdm.nextDueMs()) {
        nowMs = Math.max(nowMs, due);
        mdm.tick(nowMs);
        look(0);
      }
      nowMs = until;
      mdm.tick(nowMs);
      look(0);
      lapse();
    },
    dock: (serial, slot) => {
      const tablet = tablets.find((each) => each.serial === serial);
      if (!tablet || physical.has(slot)) return;
      hands.delete(serial);
      physical.set(slot, tablet);
      look(0);
    },
    pull: (slot) => {
      const tablet = physical.get(slot);
      if (!tablet) return;
      physical.delete(slot);
      hands.set(tablet.serial, nowMs);
      look(0);
    },
    useInHand: (serial) => {
      const tablet = tablets.find((each) => each.serial === serial);
      const since = hands.get(serial);
      if (!tablet || since === undefined || nowMs - since <= rules.gapMaxMs || tablet.enrolment === null || tablet.rebooting) return;
      use(tablet, `person-${nowMs}`);
    },
    hostDown: () => {
      if (!watching) return;
      watching = false;
      lostAtMs = nowMs;
    },
    hostUp: () => {
      if (watching) return;
      watching = true;
      look(Math.max(1, nowMs - lostAtMs));
    },
    pursue: () => {
      if (!watching) return;
      for (const device of [...view.all('device')]) {
        const liveSerial = device.custody.kind === 'cart' ? live.get(device.custody.slot) : undefined;
        const draft = nextSanitizationStep({ device, liveSerial, nowMs, rules, newRequest: fresh(), newNonce: fresh() });
        if (draft) record(draft);
      }
    },
    serverLooks: () => {
      serverReads();
      for (const order of orders.slice(-6)) work(order);
    },
    serverRestates: () => {
      for (const order of orders.slice(-4)) {
        for (const kind of ['queue-clear', 'profile-present', 'posture'] as const) order.stated.delete(kind);
        work(order);
      }
    },
    deliver: (index) => {
      const statement = outbox[index];
      if (statement) take(statement);
    },
    deliverAll: () => {
      for (const statement of outbox.splice(0)) take(statement);
    },
    tap: (actor) => {
      if ([...view.all('offer')].some((offer) => offer.actor === actor)) return undefined;
      readCharges();
      const all = judged();
      const chosen = chooseDevice(all, [WARD], new Set([...view.all('offer')].map(({ serial }) => serial)));
      if (!chosen) return undefined;
      offers += 1;
      const { slot } = chosen.live;
      const wrong = unfit(chosen.device, slot);
      if (wrong.length > 0) unclean.push(`slot ${slot}: ${wrong.join(', ')}`);
      record({ type: 'offered', device: chosen.device.serial, actor, slot, body: { offer: fresh(), release: fresh(), assurance: 'uid', stale: false, request: chosen.device.request?.request ?? 'none', chargePercent: chosen.chargePercent, untilMs: nowMs + rules.offerMs } });
      return slot;
    },
    setStanding: (serial, standing) => {
      standings.set(serial, standing);
      record({ type: 'device-standing', device: serial, body: { standing, bundleVersion: 1 } });
    },
    newBundle: () => {
      bundle = { issuedAtMs: nowMs };
    },
    setRules: (changed) => {
      rules = { ...rules, ...changed };
    },
    settle: (limitMs = 60_000) => {
      for (let spent = 0; spent < limitMs; spent += 250) {
        world.pursue();
        world.serverLooks();
        world.deliverAll();
        if (judged().length > 0 && judged().every(({ unproven }) => unproven.length === 0)) return;
        world.advance(250);
      }
    },
  };

  /** The oracle: the tablet that really stands in the slot, and what the ward really knows of it. */
  const unfit = (device: DeviceRow, slot: number): string[] => {
    const tablet = physical.get(slot);
    if (!tablet) return ['nothing in the slot'];
    const standing = standings.get(tablet.serial) ?? 'admitted';
    return [
      ...uncleanBecause(tablet, mdm),
      ...(tablet.serial === device.serial ? [] : ['another tablet in the slot']),
      ...(standing === 'admitted' ? [] : [standing]),
      ...(tablet.charge >= rules.batteryFloorPercent ? [] : ['empty']),
      ...(nowMs - bundle.issuedAtMs <= 7 * 86_400_000 ? [] : ['list of staff and devices too old']),
      ...(rules.mandatoryLeaves.includes('attestation') ? ['not attested'] : []),
    ];
  };

  for (const [n, tablet] of tablets.entries()) {
    record({ type: 'device-admitted', device: tablet.serial, body: { asset: tablet.serial, ward: WARD, model: 'SM-X306B', profile: 'ward', bundleVersion: 1 } });
    world.dock(tablet.serial, n + 1);
  }
  return world;
}

/** A number that is small more often than large. */
export const skewed = (random: () => number, low: number, high: number): number => between(random, low, between(random, low, high));
