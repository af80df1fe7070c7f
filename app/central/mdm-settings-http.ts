import type { FastifyInstance } from 'fastify';
import { mdmOrder, mdmsView, mdmTried, removeMdm } from '../contract/mdm.ts';
import { parseWire, sendRefusal, sendResult } from './http-reply.ts';
import { removeStored, tryOrder, useOrder, type MdmSettingsDeps } from './mdm-settings.ts';
import { readMdms } from './mdm-view.ts';
import { described, type Guards } from './people-routes.ts';

/** The MDMs, for administrators: which are in use and how they answer, trying one, bringing it into use, taking it out. No secret ever comes back. */
export function serveMdmSettings(app: FastifyInstance, deps: MdmSettingsDeps & { readonly written: () => Promise<void> }, { administrator, person }: Guards): void {
  const view = async (): ReturnType<typeof readMdms> => {
    await deps.written();
    return readMdms(deps.database, deps.mdms, deps.now());
  };
  app.get('/api/mdms', { onRequest: administrator, schema: described('The MDMs in use, what they can show, and how they answered', { ok: mdmsView }) }, view);
  app.post('/api/mdms/try', { onRequest: administrator, schema: described('One harmless request to an MDM with these settings; nothing is kept', { body: mdmOrder, ok: mdmTried }) }, async (request, reply) => {
    const body = parseWire(mdmOrder, request.body);
    return body.ok ? sendResult(reply, await tryOrder(deps, body.value)) : sendRefusal(reply, body.reason);
  });
  app.post('/api/mdms/use', { onRequest: administrator, schema: described('Brings an MDM into use, or changes the one in use, after it has answered', { body: mdmOrder, ok: mdmsView }) }, async (request, reply) => {
    const body = parseWire(mdmOrder, request.body);
    if (!body.ok) return sendRefusal(reply, body.reason);
    const used = await useOrder(deps, body.value, person(request).user);
    return used.ok ? view() : sendRefusal(reply, used.reason);
  });
  app.post('/api/mdms/remove', { onRequest: administrator, schema: described('Takes an MDM out of use and forgets its secrets', { body: removeMdm, ok: mdmsView }) }, async (request, reply) => {
    const body = parseWire(removeMdm, request.body);
    if (!body.ok) return sendRefusal(reply, body.reason);
    const removed = await removeStored(deps, body.value.kind, person(request).user);
    return removed.ok ? view() : sendRefusal(reply, removed.reason);
  });
}
