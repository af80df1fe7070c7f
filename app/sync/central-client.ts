import { createHash, type X509Certificate } from 'node:crypto';
import { Agent, request } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { z } from 'zod';
import { errorBody, type ERROR_REASONS } from '../contract/station-http.ts';
import { ok, refused, type Result } from '../domain/result.ts';

/** Why the server gave no answer that can be used. `unreachable` heals by itself; the rest is the server's own word. */
export interface CentralRefusal {
  readonly reason: (typeof ERROR_REASONS)[number] | 'unreachable';
  readonly message: string;
  readonly size?: number;
  readonly retryAfterMs?: number;
}

export interface CentralClient {
  post<T>(path: string, body: unknown, shape: z.ZodType<T>): Promise<Result<T, CentralRefusal>>;
  get<T>(path: string, shape: z.ZodType<T>, timeoutMs: number): Promise<Result<T, CentralRefusal>>;
  close(): void;
}

const POST_TIMEOUT_MS = 15_000;
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/** HTTPS to the stations' listener, authenticated both ways. `caPem` is the only authority believed. */
export function createCentralClient(url: string, tls: { readonly caPem: string; readonly certificatePem: string; readonly keyPem: string }): CentralClient {
  const agent = new Agent({ ca: tls.caPem, cert: tls.certificatePem, key: tls.keyPem, keepAlive: true, maxSockets: 4 });
  return {
    post: (path, body, shape) => exchange(new URL(path, url), agent, shape, POST_TIMEOUT_MS, body),
    get: (path, shape, timeoutMs) => exchange(new URL(path, url), agent, shape, timeoutMs),
    close: () => agent.destroy(),
  };
}

/** For the one request before there is a certificate: the server must present the authority whose SHA-256 fingerprint came with the code. */
export function createEnrolmentClient(url: string, caFingerprint: string): CentralClient {
  const agent = new Agent({ rejectUnauthorized: false, keepAlive: false });
  return {
    post: (path, body, shape) => exchange(new URL(path, url), agent, shape, POST_TIMEOUT_MS, body, (socket) => presents(socket, caFingerprint)),
    get: (path, shape, timeoutMs) => exchange(new URL(path, url), agent, shape, timeoutMs, undefined, (socket) => presents(socket, caFingerprint)),
    close: () => agent.destroy(),
  };
}

/** True when the chain ends in the pinned authority and the server's certificate is signed by it. */
function presents(socket: TLSSocket, caFingerprint: string): boolean {
  const chain: X509Certificate[] = [];
  for (let next = socket.getPeerX509Certificate(); next; next = next.issuerCertificate) {
    chain.push(next);
    if (chain.length > 4) break;
  }
  const leaf = chain[0];
  const authority = chain.find(({ raw }) => createHash('sha256').update(raw).digest('hex') === caFingerprint);
  return leaf !== undefined && authority !== undefined && leaf !== authority && leaf.checkIssued(authority) && leaf.verify(authority.publicKey);
}

function exchange<T>(url: URL, agent: Agent, shape: z.ZodType<T>, timeoutMs: number, body?: unknown, trusts?: (socket: TLSSocket) => boolean): Promise<Result<T, CentralRefusal>> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve) => {
    const unreachable = (message: string): void => resolve(refused({ reason: 'unreachable', message }));
    const sending = request(
      url,
      {
        agent,
        method: text === undefined ? 'GET' : 'POST',
        timeout: timeoutMs,
        headers: text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
      },
      (answer) => {
        const parts: Buffer[] = [];
        let length = 0;
        answer.on('data', (part: Buffer) => {
          length += part.length;
          if (length > MAX_ANSWER_BYTES) answer.destroy(new Error('the answer is too large'));
          else parts.push(part);
        });
        answer.on('error', (error) => unreachable(error.message));
        answer.on('end', () => resolve(understand(answer.statusCode ?? 0, answer.headers['retry-after'], Buffer.concat(parts).toString(), shape)));
      },
    );
    sending.on('timeout', () => sending.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    sending.on('error', (error) => unreachable(error.message));
    if (!trusts) {
      sending.end(text);
      return;
    }
    sending.on('socket', (socket) => {
      (socket as TLSSocket).once('secureConnect', () => {
        if (trusts(socket as TLSSocket)) sending.end(text);
        else sending.destroy(new Error('the server is not the one that made this code: its authority has another fingerprint'));
      });
    });
  });
}

/** What an answer means: parsed where the contract knows it, else why it cannot be used. */
export function understand<T>(status: number, retryAfter: string | undefined, text: string, shape: z.ZodType<T>): Result<T, CentralRefusal> {
  const value = parseJson(text);
  if (status === 200) {
    const parsed = shape.safeParse(value);
    return parsed.success ? ok(parsed.data) : refused({ reason: 'malformed', message: `the server's answer is not in the contract: ${parsed.error.message.slice(0, 200)}` });
  }
  const seconds = Number(retryAfter);
  const wait = Number.isFinite(seconds) && seconds > 0 ? { retryAfterMs: seconds * 1_000 } : {};
  const error = errorBody.safeParse(value);
  if (!error.success) return refused({ reason: 'unavailable', message: `HTTP ${status}`, ...wait });
  const { reason, message, size } = error.data;
  return refused({ reason, message, ...(size === undefined ? {} : { size }), ...wait });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
