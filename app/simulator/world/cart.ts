import type { Directory } from '../directory.ts';
import type { Mdm } from './mdm.ts';
import { createMdm } from './mdm.ts';
import type { MdmState, Misbehaviour } from './mdm-records.ts';
import { MISBEHAVIOURS } from './mdm-records.ts';
import { createPace, hurried, type PaceName } from './pace.ts';
import type { Tablet } from './tablet.ts';
import { createTablet, use } from './tablet.ts';

/** `no-data`: charges but never tells its serial. `dead`: neither. */
export const SLOT_FAULTS = ['none', 'no-data', 'dead'] as const;
export type SlotFault = (typeof SLOT_FAULTS)[number];
export const TABLET_FAULTS = ['none', 'flat', 'asleep', 'rooted', 'adb-on', 'old-os', 'not-compliant'] as const;
export type TabletFault = (typeof TABLET_FAULTS)[number];
export type Light = 'off' | 'take' | 'put-back' | 'attention';

export interface SlotTruth {
  readonly slot: number;
  serial: string | null;
  fault: SlotFault;
  powered: boolean;
  light: Light;
  /** How often something has come to its USB port, as the kernel counts. */
  attachments?: number;
}

/** What a slot's USB port shows of what stands in it. */
export interface SlotSeen {
  readonly slot: number;
  readonly present: boolean;
  readonly serial?: string;
  readonly attachment?: string;
  readonly chargePercent?: number;
}

/** The cart and everything around it, as saved. */
export interface CartState {
  slots: SlotTruth[];
  tablets: (Omit<Tablet, 'credentials' | 'delivered'> & { credentials: string[]; delivered: string[] })[];
  /** Serial → staff id of who has it in the hand; '' where nobody said. */
  hands: Record<string, string>;
  mdm: MdmState;
  /** Left out: `demo`. */
  pace?: PaceName;
  mdmSkewMs: number;
}

export interface Cart {
  readonly slots: ReadonlyMap<number, SlotTruth>;
  readonly tablets: ReadonlyMap<string, Tablet>;
  readonly hands: ReadonlyMap<string, string>;
  readonly mdm: Mdm;
  /** Pulls the tablet out; from then on it is used by `person`. */
  undock(slot: number, person: string): CartOutcome<{ serial: string }>;
  dock(serial: string, slot: number): CartOutcome<object>;
  breakSlot(slot: number, fault: SlotFault): CartOutcome<object>;
  breakTablet(serial: string, fault: TabletFault): CartOutcome<object>;
  setLight(slot: number, light: Light): void;
  setPower(slot: number, on: boolean): void;
  seen(): SlotSeen[];
  /** How long wipes take from now on; back at `demo`, those under way are done in seconds too. */
  setPace(pace: PaceName): void;
  /** Lets time pass until `worldMs`: batteries, MDM, tablets. */
  tick(worldMs: number): void;
  save(): CartState;
}
export const CART_REFUSALS = ['unknown-slot', 'unknown-tablet', 'slot-empty', 'slot-taken', 'tablet-docked'] as const;
export type CartRefusal = (typeof CART_REFUSALS)[number];
type CartOutcome<T> = ({ readonly ok: true } & T) | { readonly ok: false; readonly reason: CartRefusal };

const CHARGE_PER_HOUR = 45;
const DRAIN_PER_HOUR = 12;
const HOUR_MS = 3_600_000;
const OLD_PATCH = '2025-01-01';
const NEW_PATCH = '2026-10-01';
/** Nobody knows what is on a tablet that has never been wiped here. */
export const BEFORE_ADMISSION = 'before-admission';

