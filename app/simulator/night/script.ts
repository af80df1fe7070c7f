import type { Misbehaviour } from '../world/mdm-records.ts';
import { between } from '../world/random.ts';

/** Something that the world does to the cart at a moment of the night, Unix milliseconds. */
export type Deed = { readonly atMs: number } & (
  | { readonly kind: 'return'; readonly serial: string }
  | { readonly kind: 'mischief'; readonly fault: Misbehaviour; readonly ms?: number }
  /** A tablet hangs and never answers again. */
  | { readonly kind: 'hang' }
  | { readonly kind: 'network'; readonly up: boolean }
  | { readonly kind: 'power-cut' }
);

export interface NightTimes {
  /** When the cart begins to plan. */
  readonly fromMs: number;
  readonly shiftMs: number;
}

const MINUTE_MS = 60_000;
/** The late shift takes its tablets so long before the cart begins to plan. */
export const TAKE_BEFORE_MS = 20 * MINUTE_MS;
const FIRST_RETURN_MS = -10 * MINUTE_MS;
const LAST_RETURN_MS = 80 * MINUTE_MS;

/** The next night whose shift begins after `nowMs`; it may have begun. Times of day are the machine's own zone's, as in the demo's station. */
export function nextNight({ from, shift }: { readonly from: string; readonly shift: string }, nowMs: number): NightTimes {
  const shiftMs = nextAt(shift, nowMs);
  const evening = new Date(shiftMs);
  evening.setDate(evening.getDate() - 1);
  return { fromMs: nextAt(from, evening.getTime()), shiftMs };
}

function nextAt(clock: string, afterMs: number): number {
  const [hours = 0, minutes = 0] = clock.split(':').map(Number);
  const next = new Date(afterMs);
  next.setHours(hours, minutes, 0, 0);
  if (next.getTime() <= afterMs) next.setDate(next.getDate() + 1);
  return next.getTime();
}

/** Everything that is out comes back, one by one, from a little before `fromMs` on. */
export function eveningReturns(serials: readonly string[], fromMs: number, random: () => number): readonly Deed[] {
  return inOrder(serials.map((serial) => ({ kind: 'return', serial, atMs: fromMs + between(random, FIRST_RETURN_MS, LAST_RETURN_MS) })));
}

/** A night in which much goes wrong and nothing may go wrong with the tablets that are given out. Squeezed where less than a whole night is left. */
export function badNight(nowMs: number, { fromMs, shiftMs }: NightTimes, random: () => number): readonly Deed[] {
  const beginMs = Math.max(nowMs, fromMs + FIRST_RETURN_MS);
  const at = (minutes: number, share: number): number => beginMs + Math.floor(Math.min(minutes * MINUTE_MS, share * (shiftMs - beginMs)));
  const near = (minutes: number, share: number): number => at(minutes + between(random, -minutes / 6, minutes / 6), share);
  const cutMs = near(72, 0.25);
  return inOrder([
    { kind: 'mischief', atMs: beginMs, fault: 'command-expired' },
    { kind: 'mischief', atMs: beginMs, fault: 'late-enrolment', ms: between(random, 6, 11) * MINUTE_MS },
    { kind: 'mischief', atMs: beginMs, fault: 'update-never-ends' },
    { kind: 'mischief', atMs: at(12, 0.04), fault: 'server-error' },
    { kind: 'mischief', atMs: at(12, 0.04), fault: 'throttled' },
    { kind: 'mischief', atMs: at(18, 0.06), fault: 'stale-enrolment-record' },
    { kind: 'hang', atMs: near(24, 0.08) },
    { kind: 'mischief', atMs: at(30, 0.1), fault: 'command-expired' },
    { kind: 'power-cut', atMs: near(48, 0.16) },
    { kind: 'mischief', atMs: at(60, 0.2), fault: 'wipe-acknowledged-not-done' },
    { kind: 'network', atMs: cutMs, up: false },
    { kind: 'network', atMs: cutMs + Math.floor(Math.min(120 * MINUTE_MS, 0.25 * (shiftMs - beginMs))), up: true },
  ]);
}

export const inOrder = (deeds: readonly Deed[]): readonly Deed[] => deeds.toSorted((a, b) => a.atMs - b.atMs);
