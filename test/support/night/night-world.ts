import { PRODUCTION_PACE } from '../../../app/central/sanitization.ts';
import type { BundleDevice, PolicyBundle } from '../../../app/contract/policy-bundle.ts';
import { CURSOR_META, type ReceivedStatement } from '../../../app/contract/network-event.ts';
import type { EntryDraft, EntryType } from '../../../app/domain/entries.ts';
import type { MdmPace } from '../../../app/simulator/world/mdm-records.ts';
import { createMdm, type Mdm } from '../../../app/simulator/world/mdm.ts';
import { createTablet, uncleanBecause, use, type Tablet } from '../../../app/simulator/world/tablet.ts';
import type { Store } from '../../../app/storage/store.ts';
import { cartHost } from '../cart-host.ts';
import { turnableClock } from '../turnable-clock.ts';
import { policy } from '../ward-policy.ts';
import type { CutSide } from './cut-store.ts';
import { nightCart, type CartIdentity, type NightCart } from './night-cart.ts';
import { nightServer, type NightServer } from './night-server.ts';
import { nightSlots, type NightSlots } from './night-slots.ts';

/** What the judge is told of as it is decided, with the tablet's own state at that moment. */
export interface Witnessed {
  readonly draft: EntryDraft;
  readonly atMs: number;
  /** What the next person would find wrong with the tablet that is named; `other-tablet` where it is not the one that stands there. */
  readonly wrong: readonly string[];
  /** For how long nothing has been. */
  readonly fineForMs: number;
}

/** `arrived`: it was put into a slot, and had been out of the cart's sight until then. */
export type OutOfSight = { readonly serial: string; readonly atMs: number; readonly why: 'pulled' | 'restart' | 'port' | 'cart' | 'arrived' };

export interface Power {
  readonly writes: number;
  readonly side: CutSide;
  readonly offMs: number;
  readonly hostAfterMs: number;
  /** Only the program dies; the machine, and its boot, go on. */
  readonly programOnly?: boolean;
}

/** The server as the cart meets it: a stand-in for the many nights, the real one for the field failures. */
export interface ServerSide {
  /** Does every step that is due. */
  work(nowMs: number): Promise<void> | void;
  /** Takes what the cart's ledger has grown by. */
  read(store: Store): Promise<void>;
  statementsAfter(cursor: number): Promise<readonly ToldStatement[]> | readonly ToldStatement[];
  nextDueMs(): number | undefined;
}
export interface ToldStatement {
  readonly cursor: number;
  readonly statement: ReceivedStatement;
}

export interface NightWorld {
  readonly cart: NightCart;
  readonly slots: NightSlots;
  readonly mdm: Mdm;
  readonly tablets: ReadonlyMap<string, Tablet>;
  readonly witnessed: readonly Witnessed[];
  readonly outOfSight: readonly OutOfSight[];
  /** How often each tablet was really erased. */
  readonly erased: ReadonlyMap<string, number>;
  readonly cuts: () => number;
  wrongIn(slot: number | undefined, serial: string): readonly string[];
  /** For how long nothing has been wrong with the tablet itself; 0 while something is. */
  fineForMs(serial: string): number;
  /** Calls once, so long from now. */
  at(afterMs: number, call: () => void): void;
  boot(): Promise<void>;
  publish(devices: readonly BundleDevice[], change: Partial<PolicyBundle>): Promise<void>;
  /** The power fails at one of the next writes and comes back by itself. */
  cutPower(power: Power): void;
  network(up: boolean): Promise<void>;
  tap(uid: string): Promise<Extract<EntryDraft, { type: 'offered' }> | undefined>;
  pull(slot: number): Tablet;
  put(serial: string, slot: number): void;
  breakPort(serial: string, fault: 'dead' | 'no-data'): void;
  restart(tablet: Tablet, awayMs: number): void;
  tellCharges(): Promise<void>;
  /** Everything that follows from this instant. */
  settle(): Promise<void>;
  passUntil(untilMs: number): Promise<void>;
  close(): Promise<void>;
}

export interface NightWorldOptions {
  readonly startMs: number;
  readonly slots: number;
  readonly random: () => number;
  readonly pace: MdmPace;
  readonly devices: readonly { readonly device: BundleDevice; readonly charge: number; readonly slot?: number }[];
  /** The longest step of time. */
  readonly stepMs: number;
  /** What falls due within so long is let happen at once, in its order; but a device host starts on time: how long nobody watched is judged by seconds. */
  readonly togetherMs: number;
  /** A tablet has taken on a new enrolment. */
  readonly enrolled?: (tablet: Tablet) => void;
  /** An entry is about to be written; `writes`: how many writes of this boot come before it. */
  readonly writing?: (type: EntryType, writes: number) => void;
  /** Left out: the stand-in. */
  readonly server?: (mdm: Mdm, nowMs: () => number) => Promise<ServerSide>;
  /** Who the cart is at that server. */
  readonly identity?: CartIdentity;
}

