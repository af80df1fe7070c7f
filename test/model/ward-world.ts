import { createMdm, type Mdm } from '../../app/simulator/world/mdm.ts';
import { between, seededRandom } from '../../app/simulator/world/random.ts';
import { createTablet, uncleanBecause, use, type Tablet } from '../../app/simulator/world/tablet.ts';
import { candidates, chooseDevice } from '../../app/domain/choose-device.ts';
import { judgeDocking } from '../../app/domain/docking.ts';
import type { EntryDraft, LedgerValue, RecordedEntry } from '../../app/domain/entries.ts';
import type { ProvenFact } from '../../app/domain/mdm-evidence.ts';
import { restartsFor } from '../../app/domain/os-update.ts';
import { projectEntry } from '../../app/domain/projection.ts';
import { RELEASE_GATE, type GateLeaf, type LiveSlot } from '../../app/domain/release-gate.ts';
import { judgeRemoval } from '../../app/domain/removal.ts';
import type { Rules } from '../../app/domain/rules.ts';
import { judgeBinding } from '../../app/domain/sanitization.ts';
import { nextSanitizationSteps } from '../../app/domain/sanitization-runner.ts';
import { completedSanitization } from '../../app/domain/sanitized.ts';
import { ladderRow } from '../../app/domain/staleness.ts';
import type { CartView, DeviceRow, TableName, Tables } from '../../app/domain/tables.ts';
import type { DeviceStanding, UnprovenReason } from '../../app/domain/terms.ts';
import { RULES } from '../support/ward-rules.ts';
import { createWardServer, type Facts } from './ward-server.ts';

const WARD = '7e';
const HERE = { tenant: 'demo', station: 'cart-a' };
const PACE = { deliver: [200, 700], erase: [800, 2000], enrol: [700, 1800], report: [200, 500], settle: 60_000, replay: 20_000, reportEvery: 3_600_000 } as const;

/** What can happen to a statement on its way, and to the cart's sight; a search counts each, so that none is only believed to occur. */
export const HAPPENINGS = [
  'lost', 'late', 'duplicate', 'replayed', 'stale', 'contradictory', 'wrong-tenant', 'wrong-station', 'wrong-serial', 'wrong-request', 'wrong-nonce',
  'absence', 'absence-too-long', 'host-down-short', 'host-down-long', 'hub-reset-short', 'hub-reset-long', 'certified',
] as const;
export type Happening = (typeof HAPPENINGS)[number];

export interface Statement {
  readonly claims: { tenant: string; station: string; serial: string; request: string; nonce: string };
  readonly facts: Facts;
  readonly issuedAtMs: number;
  /** What is wrong with it, where it was not the server that made it so. */
  readonly forged?: Extract<Happening, 'contradictory' | `wrong-${string}`>;
}

/**
 * A cart, its tablets, an MDM and a server in one deterministic world, for histories by the hundred thousand. The rules
 * are the product's own; the judge of every offer and every certificate is the virtual tablet that really sits in the slot.
 * A statement that was taken before is taken again here, though a station refuses it: the gate must hold even then.
 */
export interface WardWorld {
  readonly mdm: Mdm;
  readonly tablets: readonly Tablet[];
  readonly random: () => number;
  readonly entries: readonly RecordedEntry[];
  readonly outbox: Statement[];
  /** Statements that have arrived, oldest first. */
  readonly arrived: readonly Statement[];
  readonly happened: ReadonlyMap<Happening, number>;
  /** Offers whose tablet was not fit for the next person, and certificates of one that was not sanitized, with what was wrong. */
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
  /** Serials of tablets held for longer than the gap that the rules take for nothing. */
  inHandForLong(): readonly string[];
  hostDown(): void;
  hostUp(): void;
  /** Every slot goes dark at one moment, whatever stands in it. */
  hubGoes(): void;
  hubBack(): void;
  pursue(): void;
  /** The server reads the ledger, speaks with the MDM and puts what is proven into the outbox. */
  serverLooks(): void;
  /** The server states again what it stated before (R3: evidence is refreshed). */
  serverRestates(): void;
  deliver(index: number): void;
  deliverAll(): void;
  /** It never arrives. */
  lose(index: number): void;
  tap(actor: string): number | undefined;
  setStanding(serial: string, standing: DeviceStanding): void;
  newBundle(): void;
  setRules(rules: Partial<Rules>): void;
  /** Wipe, proof and all: runs the world until every docked tablet is proven or `limitMs` is over. */
  settle(limitMs?: number): void;
}

