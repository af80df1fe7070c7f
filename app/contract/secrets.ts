import { z } from 'zod';
import { badgeNumberHmac, pinVerifier } from './policy-bundle.ts';

/** What badges and PINs are keyed with, per tenant. Two versions of each may be live. */
export const SECRET_KINDS = ['badge-key', 'pepper'] as const;
export type SecretKind = (typeof SECRET_KINDS)[number];

/**
 * GET /v1/secrets?held=<version> (client certificate): the station says which secrets it keeps durably; the answer brings the
 * tenant's where they are others. `secrets`: compact JWE (ECDH-ES+A256KW, A256GCM) of `tenantSecrets` for the station's encryption key.
 */
export const secretsResponse = z.strictObject({ version: z.int().min(1), secrets: z.string().optional() });

const keyed = z.strictObject({ hmac: badgeNumberHmac, version: z.int().min(1) });

/** One badge under two badge keys, as the station that read it computed them. The old one says whose it is. */
export const badgeMove = z.strictObject({ old: keyed, new: keyed });
export type BadgeMove = z.infer<typeof badgeMove>;

/** A verifier of the PIN that was right, under a newer pepper. `from`: pepper version of the verifier it was right for. */
export const pinMove = z.strictObject({ actor: z.string().regex(/^[0-9a-f]{64}$/), from: z.int().min(1), new: pinVerifier });
export type PinMove = z.infer<typeof pinMove>;

/** What a station found out at a tap. */
export type Rekeyed = ({ readonly kind: 'badge' } & BadgeMove) | ({ readonly kind: 'pin' } & PinMove);

export const REKEYED_MAX = 100;

/** POST /v1/rekeyed (client certificate). Each part is judged alone: one that is refused holds no other up and is not to be sent again. */
export const rekeyedRequest = z.strictObject({ badges: z.array(badgeMove).max(REKEYED_MAX), pins: z.array(pinMove).max(REKEYED_MAX) });
export const rekeyedResponse = z.strictObject({ taken: z.int().min(0), refused: z.int().min(0) });

/** GET /api/secrets. Times are ISO 8601. */
export const secretsView = z.strictObject({
  /** Grows with every rotation and retirement. */
  version: z.int().min(1),
  kinds: z.array(
    z.strictObject({
      kind: z.enum(SECRET_KINDS),
      /** Live versions, oldest first; badges or PINs known by each. `deniedStations`: on the deny-list, and were sent it. */
      versions: z.array(z.strictObject({ version: z.int().min(1), madeAt: z.string(), known: z.int().min(0), deniedStations: z.array(z.string()) })),
      /** Badges or PINs known by the older version alone: retiring it ends them, and their people have to be enrolled anew. */
      stragglers: z.int().min(0),
    }),
  ),
  /** Reports of stations that contradicted an earlier one, newest first: one of the two stations lied about this badge. */
  contradictions: z.array(z.strictObject({ kind: z.enum(['badge', 'pin']), station: z.string(), cart: z.string(), person: z.string().optional(), at: z.string() })),
  /** Stations that are not on the deny-list. `current`: the station keeps the newest secrets. */
  stations: z.array(z.strictObject({ id: z.string(), ward: z.string(), cart: z.string(), held: z.int().min(1), current: z.boolean() })),
});

/** POST /api/secrets/rotate */
export const rotateRequest = z.strictObject({ kind: z.enum(SECRET_KINDS) });
export const rotateResponse = z.strictObject({ kind: z.enum(SECRET_KINDS), version: z.int().min(1) });

/** POST /api/secrets/retire. `confirm`: the number of stragglers that was shown; needed where there are any. 409 conflict says how many there are now. */
export const retireRequest = z.strictObject({ kind: z.enum(SECRET_KINDS), confirm: z.int().min(0).optional() });
export const retireResponse = z.strictObject({ kind: z.enum(SECRET_KINDS), version: z.int().min(1), ended: z.int().min(0) });
