import type { DeviceRow, OfferRow } from '../../../app/domain/tables.ts';

export const SERIAL = 'R5CT10';
export const ACTOR = 'a'.repeat(64);

/** A tablet in slot 4, proven clean. */
export function provenDevice(change: Partial<DeviceRow> = {}): DeviceRow {
  return {
    serial: SERIAL,
    asset: 'A-10',
    ward: '7e',
    model: 'SM-X306B',
    profile: 'ward',
    standing: 'admitted',
    custody: { kind: 'cart', slot: 4, sinceMs: 0 },
    exposure: { leaf: 'exposure', seq: 3, cause: 'release', atMs: 0 },
    request: { request: 'r1', nonce: 'n1', leaf: 'request', exposure: 'exposure', atMs: 0, attempt: 1, settledSeq: 5 },
    evidence: {
      wipe: { atMs: 0, enrolment: 'old', command: 'c1', issuedMdmMs: 1, confirmedMdmMs: 2 },
      enrolment: { atMs: 0, enrolment: 'new', previous: 'old', command: 'c1', issuedMdmMs: 1, enrolledMdmMs: 3, unseenAtSize: 6, fresh: true },
      revocation: { atMs: 0, previous: 'old' },
      queue: { atMs: 0, enrolment: 'new', unlockTokenKept: false },
      profile: { atMs: 0, enrolment: 'new', profile: 'ward' },
      posture: { atMs: 0, enrolment: 'new', osAtFloor: true, compliant: true, rooted: false, adbEnabled: false },
    },
    ...change,
  };
}

export const offer = (change: Partial<OfferRow> = {}): OfferRow => ({ offer: 'o1', release: 'rel-1', serial: SERIAL, slot: 4, actor: ACTOR, untilMs: 30_000, ...change });
