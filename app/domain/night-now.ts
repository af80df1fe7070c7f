import type { Candidate } from './choose-device.ts';
import { learntDurationMs } from './learnt-durations.ts';
import type { ModelEstimate, NightBar, NightProblem, NightTablet, OwedUpdate, OwedWipe } from './night-problem.ts';
import { isTriedTonight, isUpdateOpen } from './os-update.ts';
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
const PASSING: ReadonlySet<UnprovenReason> = new Set<UnprovenReason>(['updating', 'battery-low', 'bundle-missing', 'bundle-too-old']);
const PROOF: ReadonlySet<UnprovenReason> = new Set<UnprovenReason>(['exposed', 'wipe-not-requested', 'wipe-not-confirmed', 'enrolment-not-seen', 'enrolment-not-new', 'enrolment-not-after-wipe', 'credentials-live', 'queue-unknown', 'profile-missing', 'posture-unknown']);

/** The cart as the planner wants it read: what stands in it, what is owed, what it can give, and what the morning needs. */
export function nightProblem({ view, judged, overnight, night, nowMs, online, mayCharge }: NightNow): NightProblem {
  const docked = judged.filter(({ device }) => device.standing === 'admitted').map((candidate) => docketOf({ view, overnight, night, nowMs, mayCharge }, candidate));
  const rebooting = [...view.all('device')].flatMap((device) => (device.custody.kind === 'rebooting' ? [underWayOf(device, device.custody, overnight)] : []));
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

function docketOf({ view, overnight, night, nowMs, mayCharge }: Omit<NightNow, 'judged' | 'online'>, { device, live, chargePercent, unproven }: Candidate): NightTablet {
  const update = updateOf(device, overnight, night);
  const reasons = unproven.map(({ reason }) => reason).filter((reason) => reason !== 'posture-poor' || !update?.mandatory || update.held);
  const bar = barOf(view, device, live, reasons, nowMs);
  return {
    slot: live.slot,
    serial: device.serial,
    ward: device.ward,
    model: device.model,
    chargePercent,
    mayCharge: mayCharge(device.serial),
    wipe: owedOf(device, reasons),
    ...(update ? { update } : {}),
    ...(bar ? { bar } : {}),
  };
}

/** Away for a restart during its wipe or its update: its slot is taken, its charge is as good as unknown. */
function underWayOf(device: DeviceRow, { slot, request }: { readonly slot: number; readonly request: string }, { update }: OvernightRules): NightTablet {
  const tablet = { slot, serial: device.serial, ward: device.ward, model: device.model, chargePercent: 0, mayCharge: true };
  if (device.update?.request !== request) return { ...tablet, wipe: { state: 'under-way', sinceMs: device.request?.atMs ?? 0 } };
  return { ...tablet, wipe: { state: 'none' }, update: { megabytes: update?.megabytes ?? 0, installMs: update?.installMs ?? 0, mandatory: true, sinceMs: device.update.atMs } };
}

/**
 * What the MDM last stated of an update for this tablet. It is mandatory where it alone mends the posture, and once it is under way,
 * for then the tablet is not ready before it is over.
 */
function updateOf(device: DeviceRow, { update: takes }: OvernightRules, night: NightRow): OwedUpdate | undefined {
  const { posture } = device.evidence;
  if (isUpdateOpen(device)) return { megabytes: takes?.megabytes ?? 0, installMs: takes?.installMs ?? 0, mandatory: true, sinceMs: device.update?.atMs ?? 0 };
  if (!takes || !posture?.update || posture.update === 'none' || isTriedTonight(device, night)) return undefined;
  const mandatory = !posture.osAtFloor && posture.compliant && !posture.rooted && !posture.adbEnabled;
  return { ...takes, mandatory, ...(posture.update === 'held' ? { held: true } : {}) };
}

function owedOf(device: DeviceRow, reasons: readonly UnprovenReason[]): OwedWipe {
  if (isUpdateOpen(device)) return { state: 'none' };
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
