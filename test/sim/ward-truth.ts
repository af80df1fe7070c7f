import { createMdm, observation, type Mdm } from '../../app/simulator/world/mdm.ts';
import { createTablet, uncleanBecause, use, type Tablet } from '../../app/simulator/world/tablet.ts';
import { provenFacts, type ProvenFact } from '../../app/domain/mdm-evidence.ts';
import type { StatementFacts } from '../../app/contract/statement.ts';
import type { Rules } from '../../app/contract/policy-bundle.ts';
import { RULES } from '../support/ward-rules.ts';
import { tablet as bundleTablet } from '../support/ward-policy.ts';
import type { Central } from './central-processes.ts';
import type { DeviceRow } from '../../app/domain/tables.ts';
import { createUpdateQueue, UPDATE_NIGHT, type UpdateCounts } from './ward-updates.ts';
import { projectionOf } from './witness-memory.ts';
import type { VirtualTime } from './virtual-time.ts';

/** The ward's rules at the pace of a run. */
export const SIM_RULES: Rules = { ...RULES, gapMaxMs: 3_000, offerMs: 6_000, claimMs: 5_000 };

/** With updates: what a hand can use is away longer than any restart may take, so that the rule for restarts excuses nobody. */
export const UPDATE_RULES: Rules = { ...SIM_RULES, rebootMaxMs: SIM_RULES.gapMaxMs, overnight: UPDATE_NIGHT };

/** Quick, so that a wipe fits into a run. */
const PACE = { deliver: [50, 200], erase: [150, 500], enrol: [900, 1_500], report: [50, 200], download: [200, 800], install: [300, 900], settle: 5_000, replay: 5_000, reportEvery: 3_600_000 } as const;

/** A command for an enrolment that is gone by then never arrives; after this it is given up and asked for anew. */
const COMMAND_LIFE_MS = 30_000;

/** Where a tablet really is. */
export type Whereabouts = { readonly cart: string; readonly slot: number; readonly sinceMs: number } | { readonly handsSinceMs: number };

/** The tablets as they really are, the MDM that manages them, and the people who carry them about. */
export interface WardTruth {
  readonly tablets: readonly Tablet[];
  readonly mdm: Mdm;
  where(serial: string): Whereabouts;
  inSlot(cart: string, slot: number): Tablet | undefined;
  inHand(): readonly Tablet[];
  dock(serial: string, cart: string, slot: number): void;
  pull(cart: string, slot: number): Tablet | undefined;
  /** Somebody works with it, however short it is out; in a run with OS updates only if longer than a restart takes. */
  useInHand(serial: string): void;
  /** Why this tablet may not be offered from this slot; empty: it may. */
  unfit(serial: string, cart: string, slot: number): readonly string[];
  /** The queue that wipes and proves does one step of every order that is the newest for its tablet. */
  workOrders(central: Central): Promise<void>;
  /** How far the orders are, for a backup of the server's database, and back. */
  ordersBackup(): OrdersBackup;
  restoreOrders(backup: OrdersBackup): void;
}

export interface OrdersBackup {
  readonly progress: ReadonlyMap<string, Progress>;
  readonly enrolments: ReadonlyMap<string, string>;
}

export interface Progress {
  previous?: string;
  command?: string;
  unseenAtSize: number;
  readonly stated: Set<ProvenFact['kind']>;
  failed: boolean;
}

/** A tablet pulled less than this ago may still be offered: a station that waits for its disk does not know yet. Nobody can take it there. */
const JUST_PULLED_MS = 10_000;

