import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { me } from '../contract/fleet.ts';
import { errorBody } from '../contract/station-http.ts';

/** What stands before a route for people: hooks that answer by themselves whoever may not pass. */
export interface Guards {
  signedIn(this: void, request: FastifyRequest, reply: FastifyReply): Promise<void>;
  administrator(this: void, request: FastifyRequest, reply: FastifyReply): Promise<void>;
  /** Who made the request; only behind one of the hooks. */
  person(this: void, request: FastifyRequest): z.infer<typeof me>;
}

/** Shapes of a route, for the API's description. */
export interface Described {
  readonly body?: z.ZodType;
  readonly query?: z.ZodType;
  readonly ok: z.ZodType;
}

/** A route's schema: it describes; parsing is zod's, in the handler. */
export function described(summary: string, { body, query, ok }: Described): Record<string, unknown> {
  return { summary, tags: ['people'], ...(body ? { body: schemaOf(body, 'input') } : {}), ...(query ? { querystring: schemaOf(query, 'input') } : {}), response: { 200: schemaOf(ok, 'output'), '4xx': schemaOf(errorBody, 'output') } };
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}
