import { createMdm } from '../../app/simulator/world/mdm.ts';
import { between, seededRandom } from '../../app/simulator/world/random.ts';
import { createTablet, use, type Tablet } from '../../app/simulator/world/tablet.ts';
import { candidates, chooseDevice } from '../../app/domain/choose-device.ts';
import { judgeDocking } from '../../app/domain/docking.ts';
import type { EntryDraft, LedgerValue, RecordedEntry } from '../../app/domain/entries.ts';
import type { ProvenFact } from '../../app/domain/mdm-evidence.ts';
import { isUpdateOpen, judgeUpdateBinding, restartsFor } from '../../app/domain/os-update.ts';
import { projectEntry } from '../../app/domain/projection.ts';
import { RELEASE_GATE, type GateLeaf, type LiveSlot } from '../../app/domain/release-gate.ts';
import { judgeRemoval } from '../../app/domain/removal.ts';
import type { Rules } from '../../app/domain/rules.ts';
import { judgeBinding } from '../../app/domain/sanitization.ts';
import { nextSanitizationSteps } from '../../app/domain/sanitization-runner.ts';
import { completedSanitization } from '../../app/domain/sanitized.ts';
import { ladderRow } from '../../app/domain/staleness.ts';
import type { CartView, DeviceRow, NightRow, TableName, Tables } from '../../app/domain/tables.ts';
import type { DeviceStanding, UnprovenReason, UpdateFailure } from '../../app/domain/terms.ts';
import { nextUpdateSteps } from '../../app/domain/update-runner.ts';
import { RULES } from '../support/ward-rules.ts';
import { outcomeHappenings, updateHappenings } from './update-happenings.ts';
import { createWardJudge } from './ward-judge.ts';
import { createWardServer } from './ward-server.ts';
import type { Happening, Statement, WardWorld } from './ward-terms.ts';

const WARD = '7e';
const HERE = { tenant: 'demo', station: 'cart-a' };
const PACE = { deliver: [200, 700], erase: [800, 2000], enrol: [700, 1800], report: [200, 500], settle: 60_000, replay: 20_000, reportEvery: 3_600_000 } as const;

/** The newer system that may wait for a tablet. */
const NEWER = '2026-11-05';

export interface WardOptions {
  readonly seed: number;
  readonly leaves?: readonly GateLeaf[];
  readonly slots?: number;
  readonly tablets?: number;
  readonly wipesAtOnce?: number;
  readonly updatesAtOnce?: number;
  readonly updateOverdueMs?: number;
}

