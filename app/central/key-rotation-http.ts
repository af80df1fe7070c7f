import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { retireKeyRequest, retireKeyResponse, rotateKeyRequest, rotateStationKeyRequest, serverKeysView } from '../contract/server-keys.ts';
import { parseWire, sendRefusal, sendResult } from './http-reply.ts';
import { orderRotation } from './key-ranges.ts';
import { described, type Guards } from './people-routes.ts';
import { readServerKeys, retireServerKey, rotateServerKey, type ServerKeysDeps } from './server-key-rotation.ts';

const empty = z.strictObject({});

/** The keys of the server and of the stations' ledgers, for administrators: which sign, making a new one, ending an old one. */
export function serveKeyRotation(app: FastifyInstance, deps: ServerKeysDeps, { administrator }: Guards): void {
  app.get('/api/keys', { onRequest: administrator, schema: described('The server’s statement and witness keys, and the stations that do not hold the newest yet', { ok: serverKeysView }) }, () => readServerKeys(deps));
  app.post('/api/keys/rotate', { onRequest: administrator, schema: described('Makes a new statement or witness key', { body: rotateKeyRequest, ok: serverKeysView }) }, async (request, reply) => {
    const body = parseWire(rotateKeyRequest, request.body);
    return body.ok ? sendResult(reply, await rotateServerKey(deps, body.value.kind)) : sendRefusal(reply, body.reason);
  });
  app.post('/api/keys/retire', { onRequest: administrator, schema: described('Ends the older statement key although some stations lack the new one', { body: retireKeyRequest, ok: retireKeyResponse }) }, async (request, reply) => {
    const body = parseWire(retireKeyRequest, request.body);
    return body.ok ? sendResult(reply, await retireServerKey(deps, body.value.confirm)) : sendRefusal(reply, body.reason);
  });
  app.post('/api/stations/rotate-key', { onRequest: administrator, schema: described('Has a station replace the key that signs its ledger', { body: rotateStationKeyRequest, ok: empty }) }, async (request, reply) => {
    const body = parseWire(rotateStationKeyRequest, request.body);
    if (!body.ok) return sendRefusal(reply, body.reason);
    const ordered = await orderRotation(deps.database, body.value.station);
    return sendResult(reply, ordered.ok ? { ok: true, value: {} } : ordered);
  });
}
