import type { Candidate } from './choose-device.ts';
import { readinessOf } from './morning-sheet.ts';
import type { NightPlan, ShortReason } from './night-problem.ts';

/** What a ward has and will have. */
export interface WardForecast {
  readonly ward: string;
  /** The most it needs at any of its due times. */
  readonly needed: number;
  /** By the gate, as the map shows them and the morning sheet will count them. */
  readonly cleanNow: number;
  /** By the plan: proven, updated where it must be, and charged to the floor before the shift. */
  readonly cleanByShift: number;
  /** Against the shift, by the plan. */
  readonly shortBy: number;
  /** Present while it will be short: why most of its tablets that will not be ready are not. */
  readonly because?: ShortReason;
  /** When as many as it needs are ready, Unix ms; absent when that is not before the shift. */
  readonly metMs?: number;
}

/** Readiness of every ward that needs some, in the order of the needs (R4, R6.6). `judged`: every docked tablet with the gate's word on it. */
export function forecastReadiness(plan: Pick<NightPlan, 'tablets' | 'needs' | 'short'>, judged: readonly Candidate[]): readonly WardForecast[] {
  return readinessOf(judged, plan.needs).map(({ ward, needed, ready }) => {
    const readyMs = plan.tablets.flatMap((tablet) => (tablet.ward === ward && tablet.readyMs !== undefined ? [tablet.readyMs] : [])).sort((a, b) => a - b);
    const shortBy = Math.max(0, needed - readyMs.length);
    const metMs = readyMs[needed - 1];
    const because = plan.short.find((short) => short.ward === ward)?.because[0]?.reason ?? 'absent';
    return { ward, needed, cleanNow: ready, cleanByShift: readyMs.length, shortBy, ...(shortBy > 0 ? { because } : {}), ...(metMs === undefined ? {} : { metMs }) };
  });
}
