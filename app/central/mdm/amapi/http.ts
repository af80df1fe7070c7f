import { importPKCS8, SignJWT } from 'jose';
import type { z } from 'zod';
import type { Result } from '../../../domain/result.ts';
import { ok, refused } from '../../../domain/result.ts';
import type { CredentialUsed, MdmRefusal } from '../adapter.ts';
import type { HttpAnswer, HttpReach } from '../http.ts';
import { exchange, parseJson, refusalOf } from '../http.ts';
import type { ServiceAccountKey } from './shapes.ts';
import { errorAnswer, tokenAnswer } from './shapes.ts';

const SCOPE = 'https://www.googleapis.com/auth/androidmanagement';
/** A token is renewed this long before it ends. */
const TOKEN_MARGIN_MS = 60_000;
/** An assertion is used at once, so it need not live long; the vendor accepts an hour at most. */
const ASSERTION_S = 300;
/** Our clock may differ from the vendor's by this much before we go by the vendor's. */
const CLOCK_TOLERANCE_MS = 60_000;

export interface AmapiAnswer<T> {
  readonly value: T;
  /** The vendor's clock at the answer, whole seconds; absent where the answer had no `Date`. */
  readonly atMdmMs?: number;
}
export type AmapiCall = <T>(call: {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  /** What the credential is used for, in a few words. */
  readonly purpose: string;
  readonly query?: Record<string, string>;
  readonly body?: unknown;
  readonly shape: z.ZodType<T>;
}) => Promise<Result<AmapiAnswer<T>, MdmRefusal>>;

interface Connection extends HttpReach {
  readonly serviceAccount: ServiceAccountKey;
  readonly baseUrl: string;
  readonly used: CredentialUsed;
}

/**
 * Authorized calls to the API: OAuth 2 service-account tokens, renewed in time and once on a 401. Never waits for a
 * throttling or failing server: the caller is told how long to leave it alone. Neither key nor token is in any refusal.
 */
export function createAmapiCall(connection: Connection): AmapiCall {
  const tokens = createTokens(connection);
  const name = connection.serviceAccount.client_email;
  return async (call) => {
    for (let attempt = 1; ; attempt += 1) {
      const token = await tokens.get();
      if (!token.ok) return token;
      const url = new URL(`${connection.baseUrl}/v1/${call.path}`);
      for (const [key, value] of Object.entries(call.query ?? {})) url.searchParams.set(key, value);
      const answer = await exchange(connection, url, {
        method: call.method,
        headers: { authorization: `Bearer ${token.value}`, ...(call.body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      });
      const understood = answer.ok ? understand(answer.value, call.shape) : answer;
      connection.used({ name, purpose: call.purpose }, understood.ok ? 'accepted' : understood.reason.reason);
      if (answer.ok && answer.value.status === 401 && attempt === 1) {
        tokens.forget(token.value);
        continue;
      }
      return understood;
    }
  };
}

function createTokens(connection: Connection): { get(): Promise<Result<string, MdmRefusal>>; forget(token: string): void } {
  const { serviceAccount, now } = connection;
  let held: { token: string; untilMs: number } | undefined;
  let running: Promise<Result<string, MdmRefusal>> | undefined;

  async function ask(atMs: number): Promise<Result<HttpAnswer, MdmRefusal>> {
    const issuedAt = Math.floor(atMs / 1000);
    let assertion: string;
    try {
      const key = await importPKCS8(serviceAccount.private_key, 'RS256');
      assertion = await new SignJWT({ scope: SCOPE })
        .setProtectedHeader({ alg: 'RS256', typ: 'JWT', ...(serviceAccount.private_key_id === undefined ? {} : { kid: serviceAccount.private_key_id }) })
        .setIssuer(serviceAccount.client_email)
        .setAudience(serviceAccount.token_uri)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + ASSERTION_S)
        .sign(key);
    } catch {
      return refused({ reason: 'unauthorized', detail: 'the private key in the service account file cannot be used: make a new key and put its file in place' });
    }
    return exchange(connection, new URL(serviceAccount.token_uri), {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }).toString(),
    });
  }

  async function renew(): Promise<Result<string, MdmRefusal>> {
    const token = await exchanged();
    connection.used({ name: serviceAccount.client_email, purpose: 'access token' }, token.ok ? 'accepted' : token.reason.reason);
    return token;
  }

  async function exchanged(): Promise<Result<string, MdmRefusal>> {
    let answer = await ask(now());
    if (answer.ok && answer.value.status === 400 && answer.value.atMdmMs !== undefined && Math.abs(answer.value.atMdmMs - now()) > CLOCK_TOLERANCE_MS) {
      // Refused by a server whose clock is far from ours: the assertion's times may be why.
      answer = await ask(answer.value.atMdmMs);
    }
    if (!answer.ok) return answer;
    if (answer.value.status === 400 || answer.value.status === 401) {
      return refused({ reason: 'unauthorized', detail: `the token server refused the service account ${serviceAccount.client_email} (HTTP ${answer.value.status})` });
    }
    const token = understand(answer.value, tokenAnswer);
    if (!token.ok) return token;
    held = { token: token.value.value.access_token, untilMs: now() + token.value.value.expires_in * 1000 - TOKEN_MARGIN_MS };
    return ok(held.token);
  }

  return {
    async get() {
      if (held && now() < held.untilMs) return ok(held.token);
      running ??= renew().finally(() => (running = undefined));
      return running;
    },
    forget(token) {
      if (held?.token === token) held = undefined;
    },
  };
}

function understand<T>(answer: HttpAnswer, shape: z.ZodType<T>): Result<AmapiAnswer<T>, MdmRefusal> {
  const body = parseJson(answer.text);
  if (answer.status >= 200 && answer.status < 300) {
    const value = shape.safeParse(body);
    if (!value.success) return refused({ reason: 'unavailable', detail: `an answer that is not the API's: ${value.error.issues[0]?.path.join('.') ?? ''} ${value.error.issues[0]?.message ?? ''}` });
    return ok({ value: value.data, ...(answer.atMdmMs === undefined ? {} : { atMdmMs: answer.atMdmMs }) });
  }
  const told = errorAnswer.safeParse(body);
  return refused(refusalOf(answer, told.success ? `${told.data.error.status ?? ''}: ${told.data.error.message}` : ''));
}
