import type { Result } from '../../domain/result.ts';
import { ok, refused } from '../../domain/result.ts';
import type { MdmRefusal } from './adapter.ts';

/** How an adapter reaches its MDM. `now`: Unix milliseconds. */
export interface HttpReach {
  readonly fetch: typeof fetch;
  readonly now: () => number;
  readonly timeoutMs: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
  readonly retryAfterMs?: number;
  /** The server's clock at the answer, whole seconds; absent where the answer had no `Date`. */
  readonly atMdmMs?: number;
}

/** One request to an MDM. Any HTTP status is an answer; only no answer at all is a refusal. Redirects are not followed: they would take the credential along. */
export async function exchange(reach: HttpReach, url: URL, init: RequestInit): Promise<Result<HttpAnswer, MdmRefusal>> {
  try {
    const response = await reach.fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(reach.timeoutMs) });
    const text = await response.text();
    const atMdmMs = Date.parse(response.headers.get('date') ?? '');
    const retryAfterMs = retryAfter(response.headers.get('retry-after'), Number.isNaN(atMdmMs) ? reach.now() : atMdmMs);
    return ok({ status: response.status, text, ...(retryAfterMs === undefined ? {} : { retryAfterMs }), ...(Number.isNaN(atMdmMs) ? {} : { atMdmMs }) });
  } catch (failure) {
    return refused({ reason: 'unavailable', detail: `no answer from ${url.host}: ${whyNoAnswer(failure, reach.timeoutMs)}` });
  }
}

function whyNoAnswer(failure: unknown, timeoutMs: number): string {
  if (!(failure instanceof Error)) return 'unknown cause';
  if (failure.name === 'TimeoutError') return `nothing within ${timeoutMs} ms`;
  const cause: unknown = failure.cause;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : failure.message;
}

/** `Retry-After` is seconds or a date; a date counts from the server's own clock. */
function retryAfter(header: string | null, atMs: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const until = Date.parse(header);
  return Number.isNaN(until) ? undefined : Math.max(0, until - atMs);
}

/** The refusal that an answer other than 2xx amounts to; `told`: what the server said of it. */
export function refusalOf(answer: HttpAnswer, told: string): MdmRefusal {
  const detail = `HTTP ${answer.status}${told === '' ? '' : ` ${told}`}`.slice(0, 300);
  return { reason: reasonOf(answer.status), detail, ...(answer.retryAfterMs === undefined ? {} : { retryAfterMs: answer.retryAfterMs }) };
}

function reasonOf(status: number): MdmRefusal['reason'] {
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 404) return 'not-found';
  if (status === 429) return 'throttled';
  return status === 408 || status >= 500 ? 'unavailable' : 'rejected';
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
