import type { Candidate } from './choose-device.ts';
import { learntDurationMs } from './learnt-durations.ts';
import type { ModelEstimate, NightBar, NightProblem, NightTablet, OwedWipe } from './night-problem.ts';
import type { OvernightRules } from './rules.ts';
import { isUnderWay } from './sanitization-runner.ts';
import { isBreakerOpen } from './slot-health.ts';
import type { CartView, DeviceRow, NightRow } from './tables.ts';
import type { UnprovenReason } from './terms.ts';

export interface NightNow {
  readonly view: CartView;
  /** Every docked device with the gate's word on it. */
  readonly judged: readonly Candidate[];
  readonly overnight: OvernightRules;
  readonly night: NightRow;
  readonly nowMs: number;
  readonly online: boolean;
  /** False while its battery is too warm, too cold or broken. */
  readonly mayCharge: (serial: string) => boolean;
}

/** What mends itself while the night's other work is done; anything else keeps a tablet whose wipe is proven from being counted on. */
const PASSING: ReadonlySet<UnprovenReason> = new Set<UnprovenReason>(['battery-low', 'bundle-missing', 'bundle-too-old']);
const PROOF: ReadonlySet<UnprovenReason> = new Set<UnprovenReason>(['exposed', 'wipe-not-requested', 'wipe-not-confirmed', 'enrolment-not-seen', 'enrolment-not-new', 'enrolment-not-after-wipe', 'credentials-live', 'queue-unknown', 'profile-missing', 'posture-unknown']);

/** The cart as the planner wants it read: what stands in it, what is owed, what it can give, and what the morning needs. */
export function nightProblem({ view, judged, overnight, night, nowMs, online, mayCharge }: NightNow): NightProblem {
  const docked = judged.filter(({ device }) => device.standing === 'admitted').map((candidate) => docketOf(view, candidate, nowMs, mayCharge(candidate.device.serial)));
  const rebooting = [...view.all('device')].flatMap((device) => (device.custody.kind === 'rebooting' ? [underWayOf(device, device.custody.slot)] : []));
  const tablets = [...docked, ...rebooting].sort((a, b) => a.slot - b.slot);
  return {
    nowMs,
    shiftMs: night.shiftMs,
    ...(online ? { networkFromMs: nowMs } : {}),
    tablets,
    estimates: new Map(tablets.map(({ model }) => [model, estimateOf(view, model, overnight)])),
    limits: overnight.limits,
    band: overnight.band,
    needs: night.needs.map(({ ward, count, dueMs }) => ({ ward, count, dueMs })),
  };
}

function docketOf(view: CartView, { device, live, chargePercent, unproven }: Candidate, nowMs: number, mayCharge: boolean): NightTablet {
  const bar = barOf(view, device, live, unproven.map(({ reason }) => reason), nowMs);
  return {
    slot: live.slot,
    serial: device.serial,
    ward: device.ward,
    model: device.model,
    chargePercent,
    mayCharge,
    wipe: owedOf(device, unproven.map(({ reason }) => reason)),
    ...(bar ? { bar } : {}),
  };
}

/** Away for a restart during its wipe: its slot is taken, its charge is as good as unknown. */
function underWayOf(device: DeviceRow, slot: number): NightTablet {
  return { slot, serial: device.serial, ward: device.ward, model: device.model, chargePercent: 0, mayCharge: true, wipe: { state: 'under-way', sinceMs: device.request?.atMs ?? 0 } };
}

function owedOf(device: DeviceRow, reasons: readonly UnprovenReason[]): OwedWipe {
  const open = device.request !== undefined && device.request.failure === undefined && device.request.exposure === device.exposure?.leaf;
  const owes = reasons.some((reason) => PROOF.has(reason));
  if (!owes) return { state: 'none' };
  return open ? { state: 'under-way', sinceMs: device.request?.atMs ?? 0 } : { state: 'owed' };
}

function barOf(view: CartView, device: DeviceRow, live: Candidate['live'], reasons: readonly UnprovenReason[], nowMs: number): NightBar | undefined {
  if (device.quarantine) return 'quarantined';
  if (live.serial !== device.serial || live.twice) return 'unreachable';
  if (isBreakerOpen(view.get('slot', String(live.slot)), nowMs) && !isUnderWay(device)) return reasons.some((reason) => PROOF.has(reason)) ? 'unreachable' : undefined;
  return reasons.some((reason) => !PROOF.has(reason) && !PASSING.has(reason)) ? 'unproven' : undefined;
}

export function estimateOf(view: CartView, model: string, { estimate, wipeBoundsMs }: OvernightRules): ModelEstimate {
  return { ...estimate, wipeMs: learntDurationMs(view.get('model', model)?.tookMs ?? [], estimate.wipeMs, { leastMs: wipeBoundsMs.least, mostMs: wipeBoundsMs.most }) };
}
