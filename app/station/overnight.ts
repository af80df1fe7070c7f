import type { NightBoard } from '../contract/night.ts';
import type { Candidate } from '../domain/choose-device.ts';
import type { EntryDraft } from '../domain/entries.ts';
import { overdueAfterMs } from '../domain/learnt-durations.ts';
import { morningSheet, readinessOf, type MorningSheet } from '../domain/morning-sheet.ts';
import { needsOfCart } from '../domain/night-needs.ts';
import { estimateOf, nightProblem } from '../domain/night-now.ts';
import { isUpdateOpen } from '../domain/os-update.ts';
import { planNight } from '../domain/night-plan.ts';
import type { NightPlan, NightWork } from '../domain/night-problem.ts';
import { forecastReadiness } from '../domain/readiness.ts';
import type { NightRow } from '../domain/tables.ts';
import { updateOverdueMs, type UpdatesNow } from '../domain/update-runner.ts';
import type { Record } from './record.ts';
import type { StationContext } from './state.ts';
import { isBetween, nextTimeOfDay, timeOfDay } from './time-of-day.ts';
import { UNREADABLE_MS } from './watch-slots.ts';

/** A plan is made anew this often, and at once when the ledger has grown. */
const PLAN_MS = 30_000;
/** A shortage that the plan sees for so long is told; what the next minutes mend is nobody's business at night (R4.3). */
const SHORT_TOLD_MS = 15 * 60_000;
/** Without a night of its own the cart begins as many wipes at once as it has slots. */
const ALL_AT_ONCE = 99;
/** An entry has 8 KiB; the rest is counted. */
const EXCEPTIONS_RECORDED = 32;

/** How the cart prepares the morning (R4): a plan from the evening on, made anew as the night goes, and a sheet at its end. */
export interface Overnight {
  /** Opens and ends the night, plans, and tells of a need that is threatened. */
  tick(): Promise<void>;
  /** Whether it is this tablet's turn to be wiped; by day it is everybody's. */
  turn(serial: string): boolean;
  wipesAtOnce(): number;
  /** What the night says of updates of the operating system; by day none is begun. */
  updates(): Pick<UpdatesNow, 'night' | 'updatesAtOnce' | 'turn' | 'overdueMs'>;
  /** How long a sanitization of this model may take. */
  overdueMs(model: string): number;
  /** `judged`: every docked tablet with the gate's word on it. */
  board(judged: readonly Candidate[]): NightBoard | undefined;
  /** From the end of the night until the next one begins. */
  sheet(judged: readonly Candidate[]): MorningSheet | undefined;
}

