import { chargeNow, releaseGate, type GateFacts, type GateLeaf, type LiveSlot, type Unproven } from './release-gate.ts';
import type { Rules } from './rules.ts';
import type { LadderRow } from './staleness.ts';
import type { CartView, DeviceRow } from './tables.ts';
import type { UnprovenReason } from './terms.ts';

/** One docked device with the gate's word on it. */
export interface Candidate {
  readonly device: DeviceRow;
  readonly live: LiveSlot;
  readonly chargePercent: number;
  readonly unproven: readonly Unproven[];
}

export interface CartNow {
  readonly view: CartView;
  readonly live: readonly LiveSlot[];
  readonly rules: Rules;
  readonly ladder: LadderRow;
  /** Trusted time, Unix milliseconds. */
  readonly nowMs: number;
  /** The gate; a test takes leaves away to see each of them missed. */
  readonly leaves?: readonly GateLeaf[];
}

/** Puts every device that the ledger holds in a slot through the gate; ordered by slot. */
export function candidates(cart: CartNow): readonly Candidate[] {
  const bySlot = new Map(cart.live.map((live) => [live.slot, live]));
  const found: Candidate[] = [];
  for (const device of cart.view.all('device')) {
    if (device.custody.kind !== 'cart') continue;
    const live = bySlot.get(device.custody.slot) ?? { slot: device.custody.slot, twice: false };
    const facts: GateFacts = { device, live, rules: cart.rules, ladder: cart.ladder, nowMs: cart.nowMs };
    found.push({ device, live, chargePercent: live.battery ? chargeNow(live.battery, cart.rules) : 0, unproven: releaseGate(facts, cart.leaves) });
  }
  return found.sort((a, b) => a.live.slot - b.live.slot);
}

/** The most-charged provably clean device of these wards that nobody is asked to take yet; ties go to the lower slot. */
export function chooseDevice(all: readonly Candidate[], wards: readonly string[], offered: ReadonlySet<string>): Candidate | undefined {
  return all
    .filter(({ device, unproven }) => unproven.length === 0 && wards.includes(device.ward) && !offered.has(device.serial))
    .reduce<Candidate | undefined>((best, next) => (best && best.chargePercent >= next.chargePercent ? best : next), undefined);
}

/** Why these wards have nothing to take: the commonest first reason among their docked devices. */
export function commonestReason(all: readonly Candidate[], wards: readonly string[]): UnprovenReason | undefined {
  const counts = new Map<UnprovenReason, number>();
  for (const { device, unproven } of all) {
    const first = unproven[0];
    if (first && wards.includes(device.ward)) counts.set(first.reason, (counts.get(first.reason) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
}

/** The devices this person answers for now; one that is said to be back keeps nobody from the next. */
export function held(view: CartView, actor: string): readonly DeviceRow[] {
  return [...view.all('device')].filter(({ custody }) => custody.kind === 'person' && custody.actor === actor && custody.saidBackMs === undefined);
}
