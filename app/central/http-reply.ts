import type { FastifyError, FastifyInstance, FastifyReply, FastifyServerOptions } from 'fastify';
import type { Socket } from 'node:net';
import type { z } from 'zod';
import type { ERROR_REASONS } from '../contract/station-http.ts';
import { ok, refused, type Result } from '../domain/result.ts';

export type ErrorReason = (typeof ERROR_REASONS)[number];

/** What a request is answered with when it is refused. `message` is for a person: what happened and what to do. */
export interface Refusal {
  readonly reason: ErrorReason;
  readonly message: string;
  readonly size?: number;
}

export type Log = Pick<Console, 'info' | 'warn' | 'error'>;

export const STATUS: Readonly<Record<ErrorReason, number>> = {
  malformed: 400,
  'code-unknown': 403,
  'code-used': 403,
  'code-expired': 403,
  'code-locked': 403,
  'not-authenticated': 401,
  denied: 403,
  'not-found': 404,
  'stale-size': 409,
  inconsistent: 422,
  conflict: 409,
  'too-large': 413,
  'slow-down': 429,
  unavailable: 503,
};

export function sendRefusal(reply: FastifyReply, refusal: Refusal): FastifyReply {
  return reply.code(STATUS[refusal.reason]).type('application/json; charset=utf-8').send(refusal);
}

export function sendResult<T>(reply: FastifyReply, result: Result<T, Refusal>): FastifyReply {
  return result.ok ? reply.send(result.value) : sendRefusal(reply, result.reason);
}

/** Parses what came over the wire; the refusal names the first field that is wrong and never repeats its value. */
export function parseWire<T>(schema: z.ZodType<T>, value: unknown): Result<T, Refusal> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  const issue = parsed.error.issues[0];
  const where = issue && issue.path.length > 0 ? ` at "${issue.path.join('.')}"` : '';
  return refused({ reason: 'malformed', message: `The request is not as the API describes it${where}: ${issue?.message ?? 'not valid'}.` });
}

/** Fastify options under which even a broken request line is answered with `{reason, message}`. */
export const WIRE_OPTIONS = {
  logger: false,
  bodyLimit: 1024 * 1024,
  requestTimeout: 60_000,
  return503OnClosing: true,
  forceCloseConnections: 'idle',
  routerOptions: { maxParamLength: 300 },
  frameworkErrors: (_error: FastifyError, _request: unknown, reply: FastifyReply) => {
    void sendRefusal(reply, { reason: 'malformed', message: 'The address of the request is not valid.' });
  },
  clientErrorHandler: (error: Error & { code?: string }, socket: Socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const tooLarge = error.code === 'HPE_HEADER_OVERFLOW';
    const refusal: Refusal = { reason: tooLarge ? 'too-large' : 'malformed', message: tooLarge ? 'The request headers are too large.' : 'This is not a valid HTTP request.' };
    const body = JSON.stringify(refusal);
    socket.end(`HTTP/1.1 ${tooLarge ? '431 Request Header Fields Too Large' : '400 Bad Request'}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
  },
} satisfies FastifyServerOptions;

/** Every error leaves as `{reason, message}`; what was unexpected is logged whole and told as `unavailable` without its stack. */
export function answerErrors(app: FastifyInstance, log: Log): void {
  app.setNotFoundHandler((_request, reply) => sendRefusal(reply, { reason: 'not-found', message: 'There is nothing at this address.' }));
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    if (error.statusCode === 413) return sendRefusal(reply, { reason: 'too-large', message: 'The request is larger than this server accepts.' });
    if (error.statusCode === 429) return sendRefusal(reply, { reason: 'slow-down', message: 'Too many requests. Wait a minute and try again.' });
    if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
      return sendRefusal(reply, { reason: 'malformed', message: 'The request cannot be read. Send JSON with the content type application/json.' });
    }
    log.error({ err: error, method: request.method, url: request.routeOptions.url }, 'request failed');
    return sendRefusal(reply, { reason: 'unavailable', message: 'The server could not do this now. Try again; if it stays, look at the server log.' });
  });
}

/** Fires when the listener begins to close; from then on every answer also ends its connection, so that none is kept open. */
export function closingOf(app: FastifyInstance): AbortSignal {
  const closing = new AbortController();
  app.addHook('preClose', async () => closing.abort());
  app.addHook('onSend', async (_request, reply, payload) => {
    if (closing.signal.aborted) reply.header('connection', 'close');
    return payload;
  });
  return closing.signal;
}