export function createOvernight(context: StationContext, record: Record, mayCharge: (serial: string) => boolean): Overnight {
  const { deps, state } = context;
  const { clock, store, place } = deps;
  let plan: NightPlan | undefined;
  let planned = { atMs: Number.NEGATIVE_INFINITY, size: -1, online: false };
  const shortSince = new Map<string, number>();

  const rules = () => state.bundle?.rules.overnight;
  const lastNight = (): NightRow | undefined => store.view.get('cart', 'cart')?.night;
  const openNight = (): NightRow | undefined => {
    const night = lastNight();
    return night && night.endedAtMs === undefined ? night : undefined;
  };

  const begin = (nowMs: number): EntryDraft | undefined => {
    const overnight = rules();
    if (!overnight || openNight() || state.sight !== 'watching' || !isBetween(timeOfDay(place.timeZone, nowMs), overnight.from, overnight.shift)) return undefined;
    const shiftMs = nextTimeOfDay(place.timeZone, overnight.shift, nowMs);
    if (lastNight()?.shiftMs === shiftMs) return undefined;
    const needs = needsOfCart(overnight.needs, place).map(({ ward, cart, count, due }) => ({ ward, ...(cart === undefined ? {} : { cart }), count, dueMs: Math.min(shiftMs, nextTimeOfDay(place.timeZone, due, nowMs)) }));
    return { type: 'night-began', body: { shiftMs, needs, owed: context.candidates().filter(({ unproven }) => unproven.length > 0).length } };
  };

  const sheetOf = (night: NightRow, judged: readonly Candidate[]): MorningSheet => {
    const unreadable = [...state.slots.values()].flatMap(({ slot, unreadableSinceMs }) => (unreadableSinceMs !== undefined && clock.monoMs() - unreadableSinceMs >= UNREADABLE_MS ? [slot] : []));
    return morningSheet({ view: store.view, judged, night, unreadable, online: state.online });
  };

  const end = (night: NightRow): EntryDraft => {
    const ready = new Map(readinessOf(context.candidates(), night.needs).map((ward) => [ward.ward, ward.ready]));
    const { exceptions, done, fromMs } = sheetOf(night, context.candidates());
    const needs = night.needs.map((need) => ({ ...need, ready: ready.get(need.ward) ?? 0 }));
    return { type: 'night-ended', body: { fromMs, shiftMs: night.shiftMs, needs, exceptions: exceptions.slice(0, EXCEPTIONS_RECORDED), more: Math.max(0, exceptions.length - EXCEPTIONS_RECORDED), done } };
  };

  const replan = (night: NightRow, nowMs: number): void => {
    const overnight = rules();
    const same = nowMs >= planned.atMs && nowMs - planned.atMs < PLAN_MS && planned.size === store.size() && planned.online === state.online;
    if (!overnight || state.sight !== 'watching' || same) return;
    plan = planNight(nightProblem({ view: store.view, judged: context.candidates(), overnight, night, nowMs, online: state.online, mayCharge }));
    planned = { atMs: nowMs, size: store.size(), online: state.online };
  };

  /** Each ward once a night, and only when it has been short for a while. */
  const threatened = (night: NightRow, nowMs: number): readonly EntryDraft[] => {
    const short = plan?.short ?? [];
    for (const ward of shortSince.keys()) if (!short.some((one) => one.ward === ward)) shortSince.delete(ward);
    return short.flatMap(({ ward, shortBy, because }): readonly EntryDraft[] => {
      const sinceMs = shortSince.get(ward) ?? nowMs;
      shortSince.set(ward, sinceMs);
      const [first] = because;
      if (first === undefined || nowMs - sinceMs < SHORT_TOLD_MS || night.threatened.includes(ward)) return [];
      return [{ type: 'need-threatened', body: { ward, shortBy, dueMs: dueOf(night, ward), because: first.reason } }];
    });
  };

  return {
    tick: async () => {
      const nowMs = clock.wallMs();
      const beginning = begin(nowMs);
      if (beginning) await record([beginning]);
      const night = openNight();
      if (!night) {
        plan = undefined;
        shortSince.clear();
        return;
      }
      if (nowMs >= night.shiftMs) return void (await record([end(night)]));
      replan(night, nowMs);
      await record(threatened(night, nowMs));
    },
    turn: (serial) => !openNight() || !rules() || isDue(serial, 'wipe'),
    wipesAtOnce: () => rules()?.limits.wipes ?? ALL_AT_ONCE,
    updates: () => {
      const overnight = rules();
      const night = overnight && openNight();
      return { night: night && clock.wallMs() < night.shiftMs ? night : undefined, updatesAtOnce: overnight?.limits.updates ?? 0, overdueMs: overnight ? updateOverdueMs(overnight) : 0, turn: (serial) => state.online && isDue(serial, 'update') };
    },
    overdueMs: (model) => {
      const all = state.bundle?.rules;
      if (!all?.overnight) return all?.sanitizationOverdueMs ?? Number.MAX_SAFE_INTEGER;
      return overdueAfterMs(estimateOf(store.view, model, all.overnight).wipeMs, all.sanitizationOverdueMs);
    },
    board: (judged) => {
      const night = openNight();
      if (!night || !plan) return undefined;
      return {
        shiftMs: night.shiftMs,
        wards: forecastReadiness(plan, judged).map(({ ward, needed, cleanNow, cleanByShift, shortBy, because, metMs }) => ({
          ward: nameOf(ward),
          needed,
          ready: cleanNow,
          byShift: cleanByShift,
          ...(metMs === undefined ? {} : { metMs }),
          ...(because === undefined ? {} : { shortBy, because }),
        })),
        slots: plan.tablets.map(({ slot, readyMs }) => ({ slot, ...(readyMs === undefined ? {} : { readyMs }) })),
        ...updatesOf(plan),
      };
    },
    sheet: (judged) => {
      const night = lastNight();
      if (!night || night.endedAtMs === undefined || !state.bundle) return undefined;
      return sheetOf(night, judged);
    },
  };

  function isDue(serial: string, kind: NightWork): boolean {
    const nowMs = clock.wallMs();
    return plan?.tasks.some((task) => task.serial === serial && task.kind === kind && task.startMs <= nowMs) ?? false;
  }

  function updatesOf({ notStarted }: NightPlan): Pick<NightBoard, 'updates'> {
    const running = [...store.view.all('device')].filter(isUpdateOpen).length;
    const reasons = notStarted.flatMap(({ work, reason }) => (work === 'update' ? [reason] : []));
    const [because] = [...reasons].sort((a, b) => countOf(reasons, b) - countOf(reasons, a));
    return running + reasons.length === 0 ? {} : { updates: { running, left: reasons.length, ...(because ? { because } : {}) } };
  }

  function dueOf({ needs, shiftMs }: NightRow, ward: string): number {
    return needs.filter((need) => need.ward === ward).reduce((latest, { dueMs }) => Math.max(latest, dueMs), 0) || shiftMs;
  }

  function nameOf(ward: string): string {
    return state.bundle?.wards.find(({ id }) => id === ward)?.name ?? ward;
  }
}

const countOf = <T>(all: readonly T[], one: T): number => all.filter((each) => each === one).length;
