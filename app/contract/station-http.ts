import { z } from 'zod';
import { EPOCH_CAUSES } from '../domain/terms.ts';

/**
 * Station → central, on the stations' listener. Open without a valid client certificate are `/v1/enrol`, `/v1/renewal-nonce`
 * and `/v1/renew-expired`, and nothing else.
 * Errors everywhere: status + `{reason, message}` where `reason` is from ERROR_REASONS.
 */
export const ERROR_REASONS = ['malformed', 'code-unknown', 'code-used', 'code-expired', 'code-locked', 'not-authenticated', 'denied', 'not-found', 'stale-size', 'inconsistent', 'conflict', 'too-large', 'slow-down', 'unavailable'] as const;
export const errorBody = z.strictObject({ reason: z.enum(ERROR_REASONS), message: z.string(), size: z.int().min(0).optional() });

/** POST /v1/enrol: the one-time code, a PKCS#10 request (PEM, P-256) and the station's ledger key (C2SP vkey). */
export const enrolRequest = z.strictObject({
  code: z.string().min(8).max(160),
  csrPem: z.string().max(8192),
  /** P-256 public JWK that the tenant's secrets are encrypted to (ECDH-ES). */
  encryptionKey: z.strictObject({ kty: z.literal('EC'), crv: z.literal('P-256'), x: z.string(), y: z.string() }),
  /** base64 of the raw 32-byte Ed25519 public key of the ledger. */
  ledgerKey: z.string().max(64),
  /** The cart's shelves, as configured at the station, so that the fleet page draws the same cart. */
  shelves: z.array(z.array(z.int().min(1).max(99)).min(1)).min(1),
});
export const enrolResponse = z.strictObject({
  tenant: z.string(),
  station: z.string(),
  epoch: z.int().min(1),
  /** Ledger origin `<tenant>/station/<station>/e<epoch>`. */
  origin: z.string(),
  place: z.strictObject({ wardId: z.string(), ward: z.string(), cart: z.string() }),
  certificatePem: z.string(),
  caPem: z.string(),
  /** Compact JWE (ECDH-ES+A256KW, A256GCM) of `tenantSecrets`. */
  secrets: z.string(),
  serverKeys: z.array(z.strictObject({ kid: z.string(), x: z.string(), kty: z.literal('OKP'), crv: z.literal('Ed25519') })),
  witness: z.string(),
});
export type EnrolResponse = z.infer<typeof enrolResponse>;

/** Decrypted only in the station's memory and its sealed file. Keys are base64url of 32 bytes. `version` grows with every change to them; the first had none. */
export const tenantSecrets = z.strictObject({
  version: z.int().min(1).default(1),
  badgeKeys: z.array(z.strictObject({ version: z.int().min(1), key: z.string() })),
  peppers: z.array(z.strictObject({ version: z.int().min(1), key: z.string() })),
});
export type TenantSecrets = z.infer<typeof tenantSecrets>;

/** POST /v1/renew (client certificate): a fresh CSR → a fresh 7-day certificate. */
export const renewRequest = z.strictObject({ csrPem: z.string().max(8192) });
export const renewResponse = z.strictObject({ certificatePem: z.string() });

/**
 * POST /v1/renewal-nonce: what an expired certificate is renewed over. One use, five minutes. 429 slow-down with Retry-After.
 */
export const renewalNonceRequest = z.strictObject({});
export const renewalNonceResponse = z.strictObject({ nonce: z.string().max(64), expiresAtMs: z.int() });

/**
 * POST /v1/renew-expired: the station's last certificate, however old, a fresh CSR, and over `renewalText` a signature of the
 * key that certificate names (ECDSA P-256, SHA-256, DER, base64). 403 denied for a station on the deny-list.
 */
export const renewExpiredRequest = z.strictObject({ certificatePem: z.string().max(8192), csrPem: z.string().max(8192), nonce: z.string().max(64), signature: z.string().max(256) });

/** What is signed: it holds for this nonce and this request alone. */
export const renewalText = (nonce: string, csrPem: string): string => `dockward-renew-expired/v1\n${nonce}\n${csrPem}`;

/**
 * POST /v1/epochs (client certificate): the station's ledger was lost or set aside and begins anew with a new key. The server
 * allocates: the epoch asked for if it is higher than every one before, else the next free one. Which it is stands at the end
 * of the origin. Asking again with the same key gets the same answer. 429 slow-down where a station asks all the time.
 */
export const epochRequest = z.strictObject({ epoch: z.int().min(2), ledgerKey: z.string().max(64), cause: z.enum(EPOCH_CAUSES).optional() });
export const epochResponse = z.strictObject({ origin: z.string() });

/** At most this much in one upload (DESIGN; later issues tune it). */
export const UPLOAD_MAX_ENTRIES = 500;
export const UPLOAD_MAX_BYTES = 256 * 1024;

/**
 * POST /v1/log/entries: entries `from … from+n-1` of `origin`, each base64 of its canonical bytes, and a signed
 * checkpoint of exactly size from+n. 200 `uploadResponse`; 409 stale-size with the size the server holds; 422 inconsistent.
 */
export const uploadRequest = z.strictObject({
  origin: z.string().max(200),
  from: z.int().min(0),
  entries: z.array(z.string()).max(UPLOAD_MAX_ENTRIES),
  checkpoint: z.string().max(4096),
});
export const uploadResponse = z.strictObject({ size: z.int().min(0), /** one C2SP cosignature/v1 signature line */ cosignature: z.string() });

/**
 * GET /v1/downlink?bundle=<version held>&after=<cursor>&waitMs=<0…25000>: answers at once if there is anything newer,
 * else when something comes or the wait is over. Statements are compact JWS in the order of their cursor.
 */
export const downlinkResponse = z.strictObject({
  bundle: z.string().optional(),
  statements: z.array(z.strictObject({ cursor: z.int().min(1), jws: z.string().max(16384) })).max(200),
});
