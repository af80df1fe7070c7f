import type { Rules } from './rules.ts';
import type { LadderRow } from './staleness.ts';
import type { PersonRow } from './tables.ts';
import type { Assurance, RefusalReason, Role } from './terms.ts';

/** A staff member as the rules need one. */
export interface KnownPerson {
  readonly actor: string;
  readonly roles: readonly Role[];
  readonly revoked: boolean;
  readonly hasPin: boolean;
}

export interface TapFacts {
  readonly person: KnownPerson | undefined;
  readonly standing: PersonRow | undefined;
  readonly assurance: Assurance;
  readonly ladder: LadderRow;
  readonly rules: Rules;
  /** Version of the bundle that names the person; 0 without one. */
  readonly bundleVersion: number;
  /** Trusted time, Unix milliseconds. */
  readonly nowMs: number;
}

export type TapDecision =
  | { readonly kind: 'identified'; readonly stale: boolean }
  | { readonly kind: 'needs-pin'; readonly triesLeft: number }
  /** The PIN that the card itself knows and counts. */
  | { readonly kind: 'needs-card-pin' }
  /** Every try was made and the last verdict was lost (a power cut): it counts as wrong, and the lockout begins now. */
  | { readonly kind: 'tries-spent' }
  | { readonly kind: 'refused'; readonly reason: RefusalReason; readonly minutes?: number };

/** PIN attempts before a lockout (DESIGN "Policy bundle"). */
export const PIN_TRIES = 5;

/** The clock of an entry may run ahead of trusted time by this much before a grace period is doubted. */
const GRACE_CLOCK_ERROR_MS = 5 * 60_000;

/** Who may go on to take a device after this tap, and what they still owe. */
export function decideTap(facts: TapFacts): TapDecision {
  const { person, standing, assurance, ladder, rules, bundleVersion, nowMs } = facts;
  if (ladder === 'none') return { kind: 'refused', reason: 'bundle-missing' };
  if (!person) return { kind: 'refused', reason: 'badge-unknown' };
  if (person.revoked || (standing?.revokedInVersion ?? 0) > bundleVersion) return { kind: 'refused', reason: 'staff-revoked' };
  if (ladder === 'break-glass-only') return { kind: 'refused', reason: 'bundle-too-old' };
  if (!person.roles.some((role) => rules.rolesThatMayTake.includes(role))) return { kind: 'refused', reason: 'role-not-allowed' };
  const stale = ladder === 'stale';
  const locked = lockedMinutes(standing, nowMs);
  if (locked !== undefined) return { kind: 'refused', reason: 'pin-locked', minutes: locked };
  if (!stale && ((assurance === 'crypto' && !rules.cardPin) || withinGrace(standing, rules, nowMs))) return { kind: 'identified', stale };
  if (assurance === 'crypto' && rules.cardPin) return { kind: 'needs-card-pin' };
  if (!person.hasPin) return { kind: 'refused', reason: 'pin-not-set' };
  const triesLeft = triesNow(standing, nowMs);
  return triesLeft > 0 ? { kind: 'needs-pin', triesLeft } : { kind: 'tries-spent' };
}

/** Attempts that count now: a lockout that has run out starts the count anew. */
export function attemptsNow(standing: PersonRow | undefined, nowMs: number): number {
  if (!standing) return 0;
  return standing.lockedUntilMs !== undefined && standing.lockedUntilMs <= nowMs ? 0 : standing.attempts;
}

/** Tries that are left before a lockout. */
export function triesNow(standing: PersonRow | undefined, nowMs: number): number {
  return Math.max(0, PIN_TRIES - attemptsNow(standing, nowMs));
}

/** Minutes until a locked person may try again, rounded up; nothing when not locked. */
export function lockedMinutes(standing: PersonRow | undefined, nowMs: number): number | undefined {
  const leftMs = (standing?.lockedUntilMs ?? 0) - nowMs;
  return leftMs > 0 ? Math.ceil(leftMs / 60_000) : undefined;
}

function withinGrace(standing: PersonRow | undefined, rules: Rules, nowMs: number): boolean {
  if (standing?.lastPinAtMs === undefined || standing.attempts > 0) return false;
  const ageMs = nowMs - standing.lastPinAtMs;
  return ageMs >= -GRACE_CLOCK_ERROR_MS && ageMs <= rules.graceMs;
}
