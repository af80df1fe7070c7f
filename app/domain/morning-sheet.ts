import type { Candidate } from './choose-device.ts';
import { isHeld } from './label-scan.ts';
import { failedTonight } from './os-update.ts';
import { suspectOf, type Suspect } from './slot-health.ts';
import type { CartView, DeviceRow, NightRow } from './tables.ts';
import type { QuarantineReason, UnprovenReason } from './terms.ts';

/** What a person does about a tablet that the morning lacks, quickest first; the page holds the words. */
export const NEXT_STEPS = ['wait', 'charge', 'connect-network', 'put-back', 'try-another-slot', 'swap-cable', 'restart-tablet', 'free-in-mdm', 'look-at-update', 'find-holder', 'to-service'] as const;
export type NextStep = (typeof NEXT_STEPS)[number];

/** Rough minutes of a person's or the cart's time; they order the sheet and are shown as "about". */
export const MINUTES_TO_FIX: Readonly<Record<NextStep, number>> = {
  wait: 5, charge: 30, 'connect-network': 10, 'put-back': 1, 'try-another-slot': 2, 'swap-cable': 3, 'restart-tablet': 5, 'free-in-mdm': 15, 'look-at-update': 15, 'find-holder': 20, 'to-service': 60,
};

export type MorningReason = UnprovenReason | QuarantineReason | 'update-failed' | 'in-hand' | 'unidentified' | 'with-ward' | 'said-back' | 'unreadable';

export interface MorningException {
  readonly slot?: number;
  /** Absent where nothing told one. */
  readonly serial?: string;
  readonly asset?: string;
  readonly ward?: string;
  readonly reason: MorningReason;
  readonly suspect?: Suspect;
  readonly next: NextStep;
  readonly minutes: number;
}

export interface WardReadiness {
  readonly ward: string;
  readonly needed: number;
  readonly ready: number;
  readonly shortBy: number;
  readonly dueMs: number;
}

/** One page for whoever opens the shift: what is missing first, by the time it takes to mend. */
export interface MorningSheet {
  readonly fromMs: number;
  readonly shiftMs: number;
  readonly needs: readonly WardReadiness[];
  readonly exceptions: readonly MorningException[];
  readonly done: NightRow['tally'];
}

/** `judged`: every docked tablet with the gate's word on it; `unreadable`: slots in which something stands that tells no serial. */
export function morningSheet({ view, judged, night, unreadable, online }: { readonly view: CartView; readonly judged: readonly Candidate[]; readonly night: NightRow; readonly unreadable: readonly number[]; readonly online: boolean }): MorningSheet {
  const docked = judged.flatMap((candidate) => exceptionOf(view, candidate, online, night));
  const away = [...view.all('device')].flatMap((device) => awayOf(device, night.shiftMs));
  const mute = unreadable.map((slot): MorningException => withMinutes({ slot, reason: 'unreadable', next: 'swap-cable' }));
  return {
    fromMs: night.beganAtMs,
    shiftMs: night.shiftMs,
    needs: readinessOf(judged, night.needs),
    exceptions: [...docked, ...mute, ...away].sort((a, b) => a.minutes - b.minutes || (a.slot ?? Number.MAX_SAFE_INTEGER) - (b.slot ?? Number.MAX_SAFE_INTEGER) || compare(a.serial, b.serial)),
    done: night.tally,
  };
}

/** Ready against the largest need of each ward: as the night ended, or now while it lasts. */
export function readinessOf(judged: readonly Candidate[], needs: NightRow['needs']): readonly WardReadiness[] {
  const wards = new Map<string, { needed: number; dueMs: number; atEnd: number | undefined }>();
  for (const { ward, count, dueMs, ready } of needs) {
    const before = wards.get(ward);
    wards.set(ward, { needed: Math.max(before?.needed ?? 0, count), dueMs: Math.max(before?.dueMs ?? 0, dueMs), atEnd: ready });
  }
  return [...wards].map(([ward, { needed, dueMs, atEnd }]) => {
    const ready = atEnd ?? judged.filter(({ device, unproven }) => device.ward === ward && unproven.length === 0).length;
    return { ward, needed, ready, shortBy: Math.max(0, needed - ready), dueMs };
  });
}

function exceptionOf(view: CartView, { device, live, unproven }: Candidate, online: boolean, night: NightRow): MorningException[] {
  const first = unproven[0];
  const about = { slot: live.slot, serial: device.serial, asset: device.asset, ward: device.ward };
  if (!first) return failedTonight(device, night) ? [withMinutes({ ...about, reason: 'update-failed', next: 'look-at-update' })] : [];
  if (!device.quarantine) return [withMinutes({ ...about, reason: first.reason, next: nextOf(first.reason, online) })];
  const suspect = suspectOf(live.slot, device.serial, view.all('slot'));
  const next: NextStep = device.quarantine.reason === 'battery-heat' || device.quarantine.reason === 'fault-reported' ? 'to-service' : suspect === 'slot' ? 'try-another-slot' : suspect === 'tablet' ? 'to-service' : 'restart-tablet';
  return [withMinutes({ ...about, reason: device.quarantine.reason, suspect, next })];
}

/** Who takes one once the shift is on has what the night was for. */
function awayOf({ serial, asset, ward, standing, custody }: DeviceRow, shiftMs: number): MorningException[] {
  if (standing !== 'admitted' || ('sinceMs' in custody && custody.sinceMs >= shiftMs)) return [];
  const about = { serial, asset, ward };
  if (isHeld(custody) && custody.saidBackMs !== undefined) return [withMinutes({ ...about, reason: 'said-back', next: 'charge' })];
  if (custody.kind === 'person') return [withMinutes({ ...about, reason: 'in-hand', next: 'find-holder' })];
  if (custody.kind === 'unidentified') return [withMinutes({ ...about, slot: custody.slot, reason: 'unidentified', next: 'put-back' })];
  if (custody.kind === 'ward') return [withMinutes({ ...about, reason: 'with-ward', next: 'find-holder' })];
  return [];
}

function nextOf(reason: UnprovenReason, online: boolean): NextStep {
  switch (reason) {
    case 'battery-low':
    case 'battery-unknown':
      return 'charge';
    case 'serial-differs':
    case 'serial-twice':
      return 'try-another-slot';
    case 'bundle-missing':
    case 'bundle-too-old':
    case 'evidence-old':
      return 'connect-network';
    case 'queue-not-clear':
    case 'credentials-live':
    case 'enrolment-not-new':
    case 'profile-missing':
    case 'attestation-missing':
      return online ? 'free-in-mdm' : 'connect-network';
    case 'posture-poor':
    case 'not-admitted':
    case 'in-service':
    case 'lost':
    case 'retired':
    case 'quarantined':
      return 'to-service';
    case 'updating':
    case 'exposed':
    case 'wipe-not-requested':
    case 'wipe-not-confirmed':
    case 'enrolment-not-seen':
    case 'enrolment-not-after-wipe':
    case 'queue-unknown':
    case 'posture-unknown':
      return online ? 'wait' : 'connect-network';
  }
}

const withMinutes = (exception: Omit<MorningException, 'minutes'>): MorningException => ({ ...exception, minutes: MINUTES_TO_FIX[exception.next] });
const compare = (a = '', b = ''): number => (a < b ? -1 : a > b ? 1 : 0);