export function createWardWorld(options: { seed: number; leaves?: readonly GateLeaf[]; slots?: number; tablets?: number; wipesAtOnce?: number }): WardWorld {
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
  const arrived: Statement[] = [];
  const everArrived = new Set<Statement>();
  const happened = new Map<Happening, number>();
  const lastUnproven = new Map<string, readonly UnprovenReason[]>();
  const standings = new Map<string, DeviceStanding>();
  const live = new Map<number, string>();
  const charges = new Map<number, number>();
  let watching = true;
  let lostAtMs = 0;
  let hubGoneAtMs: number | undefined;
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
  const note = (what: Happening): void => void happened.set(what, (happened.get(what) ?? 0) + 1);

  const liveSlot = (slot: number): LiveSlot => {
    const serial = watching ? live.get(slot) : undefined;
    const charge = charges.get(slot);
    return { slot, twice: false, ...(serial === undefined ? {} : { serial }), ...(charge === undefined ? {} : { battery: { percent: Math.floor(charge), ageMs: 0 } }) };
  };
  const liveSlots = (): LiveSlot[] => Array.from({ length: slotCount }, (_, n) => liveSlot(n + 1));
  const readCharges = (): void => {
    if (watching && hubGoneAtMs === undefined) for (const [slot, { charge }] of physical) charges.set(slot, charge);
  };
  const judged = () => candidates({ view, live: liveSlots(), rules, ladder: ladderRow(bundle, { ms: nowMs, unsure: false }), nowMs, leaves });
  const remember = (): void => {
    for (const { device, unproven } of judged()) lastUnproven.set(device.serial, unproven.map(({ reason }) => reason));
  };

  const departed = (serial: string, slot: number): void => {
    const device = view.get('device', serial);
    if (!device || device.custody.kind !== 'cart' || device.custody.slot !== slot) return;
    const restarts = restartsFor(device);
    record(judgeRemoval({ device, slot, unproven: lastUnproven.get(serial) ?? ['exposed'], openOffers: [...view.all('offer')], restarts, claimUntilMs: nowMs + rules.claimMs, nowMs, release: fresh() }).draft);
    if (restarts !== undefined) note('absence');
  };
  const docked = (serial: string, slot: number, unobservedMs: number): void => {
    for (const draft of judgeDocking({ serial, slot, device: view.get('device', serial), rules, unobservedMs, detached: false, nowMs }).drafts) record(draft);
  };
  /** What USB shows: a tablet that is erasing or booting is off it. */
  const look = (unobservedMs: number): void => {
    if (!watching) return;
    for (let slot = 1; slot <= slotCount; slot += 1) {
      const before = live.get(slot);
      const tablet = physical.get(slot);
      const now = tablet && !tablet.rebooting && hubGoneAtMs === undefined ? tablet.serial : undefined;
      if (now === undefined) live.delete(slot);
      else live.set(slot, now);
      for (const device of [...view.all('device')]) if (device.custody.kind === 'cart' && device.custody.slot === slot && device.serial !== now) departed(device.serial, slot);
      if (now !== undefined && (before !== now || unobservedMs > 0)) docked(now, slot, unobservedMs);
    }
    readCharges();
    remember();
  };
  const lapse = (): void => {
    for (const device of [...view.all('device')]) {
      const { custody } = device;
      if (custody.kind === 'rebooting' && nowMs - custody.sinceMs > rules.rebootMaxMs) {
        note('absence-too-long');
        record({ type: 'unidentified-removal', device: device.serial, slot: custody.slot, body: { release: fresh(), claimUntilMs: nowMs + rules.claimMs } });
      }
      if (custody.kind === 'unidentified' && custody.claimUntilMs <= nowMs) record({ type: 'removal-unclaimed', device: device.serial, slot: custody.slot, body: { release: custody.release } });
    }
    for (const offer of [...view.all('offer')]) if (offer.untilMs <= nowMs) record({ type: 'offer-lapsed', device: offer.serial, actor: offer.actor, slot: offer.slot, body: { offer: offer.offer, cause: 'not-pulled' } });
  };

  const server = createWardServer({ mdm, entries, nowMs: () => nowMs, profileOf: (serial) => tablets.find((tablet) => tablet.serial === serial)?.wantedProfile ?? '', send: ({ serial, request, nonce }, facts) => void outbox.push({ claims: { ...HERE, serial, request, nonce }, facts, issuedAtMs: nowMs }) });
  const take = (statement: Statement): void => {
    const device = view.get('device', statement.claims.serial);
    noteArrival(statement, device);
    if (judgeBinding(statement.claims, HERE, device)) return;
    const { kind, ...facts } = statement.facts;
    if (kind === 'sanitization-failed') {
      record({ type: 'sanitization-failed', device: statement.claims.serial, body: { request: statement.claims.request, reason: facts['failure' as never] } });
      return;
    }
    record({
      type: 'statement-accepted',
      device: statement.claims.serial,
      body: { kind: kind as ProvenFact['kind'], request: statement.claims.request, digest: 'd', issuedAtMs: statement.issuedAtMs, facts: facts as Record<string, LedgerValue> },
    });
    remember();
    certify();
  };
  const noteArrival = (statement: Statement, device: DeviceRow | undefined): void => {
    const { claims, forged, issuedAtMs } = statement;
    const bound = device?.request?.request === claims.request;
    if (forged !== undefined && (forged !== 'contradictory' || bound)) note(forged);
    if (nowMs - issuedAtMs > 60_000) note('late');
    if (bound && nowMs - issuedAtMs > rules.evidenceMaxAgeMs) note('stale');
    if (everArrived.has(statement)) note(bound ? 'duplicate' : 'replayed');
    everArrived.add(statement);
    arrived.push(statement);
  };
  /** As the station does whenever something has happened; the judge is the tablet, at that very moment. */
  const certify = (): void => {
    if (!watching) return;
    for (const device of [...view.all('device')]) {
      if (device.custody.kind !== 'cart' || device.request === undefined || device.request.request === device.sanitized?.request) continue;
      const slot = liveSlot(device.custody.slot);
      const done = completedSanitization({ device, live: slot, rules, ladder: ladderRow(bundle, { ms: nowMs, unsure: false }), nowMs });
      if (!done) continue;
      const wrong = unsanitized(device, slot.slot);
      if (wrong.length > 0) unclean.push(`certified in slot ${slot.slot}: ${wrong.join(', ')}`);
      note('certified');
      record(done);
    }
  };

  const world: WardWorld = {
    mdm,
    tablets,
    random,
    entries,
    outbox,
    arrived,
    happened,
    unclean,
    offers: () => offers,
    nowMs: () => nowMs,
    device: (serial) => view.get('device', serial),
    reasons: (serial) => judged().find(({ device }) => device.serial === serial)?.unproven.map(({ reason }) => reason) ?? ['serial-differs'],
    inSlot: (slot) => physical.get(slot),
    inHand: () => [...hands.keys()],
    inHandForLong: () => [...hands].flatMap(([serial, since]) => (nowMs - since > rules.gapMaxMs ? [serial] : [])),
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
      note(nowMs - lostAtMs <= rules.gapMaxMs ? 'host-down-short' : 'host-down-long');
      look(Math.max(1, nowMs - lostAtMs));
    },
    hubGoes: () => {
      if (hubGoneAtMs !== undefined) return;
      hubGoneAtMs = nowMs;
      if (watching) record({ type: 'hub-lost', body: { hub: '1', slots: [...physical.keys()] } });
      look(0);
    },
    hubBack: () => {
      if (hubGoneAtMs === undefined) return;
      note(nowMs - hubGoneAtMs <= rules.gapMaxMs ? 'hub-reset-short' : 'hub-reset-long');
      hubGoneAtMs = undefined;
      if (watching) record({ type: 'hub-restored', body: { hub: '1' } });
      look(0);
    },
    pursue: () => {
      if (!watching) return;
      for (const draft of nextSanitizationSteps({ view, live, rules, nowMs, wipesAtOnce: options.wipesAtOnce ?? slotCount, fresh: () => ({ request: fresh(), nonce: fresh() }) })) record(draft);
      certify();
    },
    serverLooks: server.looks,
    serverRestates: server.restates,
    deliver: (index) => {
      const statement = outbox[index];
      if (statement) take(statement);
    },
    lose: (index) => {
      if (outbox.splice(index, 1).length > 0) note('lost');
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

  /** What a certificate of sanitization vouches for; whether a clean tablet is also fit to go out is the gate's. */
  const unsanitized = (device: DeviceRow, slot: number): string[] => {
    const tablet = physical.get(slot);
    if (!tablet) return ['nothing in the slot'];
    return [
      ...uncleanBecause(tablet, mdm).filter((reason) => reason !== 'posture' && reason !== 'profile'),
      ...(tablet.unlockKnown && device.evidence.queue?.unlockTokenKept !== true ? ['unlock token'] : []),
      ...(tablet.serial === device.serial ? [] : ['another tablet in the slot']),
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
