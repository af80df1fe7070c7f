import { isAwayUnexplained, isUpdateOpen } from './os-update.ts';
import type { Rules } from './rules.ts';
import type { LadderRow } from './staleness.ts';
import type { DeviceRow } from './tables.ts';
import type { GateLeafName, Grade, UnprovenReason } from './terms.ts';

/** What the station sees of one slot at this moment. */
export interface LiveSlot {
  readonly slot: number;
  /** Serial read over USB now; absent while nothing answers. */
  readonly serial?: string;
  /** The same serial answers in another slot as well. */
  readonly twice: boolean;
  readonly battery?: { readonly percent: number; readonly ageMs: number };
}

export interface GateFacts {
  readonly device: DeviceRow | undefined;
  readonly live: LiveSlot;
  readonly rules: Rules;
  readonly ladder: LadderRow;
  /** Trusted time, Unix milliseconds. */
  readonly nowMs: number;
}

/** One independent condition. `missing` answers why it does not hold, or nothing when it does. */
export interface GateLeaf {
  readonly name: GateLeafName;
  missing(facts: GateFacts): UnprovenReason | undefined;
}

export interface Unproven {
  readonly leaf: GateLeafName;
  readonly reason: UnprovenReason;
}

/** The leaves of the release gate (DESIGN "The release gate"), each stated once. Anything missing means unproven. */
export const RELEASE_GATE: readonly GateLeaf[] = [
  {
    name: 'standing',
    missing: ({ device }) => {
      if (!device) return 'not-admitted';
      if (device.quarantine) return 'quarantined';
      if (device.standing !== 'admitted') return device.standing;
      return isUpdateOpen(device) ? 'updating' : undefined;
    },
  },
  {
    name: 'serial-in-slot',
    missing: ({ device, live }) => {
      if (live.twice) return 'serial-twice';
      const bound = device?.custody.kind === 'cart' && device.custody.slot === live.slot;
      return bound && live.serial === device.serial ? undefined : 'serial-differs';
    },
  },
  {
    name: 'no-exposure',
    missing: ({ device }) => {
      if (!device?.request) return 'wipe-not-requested';
      return device.exposure?.leaf === device.request.exposure && !isAwayUnexplained(device) ? undefined : 'exposed';
    },
  },
  { name: 'wipe-confirmed', missing: ({ device }) => (device?.evidence.wipe ? undefined : 'wipe-not-confirmed') },
  {
    name: 'enrolment-new',
    missing: ({ device }) => {
      const enrolment = device?.evidence.enrolment;
      if (!enrolment) return 'enrolment-not-seen';
      if (!enrolment.fresh || enrolment.enrolment === enrolment.previous) return 'enrolment-not-new';
      const wipe = device.evidence.wipe;
      const caused = !wipe || (wipe.command === enrolment.command && wipe.enrolment === enrolment.previous);
      const settled = enrolment.unseenAtSize > (device.request?.settledSeq ?? Number.MAX_SAFE_INTEGER);
      return caused && settled && enrolment.enrolledMdmMs > enrolment.issuedMdmMs ? undefined : 'enrolment-not-after-wipe';
    },
  },
  {
    name: 'credentials-revoked',
    missing: ({ device }) => {
      const { revocation, enrolment } = device?.evidence ?? {};
      return revocation && (!enrolment || revocation.previous === enrolment.previous) ? undefined : 'credentials-live';
    },
  },
  {
    name: 'queue-clear',
    missing: (facts) => {
      const queue = facts.device?.evidence.queue;
      if (!queue || !ofThisEnrolment(facts, queue)) return 'queue-unknown';
      if (queue.unlockTokenKept) return 'queue-not-clear';
      return tooOld(facts, queue.atMs);
    },
  },
  {
    name: 'profile-present',
    missing: (facts) => {
      const profile = facts.device?.evidence.profile;
      if (!profile || profile.profile !== facts.device.profile || !ofThisEnrolment(facts, profile)) return 'profile-missing';
      return tooOld(facts, profile.atMs);
    },
  },
  {
    name: 'posture',
    missing: (facts) => {
      const posture = facts.device?.evidence.posture;
      if (!posture || !ofThisEnrolment(facts, posture)) return 'posture-unknown';
      if (!posture.osAtFloor || !posture.compliant || posture.rooted || posture.adbEnabled) return 'posture-poor';
      return tooOld(facts, posture.atMs);
    },
  },
  /** No adapter of this version can attest: a policy that makes it mandatory keeps every device in. */
  { name: 'attestation', missing: () => 'attestation-missing' },
  {
    name: 'battery',
    missing: ({ live, rules }) => {
      if (!live.battery) return 'battery-unknown';
      return chargeNow(live.battery, rules) >= rules.batteryFloorPercent ? undefined : 'battery-low';
    },
  },
  {
    name: 'bundle',
    missing: ({ ladder }) => {
      if (ladder === 'none') return 'bundle-missing';
      return ladder === 'break-glass-only' ? 'bundle-too-old' : undefined;
    },
  },
];

/** Every mandatory leaf that does not hold, in the gate's order; an empty list is the only way out of the cart. */
export function releaseGate(facts: GateFacts, leaves: readonly GateLeaf[] = RELEASE_GATE): readonly Unproven[] {
  const unproven: Unproven[] = [];
  for (const leaf of leaves) {
    if (!facts.rules.mandatoryLeaves.includes(leaf.name)) continue;
    const reason = leaf.missing(facts);
    if (reason) unproven.push({ leaf: leaf.name, reason });
  }
  return unproven;
}

/** A reading older than 10 minutes (DESIGN table) is worth its percentage less the drift since. */
export function chargeNow(battery: { readonly percent: number; readonly ageMs: number }, rules: Pick<Rules, 'batteryDriftPercentPerHour'>): number {
  if (battery.ageMs <= 600_000) return battery.percent;
  return Math.max(0, battery.percent - Math.ceil((battery.ageMs / 3_600_000) * rules.batteryDriftPercentPerHour));
}

/** The grade of R3.2, as a label over the leaf facts of the current request; an exposure since then ends it. */
export function gradeOf(device: DeviceRow): Grade {
  const { wipe, enrolment } = device.evidence;
  if (device.request?.exposure !== device.exposure?.leaf) return 'E0';
  if (wipe && enrolment?.fresh && enrolment.command === wipe.command && enrolment.enrolledMdmMs > enrolment.issuedMdmMs) return 'E2';
  return wipe ? 'E1' : 'E0';
}

/** Steps of the sanitization that are proven, for the ring on the map. */
export function provenSteps(device: DeviceRow): { readonly done: number; readonly of: number } {
  const { wipe, enrolment, revocation, queue, profile, posture } = device.evidence;
  return { done: [wipe, enrolment, revocation, queue, profile, posture].filter(Boolean).length, of: 6 };
}

/** Facts about an enrolment count only for the enrolment that the wipe led to. */
function ofThisEnrolment({ device }: GateFacts, fact: { readonly enrolment: string }): boolean {
  const enrolment = device?.evidence.enrolment;
  return !enrolment || enrolment.enrolment === fact.enrolment;
}

function tooOld({ nowMs, rules }: GateFacts, atMs: number): UnprovenReason | undefined {
  return nowMs - atMs > rules.evidenceMaxAgeMs ? 'evidence-old' : undefined;
}
