import { enrolResponse } from '../contract/station-http.ts';
import { ok, refused, type Result } from '../domain/result.ts';
import { createEnrolmentClient, type CentralRefusal } from './central-client.ts';
import type { Identity } from './identity.ts';

/** `XXXX-XXXX-XXXX-XXXX~<SHA-256 of the authority's certificate, 64 hex digits>`: the secret, and who may ask for it. */
export function parseEnrolmentCode(text: string): { readonly code: string; readonly caFingerprint: string } | undefined {
  const [, code, caFingerprint] = /^([0-9A-Za-z-]{8,60})~([0-9a-f]{64})$/.exec(text.trim()) ?? [];
  return code !== undefined && caFingerprint !== undefined ? { code, caFingerprint } : undefined;
}

/** Enrols this station with the server, once; everything it answers is kept durably before this returns. */
export async function enrolStation(identity: Identity, url: string, codeText: string, shelves: readonly (readonly number[])[]): Promise<Result<void, CentralRefusal>> {
  const code = parseEnrolmentCode(codeText);
  if (!code) return refused({ reason: 'malformed', message: 'The enrolment code is not whole: it is the code, a ~, and 64 digits. Copy all of it from the fleet page.' });
  const client = createEnrolmentClient(url, code.caFingerprint);
  try {
    const answer = await client.post(
      '/v1/enrol',
      { code: code.code, csrPem: await identity.keys.certificateRequest(), encryptionKey: identity.keys.encryptionPublicJwk, ledgerKey: identity.ledgerPublicKey(), shelves },
      enrolResponse,
    );
    if (!answer.ok) return answer;
    await identity.keepEnrolment(answer.value);
    return ok(undefined);
  } finally {
    client.close();
  }
}