/** A cart as the directory describes it, or as it was saved. */
export function createCart(made: { directory: Directory; random: () => number; worldMs: number; saved?: CartState }): Cart {
  const { directory, saved } = made;
  const slots = new Map<number, SlotTruth>(
    directory.cart.shelves.flat().map((slot) => [slot, saved?.slots.find((one) => one.slot === slot) ?? { slot, serial: null, fault: 'none', powered: true, light: 'off' }]),
  );
  const tablets = new Map<string, Tablet>();
  const hands = new Map<string, string>(Object.entries(saved?.hands ?? {}));
  const mdmSkewMs = saved?.mdmSkewMs ?? Math.floor(made.random() * 120_000) - 60_000;
  const pace = createPace();
  const mdm = createMdm({ random: made.random, clockMs: made.worldMs, skewMs: mdmSkewMs, pace: pace.current, ...(saved ? { state: saved.mdm } : {}) });
  const hurry = (): void => void (mdm.state.events = hurried(mdm.state.events, mdm.nowMs()));
  // A night ends with the program that plays it.
  if (saved?.pace === 'real') hurry();
  let lastMs = made.worldMs;

  for (const device of directory.devices) {
    const known = saved?.tablets.find((tablet) => tablet.serial === device.serial);
    if (known) {
      const tablet = { ...known, credentials: new Set(known.credentials), delivered: new Set(known.delivered) };
      tablets.set(device.serial, tablet);
      mdm.adopt(tablet);
      continue;
    }
    const tablet = createTablet({ serial: device.serial, profile: device.profile, charge: device.chargePercent, ...(device.updateTo === undefined ? {} : { updateTo: device.updateTo }) });
    tablets.set(device.serial, tablet);
    mdm.admit(tablet);
    use(tablet, BEFORE_ADMISSION);
    const slot = device.slot === undefined ? undefined : slots.get(device.slot);
    if (slot && slot.serial === null) slot.serial = device.serial;
    else hands.set(device.serial, '');
  }
  if (!saved) {
    for (const { slot, fault, ms } of directory.faults) {
      const place = slots.get(slot);
      if (place && isSlotFault(fault)) place.fault = fault;
      else if (place?.serial && isMisbehaviour(fault)) mdm.misbehave({ fault, serial: place.serial, ...(ms === undefined ? {} : { ms }) });
    }
  }

  const isCharging = (slot: SlotTruth | undefined): boolean => slot !== undefined && slot.powered && slot.fault !== 'dead';
  const slotOf = (serial: string): SlotTruth | undefined => [...slots.values()].find((slot) => slot.serial === serial);

  /** Slots that showed nothing when they were last looked at. */
  const bare = new Set<number>();
  const attach = (slot: SlotTruth): void => void (slot.attachments = (slot.attachments ?? 0) + 1);

  function see(slot: SlotTruth): SlotSeen {
    const tablet = slot.serial === null ? undefined : tablets.get(slot.serial);
    if (!tablet || !slot.powered || slot.fault === 'dead' || tablet.rebooting) {
      bare.add(slot.slot);
      return { slot: slot.slot, present: false };
    }
    if (bare.delete(slot.slot)) attach(slot);
    const attachment = String(slot.attachments ?? 0);
    if (slot.fault === 'no-data' || tablet.charge < 1) return { slot: slot.slot, present: true, attachment };
    return { slot: slot.slot, present: true, serial: tablet.serial, attachment, chargePercent: Math.floor(tablet.charge) };
  }

  function batteries(elapsedMs: number): void {
    for (const tablet of tablets.values()) {
      const rate = isCharging(slotOf(tablet.serial)) ? CHARGE_PER_HOUR : hands.has(tablet.serial) ? -DRAIN_PER_HOUR : -1;
      tablet.charge = Math.min(100, Math.max(0, tablet.charge + (rate * elapsedMs) / HOUR_MS));
    }
  }

  return {
    slots,
    tablets,
    hands,
    mdm,
    undock(slot, person) {
      const place = slots.get(slot);
      if (!place) return { ok: false, reason: 'unknown-slot' };
      const { serial } = place;
      const tablet = serial === null ? undefined : tablets.get(serial);
      if (serial === null || !tablet) return { ok: false, reason: 'slot-empty' };
      place.serial = null;
      hands.set(serial, person);
      use(tablet, person === '' ? 'somebody' : person);
      return { ok: true, serial };
    },
    dock(serial, slot) {
      const place = slots.get(slot);
      if (!place) return { ok: false, reason: 'unknown-slot' };
      if (!tablets.has(serial)) return { ok: false, reason: 'unknown-tablet' };
      if (!hands.has(serial)) return { ok: false, reason: 'tablet-docked' };
      if (place.serial !== null) return { ok: false, reason: 'slot-taken' };
      place.serial = serial;
      bare.delete(slot);
      attach(place);
      hands.delete(serial);
      return { ok: true };
    },
    breakSlot(slot, fault) {
      const place = slots.get(slot);
      if (!place) return { ok: false, reason: 'unknown-slot' };
      place.fault = fault;
      return { ok: true };
    },
    breakTablet(serial, fault) {
      const tablet = tablets.get(serial);
      if (!tablet) return { ok: false, reason: 'unknown-tablet' };
      spoil(tablet, fault);
      return { ok: true };
    },
    setLight(slot, light) {
      const place = slots.get(slot);
      if (place) place.light = light;
    },
    setPower(slot, on) {
      const place = slots.get(slot);
      if (place) place.powered = on;
    },
    seen: () => [...slots.values()].map(see),
    setPace(wanted) {
      if (wanted === 'demo' && pace.name() === 'real') hurry();
      pace.set(wanted);
    },
    tick(worldMs) {
      if (worldMs > lastMs) batteries(worldMs - lastMs);
      lastMs = Math.max(lastMs, worldMs);
      mdm.tick(worldMs);
    },
    save: () => ({
      slots: [...slots.values()],
      tablets: [...tablets.values()].map((tablet) => ({ ...tablet, credentials: [...tablet.credentials], delivered: [...tablet.delivered] })),
      hands: Object.fromEntries(hands),
      mdm: mdm.state,
      pace: pace.name(),
      mdmSkewMs,
    }),
  };
}

function spoil(tablet: Tablet, fault: TabletFault): void {
  switch (fault) {
    case 'none':
      tablet.asleep = false;
      tablet.rooted = false;
      tablet.adbEnabled = false;
      tablet.compliant = true;
      tablet.patchLevel = NEW_PATCH;
      return;
    case 'flat':
      tablet.charge = 0;
      return;
    case 'asleep':
      tablet.asleep = true;
      return;
    case 'rooted':
      tablet.rooted = true;
      return;
    case 'adb-on':
      tablet.adbEnabled = true;
      return;
    case 'old-os':
      tablet.patchLevel = OLD_PATCH;
      return;
    case 'not-compliant':
      tablet.compliant = false;
  }
}

const isSlotFault = (fault: string): fault is SlotFault => (SLOT_FAULTS as readonly string[]).includes(fault);
const isMisbehaviour = (fault: string): fault is Misbehaviour => (MISBEHAVIOURS as readonly string[]).includes(fault);
