import type { ModelEstimate, NightProblem, NightTablet } from './night-problem.ts';
import type { Stage } from './night-timeline.ts';

const HOUR_MS = 3_600_000;
/** What work that is overdue is given at each look, in milliseconds. */
const OVERDUE_MS = 60_000;

/** A stage under way, as what is left of it from now on. */
export interface RunningStage extends Stage {
  readonly sinceMs: number;
}

/** What one tablet still has to go through. Charge debts are milliseconds of charging. */
export interface OwedWork {
  readonly tablet: NightTablet;
  readonly running?: RunningStage;
  /** Not begun and needed before it is ready, in this order. */
  readonly stages: readonly Stage[];
  /** Of these, with the cart's means all to itself. */
  readonly wipeMs: number;
  readonly updateMs: number;
  readonly optional?: Stage;
  readonly chargeWatts: number;
  readonly debtMs: { readonly floor: number; readonly upper: number; readonly morning: number };
}

/** @throws where the tablet's model has no estimate. */
export function owedWork(problem: NightProblem, tablet: NightTablet): OwedWork {
  const estimate = problem.estimates.get(tablet.model);
  if (!estimate) throw new Error(`no estimate for model ${tablet.model}`);
  const debtTo = (percent: number): number => Math.max(0, Math.ceil(((percent - tablet.chargePercent) / estimate.chargePercentPerHour) * HOUR_MS));
  const { floorPercent, upperPercent, morningPercent } = problem.band;
  const upper = Math.max(floorPercent, upperPercent);
  const debtMs = { floor: debtTo(floorPercent), upper: debtTo(upper), morning: debtTo(Math.max(upper, morningPercent)) };
  const owed = stagesOf(problem, tablet, estimate);
  return { tablet, ...owed, wipeMs: workMs(owed.stages, 'wipe'), updateMs: workMs(owed.stages, 'update'), chargeWatts: estimate.chargeWatts, debtMs };
}

/** How long the stage takes with the cart's means all to itself. */
export function atLeastMs({ kind, durationMs, megabytes, megabytesPerSecond }: Stage): number {
  return kind === 'wipe' ? durationMs : Math.ceil((megabytes / megabytesPerSecond) * 1000) + durationMs;
}

export function workMs(stages: readonly Stage[], kind: Stage['kind']): number {
  return stages.reduce((sum, stage) => sum + (stage.kind === kind ? atLeastMs(stage) : 0), 0);
}

/** Whether an otherwise idle cart could do it. */
export function everFits(limits: NightProblem['limits'], { kind, watts, megabytesPerSecond }: Stage): boolean {
  return watts <= limits.watts && megabytesPerSecond <= limits.megabytesPerSecond && limits[kind === 'wipe' ? 'wipes' : 'updates'] >= 1;
}

function stagesOf(problem: NightProblem, tablet: NightTablet, estimate: ModelEstimate): Pick<OwedWork, 'running' | 'stages' | 'optional'> {
  const { nowMs, limits } = problem;
  const { wipeMs, wipeMegabytes } = estimate;
  const wipe: Stage = { kind: 'wipe', durationMs: wipeMs, megabytes: wipeMegabytes, megabytesPerSecond: (wipeMegabytes * 1000) / wipeMs, watts: estimate.wipeWatts };
  const most = Math.min(limits.tabletMegabytesPerSecond, limits.megabytesPerSecond);
  const owed = tablet.update?.held ? undefined : tablet.update;
  const update: Stage | undefined = owed && { kind: 'update', durationMs: owed.installMs, megabytes: owed.megabytes, megabytesPerSecond: most, watts: estimate.updateWatts };
  const stages = tablet.wipe.state === 'owed' ? [wipe] : [];
  if (tablet.wipe.state !== 'under-way' && update && owed?.sinceMs !== undefined) return { running: leftOf(update, owed.sinceMs, nowMs), stages };
  const running = tablet.wipe.state === 'under-way' ? { running: leftOf(wipe, tablet.wipe.sinceMs, nowMs) } : {};
  if (update && owed?.mandatory) stages.push(update);
  return { ...running, stages, ...(update && !owed?.mandatory ? { optional: update } : {}) };
}

function leftOf(stage: Stage, sinceMs: number, nowMs: number): RunningStage {
  const goneMs = nowMs - sinceMs;
  if (stage.kind === 'wipe') return { ...stage, sinceMs, durationMs: Math.max(stage.durationMs - goneMs, OVERDUE_MS) };
  const megabytes = Math.max(0, stage.megabytes - (stage.megabytesPerSecond * goneMs) / 1000);
  const installingMs = Math.max(0, goneMs - (stage.megabytes / stage.megabytesPerSecond) * 1000);
  return { ...stage, sinceMs, megabytes, durationMs: Math.max(Math.ceil(stage.durationMs - installingMs), OVERDUE_MS) };
}