/** `ledgerOf`: the origin of the ledger that a cart keeps now. */
export function createWardTruth(time: VirtualTime, random: () => number, serials: readonly string[], ledgerOf: (cart: string) => string | undefined, changed: () => void, updates: UpdateCounts | undefined): WardTruth {
  const mdm = createMdm({ random, clockMs: time.nowMs(), pace: PACE });
  const tablets = serials.map((serial) => createTablet({ serial, profile: bundleTablet(serial).profile, charge: 90, ...(updates ? { updateTo: '2026-11-05' } : {}) }));
  for (const each of tablets) mdm.admit(each);
  const places = new Map<string, Whereabouts>(serials.map((serial) => [serial, { handsSinceMs: time.nowMs() }]));
  let progress = new Map<string, Progress>();
  let enrolmentStatedFor = new Map<string, string>();
  /** The cart that a tablet was last docked in: what the server works out from the order of the ledgers (domain/custody-order.ts). */
  const lastCart = new Map<string, string>();
  const update = updates && createUpdateQueue(mdm, time.nowMs, updates);
  const find = (serial: string): Tablet => {
    const found = tablets.find((each) => each.serial === serial);
    if (!found) throw new Error(`there is no tablet ${serial}`);
    return found;
  };
  const where = (serial: string): Whereabouts => places.get(serial) ?? { handsSinceMs: time.nowMs() };

  let wake = (): void => undefined;
  /** The MDM's events fall due on the same queue as everything else. */
  const expect = (): void => {
    wake();
    const due = mdm.nextDueMs();
    if (due === undefined) return;
    wake = time.after(due - time.nowMs(), 'the MDM', () => {
      mdm.tick(time.nowMs());
      changed();
      expect();
    });
  };

  const work = async (central: Central, request: string, serial: string, station: string, nonce: string, origin: string): Promise<void> => {
    const order: Progress = progress.get(request) ?? { unseenAtSize: 0, stated: new Set(), failed: false };
    progress.set(request, order);
    if (order.failed) return;
    const say = (facts: StatementFacts): Promise<void> => central.state({ station, serial, request, nonce, facts });
    mdm.tick(time.nowMs());
    if (order.command === undefined) {
      const row = deviceRow(central, origin, serial);
      // The server's word for both is the placement (domain/custody-order.ts): another cart, or this one in a ledger that it has begun since.
      const at = lastCart.get(serial);
      if (at?.replace(/-clone$/, '') !== station || ledgerOf(at) !== origin || row?.request?.request !== request || (row.custody.kind !== 'cart' && row.custody.kind !== 'rebooting')) {
        // A wipe now would hit whoever has it.
        order.failed = true;
        return say({ kind: 'sanitization-failed', failure: 'overtaken' });
      }
      const { wipe } = row.evidence;
      if (wipe) {
        // A restored database does not know that it was done; the cart's own ledger does.
        order.previous = wipe.enrolment;
        order.command = wipe.command;
        return;
      }
      const active = mdm.listed().filter((record) => record.serial === serial && record.state === 'active').at(-1);
      const command = active && mdm.issueWipe(active.name, { request, expiresInMs: COMMAND_LIFE_MS });
      if (!active || !command) return;
      order.previous = active.name;
      order.command = command.name;
      return;
    }
    const previous = order.previous ?? '';
    const held = central.rows().origins.get(origin)?.row.size ?? 0;
    const shown = observation(mdm, serial, previous, order.command);
    const seen = { ...shown, enrolments: shown.enrolments.map((record) => (record.update === 'held' ? { ...record, update: 'waiting' as const } : record)) };
    const facts = provenFacts({ serial, profile: find(serial).wantedProfile, previous }, seen);
    const enrolled = facts.find((fact) => fact.kind === 'enrolled');
    if (!enrolled) order.unseenAtSize = held;
    if (!order.stated.has('wipe-confirmed') && (seen.command.state === 'expired' || seen.command.state === 'failed')) {
      order.failed = true;
      return say({ kind: 'sanitization-failed', failure: 'command-expired' });
    }
    if (enrolled && seen.enrolments.some(({ enrolment, state }) => enrolment === previous && state !== 'deleted')) mdm.remove(previous);
    for (const fact of facts) {
      if (order.stated.has(fact.kind)) continue;
      if (fact.kind === 'enrolled') {
        const owner = enrolmentStatedFor.get(fact.enrolment) ?? request;
        if (owner !== request) {
          order.failed = true;
          return say({ kind: 'sanitization-failed', failure: 'enrolment-reused' });
        }
        enrolmentStatedFor.set(fact.enrolment, request);
      }
      order.stated.add(fact.kind);
      await say(fact.kind === 'enrolled' ? { ...fact, unseenAtSize: order.unseenAtSize } : fact);
    }
  };

  return {
    tablets,
    mdm,
    where,
    inSlot: (cart, slot) => tablets.find(({ serial }) => {
      const place = where(serial);
      return 'cart' in place && place.cart === cart && place.slot === slot;
    }),
    inHand: () => tablets.filter(({ serial }) => 'handsSinceMs' in where(serial)),
    dock: (serial, cart, slot) => {
      places.set(serial, { cart, slot, sinceMs: time.nowMs() });
      lastCart.set(serial, cart);
      changed();
    },
    pull: (cart, slot) => {
      const pulled = tablets.find(({ serial }) => {
        const place = where(serial);
        return 'cart' in place && place.cart === cart && place.slot === slot;
      });
      if (!pulled) return undefined;
      places.set(pulled.serial, { handsSinceMs: time.nowMs() });
      changed();
      return pulled;
    },
    useInHand: (serial) => {
      const place = where(serial);
      const used = find(serial);
      // Whoever puts a tablet back within a restart's time while it is updated is not seen (test/model says how often).
      const isExcused = (sinceMs: number): boolean => updates !== undefined && time.nowMs() - sinceMs <= UPDATE_RULES.rebootMaxMs;
      if (!('handsSinceMs' in place) || isExcused(place.handsSinceMs) || used.enrolment === null || used.rebooting) return;
      use(used, `somebody at ${time.nowMs()}`);
    },
    unfit: (serial, cart, slot) => {
      mdm.tick(time.nowMs());
      const place = where(serial);
      if ('cart' in place && place.cart === cart && place.slot === slot) {
        const { enrolment, wantedProfile } = find(serial);
        const isOrdered = (mdm.find(enrolment ?? '')?.policy ?? wantedProfile) !== wantedProfile;
        return [...uncleanBecause(find(serial), mdm), ...(isOrdered ? ['in the middle of an update'] : [])];
      }
      const awayMs = time.nowMs() - ('cart' in place ? place.sinceMs : place.handsSinceMs);
      return awayMs < JUST_PULLED_MS ? [] : ['not in that slot'];
    },
    workOrders: async (central) => {
      const wanted = [...central.rows().orders.values()].filter(({ request }) => progress.get(request)?.failed !== true);
      const newest = new Map(wanted.map((order) => [order.serial, order]));
      for (const { request, serial, station, nonce } of wanted) {
        const by = newest.get(serial);
        if (!by || by.request === request || by.station === station || progress.get(by.request)?.command === undefined) continue;
        progress.set(request, { unseenAtSize: 0, stated: new Set(), ...progress.get(request), failed: true });
        await central.state({ station, serial, request, nonce, facts: { kind: 'sanitization-failed', failure: 'overtaken' } });
      }
      for (const { request, serial, station, nonce, origin } of newest.values()) await work(central, request, serial, station, nonce, origin);
      for (const { serial, wantedProfile } of update ? tablets : []) {
        const origin = ledgerOf(lastCart.get(serial) ?? '');
        const row = origin === undefined ? undefined : deviceRow(central, origin, serial);
        const station = lastCart.get(serial)?.replace(/-clone$/, '') ?? '';
        if (row) await update?.(row, wantedProfile, ({ request, nonce }, facts) => central.state({ station, serial, request, nonce, facts }));
      }
      expect();
    },
    ordersBackup: () => ({ progress: copied(progress), enrolments: new Map(enrolmentStatedFor) }),
    restoreOrders: (backup) => {
      progress = copied(backup.progress);
      enrolmentStatedFor = new Map(backup.enrolments);
    },
  };
}

const copied = (progress: ReadonlyMap<string, Progress>): Map<string, Progress> => new Map([...progress].map(([request, { stated, ...rest }]) => [request, { ...rest, stated: new Set(stated) }]));

/** The tablet as the server has folded it for one ledger. */
const deviceRow = (central: Central, origin: string, serial: string): DeviceRow | undefined => projectionOf(central.rows().origins.get(origin), 0, 0).rows.device.get(serial);
