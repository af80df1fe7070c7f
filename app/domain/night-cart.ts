import type { NightProblem, NotStartedReason } from './night-problem.ts';
import { everFits, owedWork, type OwedWork } from './night-stages.ts';
import { ALL_THERE_IS, earliestFit, emptyCart, networkOnly, occupy, type Fit, type Timeline } from './night-timeline.ts';

export interface TabletWork extends OwedWork {
  /** Until what is under way in it ends, from now; 0 where nothing is. */
  readonly runningMs: number;
  /** From now until it is ready if nothing but what is under way were in the cart; infinite where it cannot be. */
  readonly aloneMs: number;
  /** Why it cannot be ready by the shift. */
  readonly blocked?: NotStartedReason;
}

/** The cart with what is under way in it. */
export interface BusyCart {
  readonly timeline: Timeline;
  /** By slot. */
  readonly running: ReadonlyMap<number, Fit>;
  /** By slot. */
  readonly works: readonly TabletWork[];
}

/** What is under way goes on as it is: its lane and watts are taken even where the limits were since lowered. */
export function busyCart(problem: NightProblem): BusyCart {
  const { limits, nowMs } = problem;
  const owed = problem.tablets.toSorted((a, b) => a.slot - b.slot).map((tablet) => owedWork(problem, tablet));
  const timeline = emptyCart(limits, nowMs);
  const running = new Map<number, Fit>();
  for (const kind of ['wipe', 'update'] as const) {
    for (const { tablet, running: stage } of owed) {
      if (stage?.kind !== kind) continue;
      const evenly = { startMs: nowMs, endMs: nowMs + stage.durationMs };
      const fit = kind === 'wipe' ? evenly : earliestFit(networkOnly(timeline), stage, nowMs, ALL_THERE_IS);
      if (!fit) throw new Error(`the update in slot ${tablet.slot} never ends: the network has no rate`);
      occupy(timeline, stage, fit);
      running.set(tablet.slot, fit);
    }
  }
  const works = owed.map((work): TabletWork => {
    const runningMs = (running.get(work.tablet.slot)?.endMs ?? nowMs) - nowMs;
    return { ...work, runningMs, ...aloneOf(problem, timeline, runningMs, work) };
  });
  return { timeline, running, works };
}

function aloneOf(problem: NightProblem, timeline: Timeline, runningMs: number, work: OwedWork): Pick<TabletWork, 'aloneMs' | 'blocked'> {
  const { nowMs, shiftMs, networkFromMs, limits } = problem;
  const { tablet, stages, debtMs, chargeWatts } = work;
  const never = (blocked: NotStartedReason): Pick<TabletWork, 'aloneMs' | 'blocked'> => ({ aloneMs: Infinity, blocked });
  if (tablet.bar) return never(tablet.bar);
  if (stages.length > 0 && networkFromMs === undefined) return never('no-network');
  if (stages.some((stage) => !everFits(limits, stage))) return never('limits');
  if (debtMs.floor > 0 && !tablet.mayCharge) return never('too-hot');
  if (debtMs.floor > 0 && chargeWatts > limits.watts) return never('limits');
  let doneMs = nowMs + runningMs;
  for (const stage of stages) {
    const fit = earliestFit(timeline, stage, Math.max(doneMs, networkFromMs ?? nowMs), ALL_THERE_IS);
    if (!fit) return never('limits');
    doneMs = fit.endMs;
  }
  const aloneMs = Math.max(doneMs - nowMs, debtMs.floor);
  return aloneMs > shiftMs - nowMs ? { aloneMs, blocked: 'cut-off' } : { aloneMs };
}
