import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { morningPdfQuery, morningSheetAnswer, morningSheetQuery, morningView } from '../contract/morning.ts';
import type { Database } from './database.ts';
import { parseWire, sendRefusal, sendResult } from './http-reply.ts';
import { morningFileName, morningPdf } from './morning-pdf.ts';
import { readMorning, readSheet } from './morning.ts';
import { described, type Guards } from './people-routes.ts';

const place = z.strictObject({ station: z.string().min(1).max(64), seq: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER) });

/** What the nights left for the mornings, for people who are signed in. */
export function serveMorning(app: FastifyInstance, deps: { readonly database: Database; readonly now: () => number }, { signedIn }: Pick<Guards, 'signedIn'>): void {
  app.get('/api/morning', { onRequest: signedIn, schema: described('Each cart’s last morning sheet, and wards that will be short tomorrow', { ok: morningView }) }, () => readMorning(deps.database, deps.now()));
  app.get('/api/morning/:station/:seq', { onRequest: signedIn, schema: described('One morning sheet whole, with the nights around it', { query: morningSheetQuery, ok: morningSheetAnswer }) }, async (request, reply) => {
    const at = parseWire(place, request.params);
    const query = parseWire(morningSheetQuery, request.query);
    if (!at.ok) return sendRefusal(reply, at.reason);
    return query.ok ? sendResult(reply, await readSheet(deps.database, { ...at.value, ...query.value }, deps.now())) : sendRefusal(reply, query.reason);
  });
  const schema = { summary: 'A morning sheet on one page A4; `zone` is the IANA zone of its times', tags: ['people'], produces: ['application/pdf'] };
  app.get('/api/morning/:station/:seq(^\\d+).pdf', { onRequest: signedIn, schema }, async (request, reply) => {
    const at = parseWire(place, request.params);
    const query = parseWire(morningPdfQuery, request.query);
    if (!at.ok) return sendRefusal(reply, at.reason);
    if (!query.ok) return sendRefusal(reply, query.reason);
    const { epoch, zone } = query.value;
    if (!isZone(zone)) return sendRefusal(reply, { reason: 'malformed', message: 'The zone is not one of the IANA time zone database, such as Europe/Berlin.' });
    const answer = await readSheet(deps.database, { ...at.value, epoch }, deps.now());
    if (!answer.ok) return sendRefusal(reply, answer.reason);
    return reply.type('application/pdf').header('content-disposition', `attachment; filename="${morningFileName(answer.value, zone)}"`).send(await morningPdf(answer.value, zone));
  });
}

function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-GB', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
