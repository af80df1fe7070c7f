import { z } from 'zod';
import { fleetHistory, fleetView, me } from '../contract/fleet.ts';
import type { FleetView } from '../contract/fleet.ts';

/** How long one request may take before the server counts as not answering. */
const PATIENCE_MS = 6000;

export type Me = z.infer<typeof me>;
export type FleetHistory = z.infer<typeof fleetHistory>;

const oneTimeCode = z.object({ code: z.string(), expiresAt: z.string() });
export type OneTimeCode = z.infer<typeof oneTimeCode>;

const errorBody = z.object({ reason: z.string(), message: z.string() });

/** Why there is no answer to use. `message` is the server's own sentence where it sent one. */
export type Refusal =
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'signed-out' }
  | { readonly kind: 'not-allowed'; readonly message?: string }
  | { readonly kind: 'slow-down'; readonly waitSeconds?: number }
  | { readonly kind: 'refused'; readonly message?: string }
  | { readonly kind: 'unreadable' };

export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: Refusal };

/** A list as the server has it now. `unchanged` (304): what the caller holds is still true at `asOf`. */
export type Reading<T> =
  | { readonly ok: true; readonly unchanged: false; readonly value: T; readonly asOf?: string; readonly etag?: string }
  | { readonly ok: true; readonly unchanged: true; readonly asOf?: string }
  | { readonly ok: false; readonly refusal: Refusal };

interface Call {
  readonly patienceMs?: number;
  readonly method?: 'GET' | 'POST';
  readonly body?: unknown;
  readonly etag?: string | undefined;
}

/** The response, or undefined when no whole response came: no network, time-out, connection cut. */
export async function call(path: string, { method = 'GET', body, etag, patienceMs = PATIENCE_MS }: Call): Promise<Response | undefined> {
  const headers = new Headers({ accept: 'application/json' });
  if (body !== undefined) headers.set('content-type', 'application/json');
  if (etag !== undefined) headers.set('if-none-match', etag);
  const init: RequestInit = { method, headers, cache: 'no-store', credentials: 'same-origin', signal: AbortSignal.timeout(patienceMs) };
  try {
    return await fetch(path, body === undefined ? init : { ...init, body: JSON.stringify(body) });
  } catch (error) {
    if (error instanceof TypeError || error instanceof DOMException) return undefined;
    throw error;
  }
}

/** The body as JSON; undefined when it is cut off or not JSON. */
async function json(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError || error instanceof DOMException) return undefined;
    throw error;
  }
}

export async function refusalOf(response: Response): Promise<Refusal> {
  if (response.status === 401) return { kind: 'signed-out' };
  if (response.status === 429) {
    const waitSeconds = Number.parseInt(response.headers.get('retry-after') ?? '', 10);
    return Number.isNaN(waitSeconds) ? { kind: 'slow-down' } : { kind: 'slow-down', waitSeconds };
  }
  if (response.status >= 500) return { kind: 'unreachable' };
  const parsed = errorBody.safeParse(await json(response));
  return { kind: response.status === 403 ? 'not-allowed' : 'refused', ...(parsed.success ? { message: parsed.data.message } : {}) };
}

export async function ask<T>(path: string, schema: z.ZodType<T>, options: Call): Promise<Answer<T>> {
  const response = await call(path, options);
  if (response === undefined) return { ok: false, refusal: { kind: 'unreachable' } };
  if (!response.ok) return { ok: false, refusal: await refusalOf(response) };
  const parsed = schema.safeParse(await json(response));
  return parsed.success ? { ok: true, value: parsed.data } : { ok: false, refusal: { kind: 'unreadable' } };
}

/** A reading of a list; with `etag`, only if it changed. */
export async function read<T>(path: string, schema: z.ZodType<T>, options: Pick<Call, 'etag' | 'patienceMs'>): Promise<Reading<T>> {
  const response = await call(path, options);
  if (response === undefined) return { ok: false, refusal: { kind: 'unreachable' } };
  const date = new Date(response.headers.get('date') ?? '');
  const asOf = Number.isNaN(date.getTime()) ? {} : { asOf: date.toISOString() };
  if (response.status === 304) return { ok: true, unchanged: true, ...asOf };
  if (!response.ok) return { ok: false, refusal: await refusalOf(response) };
  const parsed = schema.safeParse(await json(response));
  if (!parsed.success) return { ok: false, refusal: { kind: 'unreadable' } };
  const newTag = response.headers.get('etag');
  return { ok: true, unchanged: false, value: parsed.data, ...asOf, ...(newTag === null ? {} : { etag: newTag }) };
}

export async function whoAmI(): Promise<Answer<Me>> {
  return ask('/api/me', me, {});
}

export async function readFleet(etag: string | undefined): Promise<Reading<FleetView>> {
  const reading = await read('/api/fleet', fleetView, { etag });
  return reading.ok && !reading.unchanged ? { ...reading, asOf: reading.value.at } : reading;
}

/** The newest records that the query names, newest first. */
export async function readHistory(query: HistoryQuery, etag: string | undefined): Promise<Reading<FleetHistory>> {
  const search = new URLSearchParams({ limit: String(query.limit) });
  for (const name of ['device', 'station', 'type', 'from', 'to'] as const) {
    const value = query[name];
    if (value !== undefined) search.set(name, value);
  }
  return read(`/api/history?${search.toString()}`, fleetHistory, { etag });
}

export interface HistoryQuery {
  readonly device?: string;
  readonly station?: string;
  readonly type?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit: number;
}

/** Signs in and says who that is. The session itself is a cookie that this page cannot read. */
export async function signIn(user: string, password: string): Promise<Answer<Me>> {
  const response = await call('/api/sign-in', { method: 'POST', body: { user, password } });
  if (response === undefined) return { ok: false, refusal: { kind: 'unreachable' } };
  if (!response.ok) return { ok: false, refusal: await refusalOf(response) };
  const answer = await whoAmI();
  if (answer.ok || answer.refusal.kind !== 'signed-out') return answer;
  return { ok: false, refusal: { kind: 'refused', message: 'This browser did not keep the session. Allow cookies for this address, then try again.' } };
}

/** True when the server ended the session (or had already). */
export async function signOut(): Promise<boolean> {
  const response = await call('/api/sign-out', { method: 'POST', body: {} });
  return response !== undefined && (response.ok || response.status === 401);
}

/** A one-time code with which one station may enrol at this place. */
export async function makeCode(ward: string, cart: string): Promise<Answer<OneTimeCode>> {
  return ask('/api/stations/codes', oneTimeCode, { method: 'POST', body: { ward, cart } });
}
