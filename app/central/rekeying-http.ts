import type { FastifyInstance } from 'fastify';
import { retireRequest, retireResponse, rotateRequest, rotateResponse, secretsView } from '../contract/secrets.ts';
import { parseWire, sendRefusal, sendResult } from './http-reply.ts';
import { described, type Guards } from './people-routes.ts';
import { readSecrets, retireSecrets, rotateSecrets, type RekeyingDeps } from './rekeying.ts';

/** The badge key and the PIN pepper, for administrators: which versions are live, making a new one, ending the older. */
export function serveRekeying(app: FastifyInstance, deps: RekeyingDeps, { administrator }: Guards): void {
  app.get('/api/secrets', { onRequest: administrator, schema: described('Live versions of the badge key and the PIN pepper, who hangs on the older, which stations keep the newest', { ok: secretsView }) }, () => readSecrets(deps));
  app.post('/api/secrets/rotate', { onRequest: administrator, schema: described('Makes a new version; the one before stays live', { body: rotateRequest, ok: rotateResponse }) }, async (request, reply) => {
    const body = parseWire(rotateRequest, request.body);
    return body.ok ? sendResult(reply, await rotateSecrets(deps, body.value.kind)) : sendRefusal(reply, body.reason);
  });
  app.post('/api/secrets/retire', { onRequest: administrator, schema: described('Ends the older of two live versions, and what is known by it alone', { body: retireRequest, ok: retireResponse }) }, async (request, reply) => {
    const body = parseWire(retireRequest, request.body);
    return body.ok ? sendResult(reply, await retireSecrets(deps, body.value.kind, body.value.confirm)) : sendRefusal(reply, body.reason);
  });
}
