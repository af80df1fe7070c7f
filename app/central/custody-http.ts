import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { closeConflictRequest, custodyAnswer, custodyQuery, stateQuery, stationState } from '../contract/custody.ts';
import { closeConflict } from './conflicts.ts';
import { readCustody } from './custody-answer.ts';
import { parseWire, sendRefusal, sendResult } from './http-reply.ts';
import { readPastState, type PastStateDeps } from './past-state.ts';
import { described, type Guards } from './people-routes.ts';

const conflictId = z.strictObject({ id: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER) });
const stationId = z.strictObject({ id: z.string().min(1).max(64) });

/** Custody over time and carts, for people who are signed in; closing a conflict is an administrator's word. */
export function serveCustody(app: FastifyInstance, deps: PastStateDeps & { readonly now: () => number }, { signedIn, administrator, person }: Guards): void {
  app.get('/api/custody', { onRequest: signedIn, schema: described('Who held or touched a device in a span of time, with evidence and bounds', { query: custodyQuery, ok: custodyAnswer }) }, async (request, reply) => {
    const query = parseWire(custodyQuery, request.query);
    if (!query.ok) return sendRefusal(reply, query.reason);
    const span = { fromMs: Date.parse(query.value.from), toMs: Date.parse(query.value.to) };
    if (span.fromMs > span.toMs) return sendRefusal(reply, { reason: 'malformed', message: 'The span ends before it begins.' });
    return readCustody(deps.database, query.value.device, span, deps.now());
  });
  app.get('/api/stations/:id/state', { onRequest: signedIn, schema: described('A station as it stood at an instant, replayed from its ledgers', { query: stateQuery, ok: stationState }) }, async (request, reply) => {
    const query = parseWire(stateQuery, request.query);
    const station = parseWire(stationId, request.params);
    if (!query.ok) return sendRefusal(reply, query.reason);
    return station.ok ? sendResult(reply, await readPastState(deps, station.value.id, Date.parse(query.value.at))) : sendRefusal(reply, station.reason);
  });
  app.post('/api/conflicts/:id/close', { onRequest: administrator, schema: described('Ends a conflict of custody, with the reason', { body: closeConflictRequest, ok: z.strictObject({}) }) }, async (request, reply) => {
    const id = parseWire(conflictId, request.params);
    const body = parseWire(closeConflictRequest, request.body);
    if (!id.ok) return sendRefusal(reply, id.reason);
    return body.ok ? sendResult(reply, await closeConflict(deps, id.value.id, person(request).user, body.value.reason)) : sendRefusal(reply, body.reason);
  });
}
