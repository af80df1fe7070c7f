/** A virtual tablet's own truth: what is really on it, whatever any record says. */
export interface Tablet {
  readonly serial: string;
  /** The profile its ward needs on it. */
  readonly wantedProfile: string;
  /** Whose data is still on it; null: nobody's. */
  residueOf: string | null;
  /** The enrolment whose credentials it holds now; null between an erase and the next enrolment. */
  enrolment: string | null;
  /** Enrolments of this tablet whose credentials would still be accepted somewhere. */
  readonly credentials: Set<string>;
  profile: string | null;
  /** Android security patch level, `YYYY-MM-DD`. */
  patchLevel: string;
  /** Level of the system update that waits for it; left out: none. */
  updateTo?: string;
  /** From the download of an update to its end. */
  updating?: boolean;
  compliant: boolean;
  adbEnabled: boolean;
  rooted: boolean;
  /** Somebody's passcode opens it: the MDM set one, or kept one. */
  unlockKnown: boolean;
  /** Per cent, fractions kept. */
  charge: number;
  asleep: boolean;
  /** Erasing, installing or booting: off the USB and off the air. */
  rebooting: boolean;
  /** Commands that it has carried out or acknowledged. */
  readonly delivered: Set<string>;
}

/** Security patches older than this are below the ward's floor. */
export const PATCH_FLOOR = '2026-06-01';

export function createTablet(made: { serial: string; profile: string; charge?: number; patchLevel?: string; updateTo?: string }): Tablet {
  return {
    serial: made.serial,
    wantedProfile: made.profile,
    residueOf: null,
    enrolment: null,
    credentials: new Set(),
    profile: null,
    patchLevel: made.patchLevel ?? '2026-10-01',
    ...(made.updateTo === undefined ? {} : { updateTo: made.updateTo }),
    compliant: true,
    adbEnabled: false,
    rooted: false,
    unlockKnown: false,
    charge: made.charge ?? 80,
    asleep: false,
    rebooting: false,
    delivered: new Set(),
  };
}

/** Somebody works with it: from now on their data is on it. */
export function use(tablet: Tablet, person: string): void {
  tablet.residueOf = person;
}

/** A factory reset: data, profile, passcode and enrolment are gone from the tablet; the server's copy of its credentials is not. */
export function wipe(tablet: Tablet): void {
  tablet.residueOf = null;
  tablet.enrolment = null;
  tablet.profile = null;
  tablet.unlockKnown = false;
  tablet.updating = false;
  tablet.adbEnabled = false;
  tablet.rooted = false;
  tablet.compliant = true;
}

/** It takes on a new enrolment; `profile` null: the ward's applications have not arrived. */
export function enrol(tablet: Tablet, enrolment: string, profile: string | null): void {
  tablet.enrolment = enrolment;
  tablet.credentials.add(enrolment);
  tablet.profile = profile;
}

/** Whether a radio message or a command can reach it. */
export const isOnline = (tablet: Tablet): boolean => !tablet.asleep && !tablet.rebooting && tablet.charge >= 1;

export const hasGoodPosture = (tablet: Tablet): boolean =>
  tablet.compliant && !tablet.rooted && !tablet.adbEnabled && !tablet.unlockKnown && tablet.patchLevel >= PATCH_FLOOR;

/**
 * The oracle: may the next person have this tablet? Judged from the tablet and from what the MDM would still do to it,
 * never from what anybody has proven.
 */
export function isClean(tablet: Tablet, mdm: { waitingFor(serial: string): number }): boolean {
  return uncleanBecause(tablet, mdm).length === 0;
}

export const UNCLEAN_REASONS = ['residue', 'not-enrolled', 'old-credential-live', 'posture', 'profile', 'command-waiting', 'rebooting'] as const;
export type UncleanReason = (typeof UNCLEAN_REASONS)[number];

/** Why the next person may not have it; empty: clean. */
export function uncleanBecause(tablet: Tablet, mdm: { waitingFor(serial: string): number }): UncleanReason[] {
  const reasons: UncleanReason[] = [];
  if (tablet.residueOf !== null) reasons.push('residue');
  if (tablet.enrolment === null) reasons.push('not-enrolled');
  for (const credential of tablet.credentials) {
    if (credential !== tablet.enrolment) {
      reasons.push('old-credential-live');
      break;
    }
  }
  if (!hasGoodPosture(tablet)) reasons.push('posture');
  if (tablet.profile !== tablet.wantedProfile) reasons.push('profile');
  if (mdm.waitingFor(tablet.serial) > 0) reasons.push('command-waiting');
  if (tablet.rebooting) reasons.push('rebooting');
  return reasons;
}
