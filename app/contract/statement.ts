import { z } from 'zod';
import { SANITIZATION_FAILURES, UPDATE_FAILURES, UPDATE_STANDINGS } from '../domain/terms.ts';
import { usbSerial } from './device-host.ts';

/** Times of the MDM's own clock, Unix milliseconds; comparable only with each other. */
const mdmMs = z.int();
const enrolment = z.string().min(1).max(200);

/** What one statement says. `wipeAt` and `enrolledAt` are read from the same MDM clock. */
export const statementFacts = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('wipe-confirmed'), enrolment, command: z.string().max(300), issuedMdmMs: mdmMs, confirmedMdmMs: mdmMs }),
  z.strictObject({
    kind: z.literal('enrolled'),
    enrolment,
    previous: enrolment,
    command: z.string().max(300),
    issuedMdmMs: mdmMs,
    enrolledMdmMs: mdmMs,
    /**
     * The largest size of the station's ledger that the server already held when it last looked and saw no new enrolment.
     * So the enrolment is later than every entry below this size: order without comparing two clocks.
     */
    unseenAtSize: z.int().min(0),
  }),
  z.strictObject({ kind: z.literal('credentials-revoked'), previous: enrolment }),
  z.strictObject({ kind: z.literal('queue-clear'), enrolment, unlockTokenKept: z.boolean() }),
  z.strictObject({ kind: z.literal('profile-present'), enrolment, profile: z.string().max(120) }),
  z.strictObject({ kind: z.literal('posture'), enrolment, osAtFloor: z.boolean(), compliant: z.boolean(), rooted: z.boolean(), adbEnabled: z.boolean(), update: z.enum(UPDATE_STANDINGS).optional() }),
  z.strictObject({ kind: z.literal('sanitization-failed'), failure: z.enum(SANITIZATION_FAILURES) }),
  /** The versions in the words of the MDM. */
  z.strictObject({ kind: z.literal('updated'), before: z.string().min(1).max(200), after: z.string().min(1).max(200) }),
  z.strictObject({ kind: z.literal('update-failed'), failure: z.enum(UPDATE_FAILURES) }),
]);
export type StatementFacts = z.infer<typeof statementFacts>;

/** The payload of a statement: a compact JWS (EdDSA), `typ: dockward-statement+jwt`, signed with the tenant's statement key. */
export const statementClaims = z.strictObject({
  tenant: z.string().max(64),
  station: z.string().max(64),
  serial: usbSerial,
  request: z.string().max(64),
  nonce: z.string().regex(/^[0-9a-f]{32}$/),
  issuedAtMs: z.int(),
  facts: statementFacts,
});
export type StatementClaims = z.infer<typeof statementClaims>;

/**
 * The payload of a custody statement: a compact JWS (EdDSA), `typ: dockward-custody+jwt`, in the same queue as the statements. It
 * ends a release of `station` by an entry of another cart's ledger; times are Unix milliseconds, `claimedMs` of that cart's clock,
 * the others of the server's.
 */
export const custodyClaims = z.strictObject({
  tenant: z.string().max(64),
  station: z.string().max(64),
  serial: usbSerial,
  release: z.string().min(1).max(64),
  issuedAtMs: z.int(),
  fact: z.strictObject({
    kind: z.literal('returned-elsewhere'),
    atStation: z.string().min(1).max(64),
    origin: z.string().min(1).max(200),
    seq: z.int().min(0),
    leaf: z.string().regex(/^[0-9a-f]{64}$/),
    claimedMs: z.int(),
    notBeforeMs: z.int().optional(),
    notAfterMs: z.int().optional(),
  }),
});
export type CustodyClaims = z.infer<typeof custodyClaims>;
