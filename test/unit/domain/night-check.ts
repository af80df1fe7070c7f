import type { NightPlan, NightProblem, NightTablet, NightTask } from '../../../app/domain/night-problem.ts';

/** Rates and watts are fractions. */
const NOTHING = 1e-5;
/** Moments are rounded to the millisecond. */
const ROUNDING_MS = 2;

/**
 * Carries a plan out in its own way, from event to event, and tells everything in which it breaks its word: a limit at
 * any moment, an order, a charge, a forecast. Knows nothing of how plans are made.
 */
export function violations(problem: NightProblem, plan: NightPlan): string[] {
  return [...limitsAtEveryMoment(problem, plan), ...problem.tablets.flatMap((tablet) => [...ofTablet(problem, plan, tablet)]), ...forecasts(problem, plan)];
}

const rateAt = (task: NightTask, atMs: number): number => (atMs >= task.startMs && atMs < task.endMs ? (task.rates.findLast(({ fromMs }) => fromMs <= atMs)?.megabytesPerSecond ?? 0) : 0);

function* limitsAtEveryMoment({ nowMs, limits }: NightProblem, { tasks }: NightPlan): Generator<string> {
  const moments = new Set(tasks.flatMap(({ startMs, endMs, rates }) => [startMs, endMs, ...rates.map(({ fromMs }) => fromMs)]));
  moments.add(nowMs);
  for (const atMs of [...moments].filter((moment) => moment >= nowMs).sort((a, b) => a - b)) {
    const on = tasks.filter(({ startMs, endMs }) => startMs <= atMs && atMs < endMs);
    const sum = (of: (task: NightTask) => number): number => on.reduce((total, task) => total + of(task), 0);
    const used = {
      watts: sum(({ watts }) => watts),
      megabytesPerSecond: sum((task) => rateAt(task, atMs)),
      wipes: sum(({ kind }) => Number(kind === 'wipe')),
      updates: sum(({ kind }) => Number(kind === 'update')),
    };
    for (const means of ['watts', 'megabytesPerSecond', 'wipes', 'updates'] as const) {
      if (used[means] > limits[means] + NOTHING) yield `${used[means]} of ${limits[means]} ${means} at ${atMs - nowMs}`;
    }
  }
}

function* ofTablet(problem: NightProblem, plan: NightPlan, tablet: NightTablet): Generator<string> {
  const { nowMs, shiftMs, estimates, limits } = problem;
  const estimate = estimates.get(tablet.model);
  const own = plan.tasks.filter(({ slot }) => slot === tablet.slot).sort((a, b) => a.startMs - b.startMs);
  const say = (what: string): string => `slot ${tablet.slot}: ${what}`;
  if (!estimate) return yield say('no estimate');
  if (own.some(({ serial }) => serial !== tablet.serial)) yield say('another serial');
  const held = tablet.bar === 'quarantined' || tablet.bar === 'unreachable';
  const work = own.filter(({ kind }) => kind !== 'charge');
  for (const task of work) {
    const underWay = task.startMs === (tablet.wipe.state === 'under-way' && task.kind === 'wipe' ? tablet.wipe.sinceMs : task.kind === 'update' ? tablet.update?.sinceMs : undefined);
    if (task.watts !== (task.kind === 'wipe' ? estimate.wipeWatts : estimate.updateWatts)) yield say(`${task.kind} draws ${task.watts}`);
    if (underWay) {
      if (task.endMs < nowMs + 60_000) yield say('what is under way ends before it can');
      if (task.kind === 'wipe' && task.endMs !== Math.max(task.startMs + estimate.wipeMs, nowMs + 60_000)) yield say('a wipe under way ends at another time');
      continue;
    }
    if (held) yield say(`${task.kind} though held`);
    if (task.startMs < nowMs || task.startMs < (problem.networkFromMs ?? Infinity)) yield say(`${task.kind} begins too soon`);
    if (task.endMs > shiftMs) yield say(`${task.kind} ends after the shift began`);
    const megabytes = downloaded(task, task.kind === 'wipe' ? task.endMs : task.endMs - (tablet.update?.installMs ?? 0));
    const wanted = task.kind === 'wipe' ? estimate.wipeMegabytes : (tablet.update?.megabytes ?? Infinity);
    if (Math.abs(megabytes - wanted) > 0.05 + 0.001 * limits.megabytesPerSecond) yield say(`${task.kind} downloads ${megabytes} of ${wanted}`);
    if (task.kind === 'wipe' && task.endMs - task.startMs !== estimate.wipeMs) yield say('a wipe takes another time');
    if (task.kind === 'update' && task.rates.some(({ megabytesPerSecond }) => megabytesPerSecond > limits.tabletMegabytesPerSecond + NOTHING)) yield say('downloads faster than a tablet can');
  }
  for (const [index, task] of work.entries()) if (index > 0 && task.startMs < (work[index - 1]?.endMs ?? 0)) yield say('two pieces of work at once');
  const count = (kind: NightTask['kind']): number => work.filter((task) => task.kind === kind).length;
  const left = (kind: NightTask['kind']): boolean => plan.notStarted.some(({ slot, work: what }) => slot === tablet.slot && what === kind);
  if (count('wipe') + Number(left('wipe')) !== (tablet.wipe.state === 'none' ? 0 : 1)) yield say('a wipe too many or too few');
  if (count('update') + Number(left('update')) !== (tablet.update ? 1 : 0)) yield say('an update too many or too few');
  const wipe = work.find(({ kind }) => kind === 'wipe');
  const update = work.find(({ kind }) => kind === 'update');
  if (update && tablet.update?.sinceMs === undefined && tablet.wipe.state !== 'none' && !(wipe && wipe.endMs <= update.startMs)) yield say('updated before it is wiped');
  if (update && tablet.update?.sinceMs === undefined && !tablet.update?.mandatory && update.startMs < (plan.metMs ?? 0)) yield say('an update nobody needs before the need is met');
  yield* charging(problem, tablet, own.filter((task) => task.kind === 'charge')).map(say);
}