export function createWardWorld(options: WardOptions): WardWorld {
  const random = seededRandom(options.seed);
  const leaves = options.leaves ?? RELEASE_GATE;
  const slotCount = options.slots ?? 3;
  const updatesAtOnce = options.updatesAtOnce ?? slotCount;
  let nowMs = 1_800_000_000_000;
  let rules: Rules = RULES;
  const mdm = createMdm({ random, clockMs: nowMs, pace: PACE });
  const tablets = Array.from({ length: options.tablets ?? 2 }, (_, n) => createTablet({ serial: `T${n}`, profile: 'ward', charge: 90 }));
  for (const tablet of tablets) mdm.admit(tablet);
  const physical = new Map<number, Tablet>();
  const hands = new Map<string, { readonly sinceMs: number; readonly from: number }>();
  const entries: RecordedEntry[] = [];
  const outbox: Statement[] = [];
  const arrived: Statement[] = [];
  const everArrived = new Set<Statement>();
  const happened = new Map<Happening, number>();
  const lastUnproven = new Map<string, readonly UnprovenReason[]>();
  const standings = new Map<string, DeviceStanding>();
  const live = new Map<number, string>();
  const charges = new Map<number, number>();
  const ports = new Map<number, { readonly serial: string | undefined; readonly attachments: number }>();
  /** As the station keeps them beside the ledger. */
  const judgedAttachments = new Map<number, number>();
  let watching = true;
  /** The cart's program runs. */
  let running = true;
  let lostAtMs = 0;
  let hubGoneAtMs: number | undefined;
  let bundle = { issuedAtMs: nowMs };
  let ids = 0;
  let offers = 0;
  let night: NightRow | undefined;
  const judge = createWardJudge({ mdm, nowMs: () => nowMs, rules: () => rules, bundleIssuedAtMs: () => bundle.issuedAtMs, inSlot: (slot) => physical.get(slot), standings, updatesAtOnce });

  const tables: { [T in TableName]: Map<string, Tables[T]> } = { device: new Map(), offer: new Map(), person: new Map(), enrolment: new Map(), cart: new Map(), slot: new Map(), model: new Map() };
  const view: CartView = {
    get: (table, key) => tables[table].get(key) as never,
    all: (table) => tables[table].values() as never,
  };
  const record = (draft: EntryDraft): void => {
    const seq = entries.length;
    const entry = { ...draft, seq, leaf: `leaf-${seq}`, atMs: nowMs, station: HERE.station } as RecordedEntry;
    const before = entry.device === undefined ? undefined : view.get('device', entry.device);
    for (const { table, key, row } of projectEntry(view, entry)) {
      if (row === undefined) tables[table].delete(key);
      else (tables[table] as Map<string, unknown>).set(key, row);
    }
    entries.push(entry);
    judge.recorded(entry, before, entry.device === undefined ? undefined : view.get('device', entry.device));
    updateHappenings(entry, before).forEach(note);
  };
  const fresh = (): string => `id-${(ids += 1)}`;
  const note = (what: Happening): void => void happened.set(what, (happened.get(what) ?? 0) + 1);

  const isAnyUpdating = (): boolean => tablets.some(({ serial }) => judge.openUpdate(serial) !== undefined);

  const liveSlot = (slot: number): LiveSlot => {
    const serial = watching ? live.get(slot) : undefined;
    const charge = charges.get(slot);
    return { slot, twice: false, ...(serial === undefined ? {} : { serial }), ...(charge === undefined ? {} : { battery: { percent: Math.floor(charge), ageMs: 0 } }) };
  };
  const allSlots = Array.from({ length: slotCount }, (_, n) => n + 1);
  const liveSlots = (): LiveSlot[] => allSlots.map(liveSlot);
  const readCharges = (): void => {
    if (watching && hubGoneAtMs === undefined) for (const [slot, { charge }] of physical) charges.set(slot, charge);
  };
  const judged = () => candidates({ view, live: liveSlots(), rules, ladder: ladderRow(bundle, { ms: nowMs, unsure: false }), nowMs, leaves });
  const remember = (): void => {
    for (const { device, unproven } of judged()) lastUnproven.set(device.serial, unproven.map(({ reason }) => reason));
  };

  const departed = (serial: string, slot: number, unobservedMs: number): void => {
    const device = view.get('device', serial);
    if (!device || device.custody.kind !== 'cart' || device.custody.slot !== slot) return;
    const restarts = restartsFor(device, unobservedMs === 0);
    record(judgeRemoval({ device, slot, unproven: lastUnproven.get(serial) ?? ['exposed'], openOffers: [...view.all('offer')], restarts, claimUntilMs: nowMs + rules.claimMs, nowMs, release: fresh() }).draft);
    if (restarts !== undefined) note('absence');
    const tablet = physical.get(slot);
    if (tablet?.updating && tablet.rebooting) note(judge.openUpdate(serial) === undefined ? 'restart-after-update' : 'restart-in-update');
  };
  const docked = (serial: string, slot: number, unobservedMs: number): void => {
    const attachment = ports.get(slot)?.attachments ?? 0;
    const detached = (judgedAttachments.get(slot) ?? attachment) !== attachment;
    judgedAttachments.set(slot, attachment);
    for (const draft of judgeDocking({ serial, slot, device: view.get('device', serial), rules, unobservedMs: Number.isFinite(unobservedMs) ? unobservedMs : undefined, detached, nowMs }).drafts) record(draft);
  };
  /** What USB shows: a tablet that is erasing or booting is off it. */
  const look = (unobservedMs: number): void => {
    countAttachments();
    if (!watching) return;
    // What the gate said before it lost sight for so long says nothing of a tablet that has gone.
    if (unobservedMs > rules.gapMaxMs) lastUnproven.clear();
    if (unobservedMs > 0 || allSlots.some((slot) => live.get(slot) !== answers(slot))) compare(unobservedMs);
    readCharges();
    remember();
  };
  const answers = (slot: number): string | undefined => {
    const tablet = physical.get(slot);
    return tablet && !tablet.rebooting && hubGoneAtMs === undefined ? tablet.serial : undefined;
  };
  /** As the bus does, whether or not anybody watches. */
  const countAttachments = (): void => {
    for (const slot of allSlots) {
      const { serial: before, attachments } = ports.get(slot) ?? { serial: undefined, attachments: 0 };
      const serial = answers(slot);
      if (serial !== before) ports.set(slot, { serial, attachments: attachments + (serial === undefined ? 0 : 1) });
    }
  };
  const compare = (unobservedMs: number): void => {
    judge.looked(new Map(allSlots.flatMap((slot) => (answers(slot) === undefined ? [] : [[answers(slot) ?? '', slot] as const]))), unobservedMs);
    for (const slot of allSlots) {
      const before = live.get(slot);
      const now = answers(slot);
      if (now === undefined) live.delete(slot);
      else live.set(slot, now);
      for (const device of [...view.all('device')]) if (device.custody.kind === 'cart' && device.custody.slot === slot && device.serial !== now) departed(device.serial, slot, unobservedMs);
      if (now !== undefined && (before !== now || unobservedMs > 0)) docked(now, slot, unobservedMs);
    }
  };
  const lapse = (): void => {
    if (!running) return;
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

  /** What the server reads of the cart's ledger before it orders an update. */
  const provenEnrolment = (serial: string): string | undefined => {
    const { custody, evidence } = view.get('device', serial) ?? {};
    return custody?.kind === 'cart' || custody?.kind === 'rebooting' ? evidence?.enrolment?.enrolment : undefined;
  };
  const server = createWardServer({ mdm, entries, nowMs: () => nowMs, profileOf: (serial) => tablets.find((tablet) => tablet.serial === serial)?.wantedProfile ?? '', provenEnrolment, send: ({ serial, request, nonce }, facts) => void outbox.push({ claims: { ...HERE, serial, request, nonce }, facts, issuedAtMs: nowMs }) });
  const take = (statement: Statement): void => {
    const device = view.get('device', statement.claims.serial);
    noteArrival(statement, device);
    if (statement.facts.kind === 'updated' || statement.facts.kind === 'update-failed') return takeOutcome(statement, device);
    // As the station does: what an update may change is not taken while it is open.
    if (device && isUpdateOpen(device) && (statement.facts.kind === 'profile-present' || statement.facts.kind === 'posture')) return;
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
  const takeOutcome = ({ claims, facts, issuedAtMs, forged }: Statement, device: DeviceRow | undefined): void => {
    if (judgeUpdateBinding(claims, HERE, device)) return;
    // A serial that was changed twice, or for itself, is right again.
    const isTheirs = forged === 'wrong-serial' && entries.some((entry) => entry.type === 'update-requested' && entry.device === claims.serial && entry.body.request === claims.request);
    if (forged !== undefined && forged !== 'contradictory' && !isTheirs) judge.unclean.push(`${claims.serial}: an outcome with ${forged} was taken`);
    const { kind, failure, before, after } = facts as { readonly kind: string; readonly failure?: UpdateFailure; readonly before?: string; readonly after?: string };
    if (kind === 'update-failed') record({ type: 'update-failed', device: claims.serial, body: { request: claims.request, reason: failure ?? 'refused' } });
    else record({ type: 'updated', device: claims.serial, body: { request: claims.request, before: before ?? '', after: after ?? '', issuedAtMs, digest: 'd' } });
    remember();
    certify();
  };
  const noteArrival = (statement: Statement, device: DeviceRow | undefined): void => {
    const { claims, forged, issuedAtMs } = statement;
    const bound = device?.request?.request === claims.request || device?.update?.request === claims.request;
    if (forged !== undefined && (forged !== 'contradictory' || bound)) note(forged);
    if (nowMs - issuedAtMs > 60_000) note('late');
    if (bound && nowMs - issuedAtMs > rules.evidenceMaxAgeMs) note('stale');
    if (everArrived.has(statement)) note(bound ? 'duplicate' : 'replayed');
    outcomeHappenings(statement, device, nowMs).forEach(note);
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
      judge.certified(device, slot.slot);
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
    unclean: judge.unclean,
    openUpdate: judge.openUpdate,
    quick: () => judge.quick.length,
    offers: () => offers,
    nowMs: () => nowMs,
    device: (serial) => view.get('device', serial),
    reasons: (serial) => judged().find(({ device }) => device.serial === serial)?.unproven.map(({ reason }) => reason) ?? ['serial-differs'],
    inSlot: (slot) => physical.get(slot),
    inHand: () => [...hands.keys()],
    inHandForLong: () => [...hands].flatMap(([serial, { sinceMs }]) => (nowMs - sinceMs > rules.gapMaxMs ? [serial] : [])),
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
      if (!tablet || physical.has(slot) || [...physical.values()].includes(tablet)) return;
      const held = hands.get(serial);
      if (held && judge.openUpdate(serial) !== undefined) note(nowMs - held.sinceMs > rules.rebootMaxMs ? 'back-too-late' : held.from === slot ? 'back-in-its-slot' : 'back-in-another-slot');
      hands.delete(serial);
      physical.set(slot, tablet);
      look(0);
    },
    pull: (slot) => {
      const tablet = physical.get(slot);
      if (!tablet) return;
      physical.delete(slot);
      hands.set(tablet.serial, { sinceMs: nowMs, from: slot });
      if (judge.openUpdate(tablet.serial) !== undefined) note('hand-in-update');
      look(0);
    },
    useInHand: (serial) => {
      const tablet = tablets.find((each) => each.serial === serial);
      const held = hands.get(serial);
      if (!tablet || held === undefined || tablet.enrolment === null || tablet.rebooting) return;
      const person = `person-${nowMs}`;
      judge.used(tablet, person);
      if (judge.openUpdate(serial) !== undefined) note('used-in-update');
      use(tablet, person);
    },
    hostDown: () => {
      if (!watching) return;
      watching = false;
      if (isAnyUpdating()) note('blind-in-update');
      lostAtMs = nowMs;
    },
    hostUp: () => {
      if (watching || !running) return;
      watching = true;
      note(nowMs - lostAtMs <= rules.gapMaxMs ? 'host-down-short' : 'host-down-long');
      look(Math.max(1, nowMs - lostAtMs));
    },
    stationDown: () => {
      world.hostDown();
      if (running && isAnyUpdating()) note('station-down-in-update');
      running = false;
    },
    stationUp: (isSameBoot) => {
      if (running) return;
      running = true;
      watching = true;
      look(isSameBoot ? Math.max(1, nowMs - lostAtMs) : Number.POSITIVE_INFINITY);
      lapse();
    },
    hubGoes: () => {
      if (hubGoneAtMs !== undefined) return;
      hubGoneAtMs = nowMs;
      if (isAnyUpdating()) note('hub-reset-in-update');
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
      const size = entries.length;
      for (const draft of nextUpdateSteps({ view, live, nowMs, night, updatesAtOnce, turn: () => true, overdueMs: options.updateOverdueMs ?? 120_000, fresh: () => ({ request: fresh(), nonce: fresh() }) })) record(draft);
      for (const draft of nextSanitizationSteps({ view, live, rules, nowMs, wipesAtOnce: options.wipesAtOnce ?? slotCount, fresh: () => ({ request: fresh(), nonce: fresh() }) })) record(draft);
      certify();
      if (entries.length > size) remember();
    },
    serverLooks: server.looks,
    serverRestates: server.restates,
    deliver: (index) => {
      const statement = outbox[index];
      if (statement && running) take(statement);
    },
    lose: (index) => {
      if (outbox.splice(index, 1).length > 0) note('lost');
    },
    deliverAll: () => {
      if (running) for (const statement of outbox.splice(0)) take(statement);
    },
    tap: (actor) => {
      if (!running || [...view.all('offer')].some((offer) => offer.actor === actor)) return undefined;
      readCharges();
      const all = judged();
      const chosen = chooseDevice(all, [WARD], new Set([...view.all('offer')].map(({ serial }) => serial)));
      if (!chosen) return undefined;
      offers += 1;
      const { slot } = chosen.live;
      const brief = judge.quick.length;
      judge.offered(chosen.device, slot);
      if (judge.quick.length > brief) note('quicker-than-a-restart');
      record({ type: 'offered', device: chosen.device.serial, actor, slot, body: { offer: fresh(), release: fresh(), assurance: 'uid', stale: false, request: chosen.device.request?.request ?? 'none', chargePercent: chosen.chargePercent, untilMs: nowMs + rules.offerMs } });
      return slot;
    },
    nightFalls: () => {
      judge.nightFell();
      night = { beganAtMs: nowMs, beganSeq: entries.length, shiftMs: nowMs + 86_400_000, needs: [], threatened: [], tally: { sanitized: 0, failed: 0, quarantined: 0, starts: 0 } };
    },
    dayBreaks: () => {
      judge.dayBroke();
      night = undefined;
    },
    updateWaits: (serial) => {
      const tablet = tablets.find((each) => each.serial === serial);
      const record = mdm.state.records.find(({ name }) => name === tablet?.enrolment);
      if (!tablet || tablet.patchLevel >= NEWER) return;
      tablet.updateTo = NEWER;
      if (record?.report) record.report = { ...record.report, updateWaits: true };
    },
    setStanding: (serial, standing) => {
      if (!running) return;
      standings.set(serial, standing);
      if (standing !== 'admitted' && judge.openUpdate(serial) !== undefined) note('not-admitted-in-update');
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
        const docked = judged();
        if (docked.length > 0 && docked.every(({ unproven }) => unproven.length === 0)) return;
        world.advance(250);
      }
    },
  };

  for (const [n, tablet] of tablets.entries()) {
    record({ type: 'device-admitted', device: tablet.serial, body: { asset: tablet.serial, ward: WARD, model: 'SM-X306B', profile: 'ward', bundleVersion: 1 } });
    world.dock(tablet.serial, n + 1);
  }
  return world;
}

/** A number that is small more often than large. */
export const skewed = (random: () => number, low: number, high: number): number => between(random, low, between(random, low, high));
