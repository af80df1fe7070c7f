import { createRemoteJWKSet, jwtVerify, type JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import type { Result } from '../../../domain/result.ts';
import { ok, refused } from '../../../domain/result.ts';
import type { CredentialUsed, MdmNews, ReceiveWebhook, WebhookRefusal } from '../adapter.ts';
import { parseJson } from '../http.ts';

const GOOGLE_KEYS = new URL('https://www.googleapis.com/oauth2/v3/certs');
const ISSUERS = ['https://accounts.google.com', 'accounts.google.com'];

export interface NotificationOptions {
  /** The audience set on the push subscription. */
  readonly audience: string;
  /** E-mail address of the service account that the subscription signs its pushes with. */
  readonly pushAccount: string;
  /** Messages about another enterprise are no news. */
  readonly enterprise: string;
  /** Google's signing keys; fetched and kept as long as they are good unless given. */
  readonly keys?: JWTVerifyGetKey;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly used?: CredentialUsed;
}

const push = z.object({ message: z.object({ data: z.base64().optional(), attributes: z.record(z.string(), z.string()).optional() }) });
/** A device for ENROLLMENT and STATUS_REPORT, an operation for COMMAND. */
const subject = z.object({ name: z.string().max(300), hardwareInfo: z.object({ serialNumber: z.string().max(64).optional() }).optional() });

/**
 * Receives what the API publishes (Pub/Sub push with authentication). It says whom to look at again, now instead of at
 * the next poll; what it tells of a device is not used, because a message may come late, twice and out of order.
 */
export function receiveNotifications(options: NotificationOptions): ReceiveWebhook {
  const keys = options.keys ?? createRemoteJWKSet(GOOGLE_KEYS);
  const enterprise = options.enterprise.startsWith('enterprises/') ? options.enterprise : `enterprises/${options.enterprise}`;

  async function senderFault(header: string): Promise<string | undefined> {
    const [scheme, token] = header.split(' ');
    if (scheme?.toLowerCase() !== 'bearer' || token === undefined) return 'no bearer token';
    try {
      const { payload } = await jwtVerify(token, keys, { algorithms: ['RS256'], issuer: ISSUERS, audience: options.audience, currentDate: new Date(options.now()), requiredClaims: ['exp', 'iat'] });
      return payload['email'] === options.pushAccount && payload['email_verified'] === true ? undefined : 'signed for another service account';
    } catch (error) {
      return error instanceof Error && 'code' in error ? String(error.code) : 'the token cannot be verified';
    }
  }

  return async (body, headers): Promise<Result<MdmNews, WebhookRefusal>> => {
    const header = headers['authorization'];
    const fault = await senderFault(typeof header === 'string' ? header : '');
    options.used?.({ name: options.pushAccount, purpose: 'notification' }, fault === undefined ? 'accepted' : 'unauthorized');
    if (fault !== undefined) return refused({ reason: 'unauthorized', detail: fault });
    const read = push.safeParse(parseJson(Buffer.from(body).toString('utf8')));
    if (!read.success) return refused({ reason: 'malformed', detail: 'it is not a message of Pub/Sub' });
    const about = subject.safeParse(parseJson(Buffer.from(read.data.message.data ?? '', 'base64').toString('utf8')));
    // The topic's first message is a test without a device; so will be kinds that are still to come.
    if (!about.success || !about.data.name.startsWith(`${enterprise}/devices/`)) return ok({ serials: [], enrolments: [] });
    const serial = about.data.hardwareInfo?.serialNumber;
    return ok({ serials: serial === undefined ? [] : [serial], enrolments: [about.data.name.split('/').slice(0, 4).join('/')] });
  };
}