function downloaded({ rates }: NightTask, untilMs: number): number {
  return rates.reduce((sum, { fromMs, megabytesPerSecond }, index) => sum + (megabytesPerSecond * Math.max(0, Math.min(untilMs, rates[index + 1]?.fromMs ?? Infinity) - fromMs)) / 1000, 0);
}

function charging({ nowMs, shiftMs, estimates, band }: NightProblem, tablet: NightTablet, spans: readonly NightTask[]): string[] {
  const said: string[] = [];
  let percent = tablet.chargePercent;
  for (const [index, { startMs, endMs, watts }] of spans.entries()) {
    const estimate = estimates.get(tablet.model);
    if (startMs < nowMs || endMs > shiftMs || endMs <= startMs) said.push('charges outside of the night');
    if (startMs < (spans[index - 1]?.endMs ?? 0)) said.push('charges twice at once');
    if (watts !== estimate?.chargeWatts) said.push(`charging draws ${watts}`);
    percent += ((endMs - startMs) / 3_600_000) * (estimate?.chargePercentPerHour ?? 0);
  }
  const most = Math.max(band.floorPercent, band.upperPercent, band.morningPercent);
  if (spans.length > 0 && percent > Math.max(most, tablet.chargePercent) + 0.01) said.push(`is charged to ${percent}`);
  if (spans.length > 0 && (!tablet.mayCharge || tablet.bar === 'quarantined' || tablet.bar === 'unreachable')) said.push('charges though held');
  return said;
}

/** When the tablet is ready if the plan is carried out. */
function readyMs({ nowMs, shiftMs, estimates, band }: NightProblem, { tasks }: NightPlan, tablet: NightTablet): number | undefined {
  if (tablet.bar) return undefined;
  const own = tasks.filter(({ slot }) => slot === tablet.slot);
  const [wipe, update] = (['wipe', 'update'] as const).map((kind) => own.find((task) => task.kind === kind));
  if (tablet.wipe.state !== 'none' && !wipe) return undefined;
  const counts = tablet.update && (tablet.update.mandatory || tablet.update.sinceMs !== undefined);
  if (counts && !update) return undefined;
  let percent = tablet.chargePercent;
  let chargedMs = percent >= band.floorPercent ? nowMs : Infinity;
  const perMs = (estimates.get(tablet.model)?.chargePercentPerHour ?? 0) / 3_600_000;
  for (const { startMs, endMs } of own.filter(({ kind }) => kind === 'charge').sort((a, b) => a.startMs - b.startMs)) {
    const reachedMs = startMs + (band.floorPercent - percent) / perMs;
    if (reachedMs <= endMs + ROUNDING_MS) chargedMs = Math.min(chargedMs, Math.max(startMs, reachedMs));
    percent += (endMs - startMs) * perMs;
  }
  const atMs = Math.max(nowMs, chargedMs, wipe?.endMs ?? 0, counts ? (update?.endMs ?? 0) : 0);
  return atMs <= shiftMs ? atMs : undefined;
}

function* forecasts(problem: NightProblem, plan: NightPlan): Generator<string> {
  const ready = new Map<string, number[]>();
  for (const tablet of problem.tablets) {
    const atMs = readyMs(problem, plan, tablet);
    const said = plan.tablets.find(({ slot }) => slot === tablet.slot)?.readyMs;
    if (Math.abs((atMs ?? -1e9) - (said ?? -1e9)) > ROUNDING_MS) yield `slot ${tablet.slot}: ready at ${atMs}, said ${said}`;
    if (said !== undefined) ready.set(tablet.ward, [...(ready.get(tablet.ward) ?? []), said].sort((a, b) => a - b));
  }
  let metMs: number | undefined = problem.nowMs;
  for (const [index, need] of problem.needs.entries()) {
    const atMs = need.count <= 0 ? problem.nowMs : ready.get(need.ward)?.[need.count - 1];
    if (plan.needs[index]?.metMs !== atMs) yield `need ${index}: met at ${atMs}, said ${plan.needs[index]?.metMs}`;
    metMs = atMs === undefined || metMs === undefined ? undefined : Math.max(metMs, atMs);
  }
  if (plan.metMs !== metMs) yield `met at ${metMs}, said ${plan.metMs}`;
  for (const ward of new Set(problem.needs.map((need) => need.ward))) {
    const shortBy = Math.max(0, ...problem.needs.filter((need) => need.ward === ward).map(({ count }) => count)) - (ready.get(ward)?.length ?? 0);
    const said = plan.short.find((short) => short.ward === ward);
    if ((said?.shortBy ?? 0) !== Math.max(0, shortBy)) yield `${ward}: short by ${shortBy}, said ${said?.shortBy}`;
    if (said && said.because.reduce((sum, { count }) => sum + count, 0) < said.shortBy) yield `${ward}: short for fewer reasons than tablets`;
  }
}
