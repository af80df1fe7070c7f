import { z } from 'zod';
import type { Result } from '../../../domain/result.ts';
import { ok, refused } from '../../../domain/result.ts';
import type { CredentialUsed, MdmRefusal } from '../adapter.ts';
import { exchange, parseJson, refusalOf, type HttpAnswer, type HttpReach } from '../http.ts';

/** NanoMDM's API as of v0.9: commands go in, nothing can be read back. */
export interface NanomdmApi {
  /** Queues a command for one device. `ok` also if NanoMDM held this very command before, and if only the push failed. */
  enqueue(device: string, plist: string, order: { readonly purpose: string; readonly push: boolean }): Promise<Result<{ readonly pushed: boolean }, MdmRefusal>>;
  /** Asks Apple to wake the device. */
  push(device: string): Promise<Result<void, MdmRefusal>>;
}

interface Connection extends HttpReach {
  readonly baseUrl: string;
  /** Read at each use, so that it can be changed without a restart. */
  readonly apiKey: () => Promise<string>;
  readonly used: CredentialUsed;
}

const result = z.object({
  push_error: z.string().optional(),
  command_error: z.string().optional(),
  status: z.record(z.string(), z.object({ push_error: z.string().optional(), command_error: z.string().optional() })).optional(),
});

/** How its storages say that they hold a command of this UUID: `filekv` and `inmem`; PostgreSQL and MySQL. */
const HELD_ALREADY = /already exists|duplicate/i;

export function createNanomdmApi(connection: Connection): NanomdmApi {
  const name = `NanoMDM API key of ${new URL(connection.baseUrl).host}`;

  async function call(path: string, purpose: string, init: RequestInit): Promise<Result<z.infer<typeof result>, MdmRefusal>> {
    const authorization = `Basic ${Buffer.from(`nanomdm:${await connection.apiKey()}`).toString('base64')}`;
    const answer = await exchange(connection, new URL(`${connection.baseUrl.replace(/\/$/, '')}${path}`), { ...init, headers: { ...init.headers, authorization } });
    const read = answer.ok ? understand(answer.value) : answer;
    connection.used({ name, purpose }, read.ok ? 'accepted' : read.reason.reason);
    return read;
  }

  return {
    async enqueue(device, plist, { purpose, push }) {
      const path = `/v1/enqueue/${encodeURIComponent(device)}${push ? '' : '?nopush=1'}`;
      const told = await call(path, purpose, { method: 'PUT', body: plist, headers: { 'content-type': 'application/x-plist' } });
      if (!told.ok) return told;
      const fault = told.value.command_error ?? each(told.value, 'command_error');
      if (fault !== undefined && !HELD_ALREADY.test(fault)) return refused({ reason: 'unavailable', detail: `NanoMDM did not take the command: ${fault}`.slice(0, 300) });
      return ok({ pushed: push && fault === undefined && (told.value.push_error ?? each(told.value, 'push_error')) === undefined });
    },

    async push(device) {
      const told = await call(`/v1/push/${encodeURIComponent(device)}`, 'push', { method: 'GET' });
      if (!told.ok) return told;
      const fault = told.value.push_error ?? each(told.value, 'push_error');
      return fault === undefined ? ok(undefined) : refused({ reason: 'unavailable', detail: `the tablet could not be woken: ${fault}`.slice(0, 300) });
    },
  };
}

const each = (told: z.infer<typeof result>, field: 'push_error' | 'command_error'): string | undefined =>
  Object.values(told.status ?? {}).find((one) => one[field] !== undefined)?.[field];

/** A result comes with 200, 207 and 500 alike: a command whose push failed is queued all the same. */
function understand(answer: HttpAnswer): Result<z.infer<typeof result>, MdmRefusal> {
  const read = [200, 207, 500].includes(answer.status) ? result.safeParse(parseJson(answer.text)) : undefined;
  if (read?.success && (answer.status !== 500 || Object.keys(read.data).length > 0)) return ok(read.data);
  if (read && answer.status !== 500) return refused({ reason: 'unavailable', detail: 'an answer that is not NanoMDM’s' });
  const refusal = refusalOf(answer, '');
  // NanoMDM has every path of its API, or none of them.
  return refused(refusal.reason === 'not-found' ? { reason: 'unavailable', detail: 'HTTP 404: this is not NanoMDM, or it was started without -api' } : refusal);
}
