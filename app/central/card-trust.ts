import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { cardTrust, type CardTrust } from '../contract/device-host.ts';

/** As a directory file has it: authorities as PEM or base64 DER. */
export const cardTrustFile = z.strictObject({ authorities: z.array(z.string()), revoked: cardTrust.shape.revoked.default([]) });

/** What stations are told. Throws an Error whose message an administrator can act on, where one is not a certificate of an authority. */
export function readCardTrust(file: z.infer<typeof cardTrustFile>): CardTrust {
  const authorities = file.authorities.map((text, index) => certificateOf(text, index + 1));
  const known = new Set(authorities.map(({ fingerprint256 }) => fingerprint256.replaceAll(':', '').toLowerCase()));
  for (const { authority } of file.revoked) {
    if (!known.has(authority)) throw new Error(`the directory revokes cards of the authority ${authority.slice(0, 12)}…, which is not among its card authorities: add its certificate`);
  }
  return cardTrust.parse({ authorities: authorities.map(({ raw }) => raw.toString('base64')), revoked: file.revoked });
}

function certificateOf(text: string, nth: number): X509Certificate {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(text.includes('-----BEGIN') ? text : Buffer.from(text, 'base64'));
  } catch {
    throw new Error(`card authority ${nth} of the directory is not an X.509 certificate: give it as PEM, or as DER in base64`);
  }
  if (!certificate.ca) throw new Error(`card authority ${nth} of the directory (${certificate.subject.replaceAll('\n', ', ')}) is not the certificate of an authority but of one card or person`);
  return certificate;
}
