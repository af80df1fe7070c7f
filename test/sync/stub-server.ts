import type { z } from 'zod';
import { ok, refused, type Result } from '../../app/domain/result.ts';
import type { CentralClient, CentralRefusal } from '../../app/sync/central-client.ts';

export const AWAY: CentralRefusal = { reason: 'unreachable', message: 'connect ECONNREFUSED' };

export interface StubServer {
  readonly client: CentralClient;
  readonly asked: { readonly method: 'GET' | 'POST'; readonly path: string; readonly body?: unknown }[];
}

/** A server at the other end of the client's wire: answers what it is told to, held against the contract as the client does. */
export function stubServer(answer: (method: 'GET' | 'POST', path: string, body: unknown) => unknown): StubServer {
  const asked: StubServer['asked'] = [];
  const exchange = async <T>(method: 'GET' | 'POST', path: string, body: unknown, shape: z.ZodType<T>): Promise<Result<T, CentralRefusal>> => {
    asked.push({ method, path, ...(body === undefined ? {} : { body }) });
    const said = await answer(method, path, body);
    return isRefusal(said) ? refused(said) : ok(shape.parse(said));
  };
  return { asked, client: { get: (path, shape) => exchange('GET', path, undefined, shape), post: (path, body, shape) => exchange('POST', path, body, shape), close: () => undefined } };
}

const isRefusal = (said: unknown): said is CentralRefusal => typeof said === 'object' && said !== null && 'reason' in said;
