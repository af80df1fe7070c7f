import type { ChargeBand } from './night-problem.ts';

/** A paused tablet is charged again only when it has fallen this far below its mark, in per cent. */
const RESUME_BELOW = 5;
/** A top-up begins so early that it would be done with a tenth of its time to spare. */
const TOP_UP_SPARE = 1.1;

export interface BandTablet {
  readonly slot: number;
  /** 0 to 100. */
  readonly percent: number;
  readonly watts: number;
  /** Whether its port charges now. */
  readonly charging: boolean;
  /** False while its battery is held (`battery-care.ts`). */
  readonly mayCharge: boolean;
  /** The night's plan wants it charged now. */
  readonly planned?: boolean;
}

export const CHARGE_STATES = ['needed', 'filling', 'topping-up', 'paused', 'held', 'no-power'] as const;
/** `needed`: below the floor or wanted by the plan; `paused`: at the mark; `held`: its battery must not be charged. */
export type ChargeState = (typeof CHARGE_STATES)[number];

export interface ChargeOrder {
  readonly slot: number;
  readonly on: boolean;
  readonly state: ChargeState;
}

export interface BandNow {
  readonly band: ChargeBand;
  readonly nowMs: number;
  /** From when on the top-up for the morning is due (`topUpFromMs`); absent by day. */
  readonly topUpFromMs?: number;
  /** What charging may draw in all. */
  readonly watts: number;
}

/**
 * Which tablets charge now, by slot. Up to the band's upper edge and no further until the top-up, since batteries age
 * by standing full. When there is not power for all: those below the floor first, the fullest of them first because it
 * is ready soonest; then what the plan wants; then the emptiest. Who charges already goes on before equals.
 */
export function chargeOrders(tablets: readonly BandTablet[], now: BandNow): readonly ChargeOrder[] {
  const toppingUp = now.topUpFromMs !== undefined && now.nowMs >= now.topUpFromMs;
  const upper = Math.max(now.band.floorPercent, now.band.upperPercent);
  const mark = toppingUp ? Math.max(upper, now.band.morningPercent) : upper;
  const wishes = tablets.map((tablet) => ({ tablet, state: wishOf(tablet, now.band.floorPercent, mark, toppingUp) }));
  const orders = new Map<number, ChargeOrder>();
  let { watts } = now;
  for (const { tablet, state } of wishes.toSorted((a, b) => rank(a.tablet, now.band) - rank(b.tablet, now.band) || byCharge(a.tablet, b.tablet, now.band))) {
    const wanted = state !== 'paused' && state !== 'held';
    const on = wanted && tablet.watts <= watts;
    if (on) watts -= tablet.watts;
    orders.set(tablet.slot, { slot: tablet.slot, on, state: wanted && !on ? 'no-power' : state });
  }
  return [...orders.values()].sort((a, b) => a.slot - b.slot);
}

/** When the top-up has to begin so that all are at the morning's mark at the shift. `debts`: charging time from the upper edge to it. */
export function topUpFromMs(debts: readonly { readonly ms: number; readonly watts: number }[], watts: number, nowMs: number, shiftMs: number): number {
  const longestMs = debts.reduce((longest, { ms }) => Math.max(longest, ms), 0);
  const togetherMs = debts.reduce((sum, debt) => sum + (debt.ms * debt.watts) / watts, 0);
  return Math.max(nowMs, shiftMs - Math.ceil(Math.max(longestMs, togetherMs) * TOP_UP_SPARE));
}

function wishOf({ percent, charging, mayCharge, planned }: BandTablet, floor: number, mark: number, toppingUp: boolean): ChargeState {
  if (!mayCharge) return 'held';
  if (percent < floor || (planned && percent < mark)) return 'needed';
  if (percent < (charging ? mark : mark - RESUME_BELOW)) return toppingUp ? 'topping-up' : 'filling';
  return 'paused';
}

function rank({ percent, planned }: BandTablet, { floorPercent }: ChargeBand): number {
  return percent < floorPercent ? 0 : planned ? 1 : 2;
}

function byCharge(a: BandTablet, b: BandTablet, { floorPercent }: ChargeBand): number {
  const fullestFirst = a.percent < floorPercent && b.percent < floorPercent;
  return Number(b.charging) - Number(a.charging) || (fullestFirst ? b.percent - a.percent : a.percent - b.percent) || a.slot - b.slot;
}
