import type { MorningNeed, NightPlan, WardShortage } from './night-problem.ts';

export interface DueForecast {
  readonly dueMs: number;
  readonly count: number;
  /** How many the plan has ready by then. */
  readonly ready: number;
  readonly shortBy: number;
  /** When `count` are ready; absent when that is not before the shift. */
  readonly metMs?: number;
}

/** What a ward has and will have. A tablet is clean here when it is proven, updated where it must be, and charged to the floor. */
export interface WardForecast {
  readonly ward: string;
  /** The most it needs at any of its due times. */
  readonly needed: number;
  readonly cleanNow: number;
  readonly cleanByShift: number;
  /** Against the shift, by the plan. */
  readonly shortBy: number;
  readonly because: WardShortage['because'];
  /** Earliest first. */
  readonly dues: readonly DueForecast[];
}

/** Readiness of every ward that has tablets in the cart or needs some, by name (R4, R6.6). `nowMs`: the moment of the plan. */
export function forecastReadiness(plan: Pick<NightPlan, 'tablets' | 'needs' | 'short'>, nowMs: number): readonly WardForecast[] {
  const wards = [...new Set([...plan.needs, ...plan.tablets].map(({ ward }) => ward))].sort();
  return wards.map((ward) => {
    const ready = plan.tablets.flatMap((tablet) => (tablet.ward === ward && tablet.readyMs !== undefined ? [tablet.readyMs] : [])).sort((a, b) => a - b);
    const needs = plan.needs.filter((need) => need.ward === ward).sort((a, b) => a.dueMs - b.dueMs || a.count - b.count);
    const needed = needs.reduce((most, { count }) => Math.max(most, count), 0);
    return {
      ward,
      needed,
      cleanNow: ready.filter((readyMs) => readyMs <= nowMs).length,
      cleanByShift: ready.length,
      shortBy: Math.max(0, needed - ready.length),
      because: plan.short.find((short) => short.ward === ward)?.because ?? [],
      dues: needs.map((need) => forecastDue(need, ready)),
    };
  });
}

function forecastDue({ dueMs, count, metMs }: MorningNeed & { readonly metMs?: number }, readyMs: readonly number[]): DueForecast {
  const ready = readyMs.filter((atMs) => atMs <= dueMs).length;
  return { dueMs, count, ready, shortBy: Math.max(0, count - ready), ...(metMs === undefined ? {} : { metMs }) };
}
