import { createHash, randomBytes, verify, X509Certificate } from 'node:crypto';
import type { z } from 'zod';
import { renewalText, type renewalNonceResponse, type renewExpiredRequest, type renewResponse } from '../contract/station-http.ts';
import { refused, type Result } from '../domain/result.ts';
import { stationOfCertificate } from './authority.ts';
import { renew, type EnrolmentDeps } from './enrolment.ts';
import type { Refusal } from './http-reply.ts';

export const NONCE_LIFE_MS = 5 * 60_000;

const hashOf = (nonce: string): Buffer => createHash('sha256').update(nonce).digest();

/** A nonce for one renewal within five minutes. Says nothing of any station: whoever asks gets one. */
export async function makeRenewalNonce({ database, now }: EnrolmentDeps): Promise<z.infer<typeof renewalNonceResponse>> {
  const nonce = randomBytes(24).toString('base64url');
  const expiresAtMs = now() + NONCE_LIFE_MS;
  await database.query('delete from renewal_nonce where expires_at_ms < $1', [now()]);
  await database.query('insert into renewal_nonce (nonce_hash, expires_at_ms) values ($1, $2)', [hashOf(nonce), expiresAtMs]);
  return { nonce, expiresAtMs };
}

/**
 * A new certificate for a station whose last one expired while it was away (R9.2). Our own certificate, however old, says which
 * key is the station's; that key's signature over our nonce says that the station is here now. The deny-list stands above both.
 */
export async function renewExpired(deps: EnrolmentDeps, authority: X509Certificate, request: z.infer<typeof renewExpiredRequest>): Promise<Result<z.infer<typeof renewResponse>, Refusal>> {
  const taken = await deps.database.query<{ expires_at_ms: number }>('delete from renewal_nonce where nonce_hash = $1 returning expires_at_ms', [hashOf(request.nonce)]);
  const [nonce] = taken.rows;
  if (!nonce || nonce.expires_at_ms < deps.now()) return refused({ reason: 'not-authenticated', message: 'This nonce was used, is older than five minutes, or is not ours. Ask for another.' });
  const certificate = readCertificate(request.certificatePem);
  if (!certificate) return refused({ reason: 'malformed', message: 'The old certificate is not a certificate (PEM).' });
  // Judged as of its first moment: whose it is does not depend on its age.
  const station = stationOfCertificate(certificate, authority, certificate.validFromDate.getTime());
  if (!station.ok) return refused({ reason: 'not-authenticated', message: 'The old certificate was not issued by this server.' });
  if (!verify('sha256', Buffer.from(renewalText(request.nonce, request.csrPem)), certificate.publicKey, Buffer.from(request.signature, 'base64'))) {
    return refused({ reason: 'not-authenticated', message: 'The request is not signed by the key of the old certificate.' });
  }
  const found = await deps.database.query<{ denied_at_ms: number | null }>('select denied_at_ms from station where id = $1', [station.value]);
  const [row] = found.rows;
  if (!row) return refused({ reason: 'not-authenticated', message: 'This server does not know the station.' });
  if (row.denied_at_ms !== null) return refused({ reason: 'denied', message: 'This station is on the deny-list. An administrator of the central server put it there.' });
  return renew(deps, station.value, request.csrPem);
}

function readCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}
