import type { FastifyInstance } from 'fastify';
import type { Database } from './database.ts';
import type { Log } from './http-reply.ts';
import type { MdmNews } from './mdm/adapter.ts';
import type { MdmsInUse } from './mdms-in-use.ts';
import { UPDATES_TOPIC } from './update-requests.ts';
import { wake } from './wakener.ts';

/** An Authenticate of NanoMDM with its certificate has some 10 kB. */
const LARGEST = 1024 * 1024;
const STATUS = { unauthorized: 401, malformed: 400 } as const;

/** What MDMs send by themselves, at `/mdm/<name>`. It only says whom to look at again now; what is proven, the look decides. */
export function serveMdmWebhooks(app: FastifyInstance, deps: { readonly database: Database; readonly log: Log }, mdms: Pick<MdmsInUse, 'all'>): void {
  void app.register(async (routes) => {
    // Signatures are over the bytes as they came.
    routes.removeAllContentTypeParsers();
    routes.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    routes.post<{ Params: { name: string } }>('/mdm/:name', { bodyLimit: LARGEST, schema: { hide: true } }, async (request, reply) => {
      const receive = mdms.all().find(({ webhook }) => webhook?.name === request.params.name)?.webhook?.receive;
      if (!receive) return reply.code(404).send({ reason: 'not-found', message: 'No MDM of this name is configured here.' });
      const heard = await receive(request.body instanceof Buffer ? request.body : Buffer.alloc(0), request.headers);
      if (!heard.ok) {
        deps.log.warn({ mdm: request.params.name, reason: heard.reason.reason, detail: heard.reason.detail }, 'what was sent to a webhook was not taken');
        return reply.code(STATUS[heard.reason.reason]).send({ reason: heard.reason.reason, message: heard.reason.detail });
      }
      await lookAgain(deps.database, heard.value);
      return reply.code(200).send({});
    });
  });
}

/** Proven tablets too, and those that are being updated: their passing facts may have changed. */
async function lookAgain(database: Database, { serials, enrolments }: MdmNews): Promise<void> {
  if (serials.length === 0 && enrolments.length === 0) return;
  await database.transaction(async (client) => {
    const nudged = await client.query(
      `insert into sanitization_nudge (request) select request from sanitization_request where (serial = any($1::text[]) or previous_enrolment = any($2::text[])) and state in ('observing', 'complete')`,
      [serials, enrolments],
    );
    if ((nudged.rowCount ?? 0) > 0) await wake(client, 'sanitization');
    const updating = await client.query(`insert into update_news (request) select request from update_request where (serial = any($1::text[]) or enrolment = any($2::text[])) and state in ('observing', 'returning')`, [serials, enrolments]);
    if ((updating.rowCount ?? 0) > 0) await wake(client, UPDATES_TOPIC);
  });
}
