import { placesOf, type PlacedStage } from './night-candidate.ts';
import { fillNight, type FilledNight } from './night-fill.ts';
import type { NeedForecast, NightPlan, NightProblem, NightTask, TabletForecast } from './night-problem.ts';
import { findEarliest } from './night-search.ts';
import { busyCart, type BusyCart, type TabletWork } from './night-cart.ts';
import { notStartedOf, shortagesOf } from './night-shortage.ts';

/**
 * What the cart does from now until the shift, so that the morning's need is met as early as possible. The same problem
 * gives the same plan; planning again from what has become of it goes on where it stands.
 * @throws where a tablet's model has no estimate.
 */
export function planNight(problem: NightProblem): NightPlan {
  const cart = busyCart(problem);
  const { works } = cart;
  const places = placesOf(problem);
  const found = findEarliest(problem, cart, places);
  const night = fillNight(problem, cart, found, places);
  const tablets = works.map((work) => forecastOf(problem, cart, work, night));
  const needs = problem.needs.map((need) => forecastNeed(problem, need, tablets));
  const met = needs.flatMap(({ metMs }) => metMs ?? []);
  return {
    tasks: tasksOf(cart, works, night, new Set(found.order)),
    tablets,
    needs,
    ...(met.length === needs.length ? { metMs: Math.max(problem.nowMs, ...met) } : {}),
    short: shortagesOf(works, tablets, places),
    notStarted: notStartedOf(problem, works, night),
  };
}

function forecastOf({ nowMs, shiftMs }: NightProblem, { running }: BusyCart, work: TabletWork, { placed, floorMs }: FilledNight): TabletForecast {
  const { slot, serial, ward, bar } = work.tablet;
  const stages = placed.filter((other) => other.work === work && work.stages.includes(other.stage));
  const charged = floorMs.get(slot);
  const ran = running.get(slot)?.endMs ?? nowMs;
  const readyMs = stages.reduce((latest, { fit }) => Math.max(latest, fit.endMs), Math.max(ran, charged ?? Infinity));
  const ready = !bar && stages.length === work.stages.length && readyMs <= shiftMs;
  return { slot, serial, ward, ...(ready ? { readyMs } : {}) };
}

function forecastNeed({ nowMs }: NightProblem, need: NeedForecast, tablets: readonly TabletForecast[]): NeedForecast {
  if (need.count <= 0) return { ...need, metMs: nowMs };
  const ready = tablets.flatMap(({ ward, readyMs }) => (ward === need.ward && readyMs !== undefined ? [readyMs] : [])).sort((a, b) => a - b);
  const metMs = ready[need.count - 1];
  return { ...need, ...(metMs === undefined ? {} : { metMs }) };
}

function tasksOf(cart: BusyCart, works: readonly TabletWork[], { placed, spans }: FilledNight, chosen: ReadonlySet<TabletWork>): NightTask[] {
  const running = works.flatMap((work): PlacedStage[] => {
    const fit = cart.running.get(work.tablet.slot);
    return work.running && fit ? [{ work, stage: work.running, fit }] : [];
  });
  const tasks = [...running, ...placed].map(({ work, stage, fit }): NightTask => ({
    slot: work.tablet.slot,
    serial: work.tablet.serial,
    kind: stage.kind,
    startMs: stage === work.running ? work.running.sinceMs : fit.startMs,
    endMs: fit.endMs,
    watts: stage.watts,
    rates: fit.rates ?? [{ fromMs: fit.startMs, megabytesPerSecond: stage.megabytesPerSecond }],
    needed: chosen.has(work) && stage !== work.optional,
  }));
  const bySlot = new Map(works.map((work) => [work.tablet.slot, work]));
  for (const { slot, startMs, endMs, needed } of spans) {
    const work = bySlot.get(slot);
    if (!work) continue;
    const { serial } = work.tablet;
    tasks.push({ slot, serial, kind: 'charge', startMs, endMs, watts: work.chargeWatts, rates: [], needed });
  }
  return tasks.sort((a, b) => a.startMs - b.startMs || a.slot - b.slot || (a.kind < b.kind ? -1 : 1));
}