/** One cart, its tablets, their MDM and the server, in one time that the test moves. Only the cart is the product whole. */
export async function nightWorld({ startMs, slots: slotCount, random, pace, devices, stepMs, togetherMs, enrolled, writing, server: serverOf, identity }: NightWorldOptions): Promise<NightWorld> {
  const clock = turnableClock(startMs);
  const host = cartHost(slotCount);
  const mdm = createMdm({ random, clockMs: startMs, pace });
  const tablets = new Map<string, Tablet>();
  for (const { device, charge } of devices) {
    const tablet = createTablet({ serial: device.serial, profile: device.profile, charge });
    tablets.set(device.serial, tablet);
    mdm.admit(tablet);
    use(tablet, 'before admission');
  }
  const slots = nightSlots(host, tablets, slotCount);
  for (const { device, slot } of devices) if (slot !== undefined) slots.put(slot, device.serial);
  const server = await (serverOf?.(mdm, clock.trueMs) ?? standIn(nightServer({ mdm, pace: PRODUCTION_PACE, profileOf: (serial) => tablets.get(serial)?.wantedProfile ?? '', startMs })));

  const witnessed: Witnessed[] = [];
  const fineSince = new Map<string, number>();
  const outOfSight: OutOfSight[] = [];
  const erased = new Map<string, number>();
  const later: { readonly atMs: number; readonly call: () => void }[] = [];
  let networkUp = true;
  let chargedAtMs = startMs;
  let power: Power | undefined;
  let backAtMs: number | undefined;
  let hostAtMs: number | undefined;
  let cuts = 0;

  const wrongIn = (slot: number | undefined, serial: string): readonly string[] => {
    const named = tablets.get(serial);
    const standing = slot === undefined ? undefined : slots.inSlot(slot);
    return [...(named ? uncleanBecause(named, mdm) : ['unknown']), ...(standing === named ? [] : ['other-tablet'])];
  };
  const fineForMs = (serial: string): number => clock.trueMs() - (fineSince.get(serial) ?? clock.trueMs());
  const told = (draft: EntryDraft, writes: number): void => {
    writing?.(draft.type, writes);
    if (draft.type !== 'offered' && draft.type !== 'sanitized' && draft.type !== 'quarantined') return;
    const { slot, device = '' } = draft;
    witnessed.push({ draft, atMs: clock.trueMs(), wrong: wrongIn(slot, device), fineForMs: fineForMs(device) });
  };
  const cart = await nightCart({ clock, host, shelves: shelvesOf(slotCount), told, ...(identity ? { identity } : {}) });

  const lost = (serial: string, why: OutOfSight['why']): void => void outOfSight.push({ serial, atMs: clock.trueMs(), why });
  const live = (): void => {
    const before = new Map([...tablets].map(([serial, { enrolment, rebooting }]) => [serial, { enrolment, rebooting }]));
    mdm.tick(clock.trueMs());
    for (const [serial, tablet] of tablets) {
      const was = before.get(serial);
      if (uncleanBecause(tablet, mdm).length > 0) fineSince.delete(serial);
      else if (!fineSince.has(serial)) fineSince.set(serial, clock.trueMs());
      if (tablet.rebooting && !was?.rebooting) lost(serial, 'restart');
      if (tablet.enrolment === null && was?.enrolment !== null) erased.set(serial, (erased.get(serial) ?? 0) + 1);
      if (tablet.enrolment !== null && was?.enrolment === null) enrolled?.(tablet);
    }
    slots.charge(clock.trueMs() - chargedAtMs, cart.isOn());
    chargedAtMs = clock.trueMs();
    for (const due of later.splice(0)) {
      if (due.atMs <= clock.trueMs()) due.call();
      else later.push(due);
    }
  };
  const seeBus = async (charges = false): Promise<void> => {
    if (slots.show(charges) && cart.isOn()) await cart.settle();
    for (const slot of cart.isOn() ? slots.obey() : []) {
      const tablet = slots.inSlot(slot);
      if (tablet && !slots.isPowered(slot)) lost(tablet.serial, 'port');
    }
    if (slots.show() && cart.isOn()) await cart.settle();
  };
  const exchange = async (): Promise<void> => {
    await server.work(clock.trueMs());
    if (!cart.isOn() || !networkUp || cart.wasCut()) return;
    await server.read(cart.store());
    await server.work(clock.trueMs());
    const news = await server.statementsAfter(Number(cart.store().getMeta(CURSOR_META) ?? 0));
    const last = news.at(-1);
    if (last) await cart.tell({ kind: 'statements', statements: news.map(({ statement }) => statement), cursor: last.cursor });
  };
  const connect = async (): Promise<void> => {
    await cart.tell({ kind: 'online' });
    await cart.tell({ kind: 'cosigned', atMs: clock.trueMs() });
  };
  const boot = async (): Promise<void> => {
    await cart.boot(power?.programOnly);
    await cart.settle();
    if (networkUp) await connect();
    hostAtMs = clock.trueMs() + (power?.hostAfterMs ?? 0);
  };
  const fallDark = async (): Promise<void> => {
    await cart.afterCut();
    cuts += 1;
    hostAtMs = undefined;
    for (const serial of tablets.keys()) if (slots.slotOf(serial) !== undefined) lost(serial, 'cart');
    backAtMs = clock.trueMs() + (power?.offMs ?? 0);
  };
  const settle = async (): Promise<void> => {
    live();
    if (backAtMs !== undefined && backAtMs <= clock.trueMs()) {
      backAtMs = undefined;
      await boot();
    }
    if (hostAtMs !== undefined && hostAtMs <= clock.trueMs()) {
      hostAtMs = undefined;
      await cart.startHost();
    }
    if (cart.isOn()) await cart.settle();
    await seeBus();
    await exchange();
    await seeBus();
    if (cart.isOn() && cart.wasCut()) await fallDark();
  };
  const nextMs = (untilMs: number): number => {
    const nowMs = clock.trueMs();
    const dues = [mdm.nextDueMs(), server.nextDueMs(), backAtMs, hostAtMs, ...later.map(({ atMs }) => atMs), ...(slots.anyWithoutPower() ? [nowMs + 3_000] : [])];
    const first = dues.reduce<number>((soonest, due) => (due === undefined ? soonest : Math.min(soonest, Math.ceil(due))), nowMs + stepMs);
    return Math.min(untilMs, hostAtMs ?? Infinity, Math.max(nowMs + togetherMs, first));
  };

  return {
    cart,
    slots,
    mdm,
    tablets,
    witnessed,
    outOfSight,
    erased,
    cuts: () => cuts,
    wrongIn,
    fineForMs,
    at: (afterMs, call) => void later.push({ atMs: clock.trueMs() + afterMs, call }),
    boot,
    publish: (all, change) => {
      const bundle = policy({ version: 1, issuedAtMs: clock.trueMs(), devices: [...all], ...change });
      return cart.tell({ kind: 'bundle', bundle: { digest: 'b0'.repeat(32), jws: 'jws-1', bundle } });
    },
    cutPower: (next) => {
      power = next;
      cart.cut(next);
    },
    network: async (up) => {
      networkUp = up;
      if (!cart.isOn()) return;
      if (up) await connect();
      else await cart.tell({ kind: 'offline' });
    },
    tap: async (uid) => {
      const before = witnessed.length;
      host.tap(uid);
      await cart.settle();
      return witnessed.slice(before).flatMap(({ draft }) => (draft.type === 'offered' ? [draft] : []))[0];
    },
    pull: (slot) => {
      const serial = slots.take(slot);
      lost(serial, 'pulled');
      const tablet = tablets.get(serial);
      if (!tablet) throw new Error(`nobody knows the tablet ${serial}`);
      return tablet;
    },
    put: (serial, slot) => {
      slots.put(slot, serial);
      lost(serial, 'arrived');
    },
    breakPort: (serial, fault) => {
      const slot = slots.slotOf(serial);
      if (slot === undefined) return;
      slots.breakPort(slot, fault);
      lost(serial, 'port');
    },
    restart: (tablet, awayMs) => {
      tablet.rebooting = true;
      lost(tablet.serial, 'restart');
      later.push({ atMs: clock.trueMs() + awayMs, call: () => (tablet.rebooting = false) });
    },
    tellCharges: () => seeBus(true),
    settle,
    passUntil: async (untilMs) => {
      while (clock.trueMs() < untilMs) {
        clock.forward(nextMs(untilMs) - clock.trueMs());
        await settle();
      }
    },
    close: cart.close,
  };
}

const standIn = (server: NightServer): ServerSide => ({ ...server, read: async (store) => server.read(await store.recorded(server.size(), store.size() - server.size())) });

const shelvesOf = (slots: number): readonly (readonly number[])[] => Array.from({ length: Math.ceil(slots / 8) }, (_, shelf) => Array.from({ length: Math.min(8, slots - shelf * 8) }, (_slot, n) => shelf * 8 + n + 1));
