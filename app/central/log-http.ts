import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteGenericInterface } from 'fastify';
import { z } from 'zod';
import { publishedRange } from '../ledger/bundle.ts';
import { entryBundle, isWithin, parseTilePath, TILE_WIDTH } from '../ledger/tiles.ts';
import { tlogProofText } from '../ledger/tlog-proof.ts';
import { isAuditor, type AdministratorDeps } from './administrators.ts';
import { entriesOf, exportBundle, fileNameOf, LOG_PLACE, originOf, readLog, splitPlace, type LogPlace, type LogRow } from './export.ts';
import { parseWire, sendRefusal, sendResult } from './http-reply.ts';
import { rangesOf, ROTATIONS, type PublishedColumns } from './key-ranges.ts';
import type { TenantKeys } from './keys.ts';
import { consistencyQuery, entryQuery, inclusionQuery, proveConsistency, proveEntry, proveInclusion } from './proofs.ts';
import { receiptOf, sendReceipt } from './receipts.ts';
import { witnessOf } from './server-keys.ts';
import { readHashTile } from './subtrees.ts';

export interface LogHttpDeps extends AdministratorDeps {
  readonly keys: TenantKeys;
}

/** Answers for one ledger; `rest` is what follows the resource's name in the address. */
type Answer = (log: LogRow, request: FastifyRequest, reply: FastifyReply, rest: string) => Promise<FastifyReply>;

const NO_CHECKPOINT = { reason: 'not-found', message: 'This ledger has no cosigned checkpoint yet.' } as const;
const NO_RESOURCE = { reason: 'not-found', message: 'There is no such ledger or resource.' } as const;

/** The ledgers as C2SP tlog-tiles under `/log/<origin>/`, and proofs made of them, to holders of an auditor token (`Authorization: Bearer …`). */
export function serveLogs(app: FastifyInstance, deps: LogHttpDeps): void {
  const { database } = deps;
  const auditor = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const token = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined || !(await isAuditor(deps, token))) {
      await sendRefusal(reply.header('www-authenticate', 'Bearer'), { reason: 'not-authenticated', message: 'The published ledgers are for auditors: send the auditor token as "Authorization: Bearer <token>".' });
    }
  };
  const answers = new Map<string, Answer>();
  const serve = (resource: string, { summary, query, type }: Served, answer: Answer): void => {
    const schema = { summary, tags: ['audit'], security: [{ auditor: [] }], produces: [type], ...(query ? { querystring: querySchema(query) } : {}) };
    answers.set(resource, answer);
    app.get<RouteGenericInterface & { Params: LogPlace & { '*'?: string } }>(`/log/${LOG_PLACE}/${resource}`, { onRequest: auditor, schema }, async (request, reply) => {
      const log = await readLog(database, originOf(request.params));
      return log ? answer(log, request, reply, request.params['*'] ?? '') : sendRefusal(reply, NO_RESOURCE);
    });
  };

  app.get('/log', { onRequest: auditor, schema: { summary: 'Every ledger: its origin, size and keys by tree-size range', tags: ['audit'], security: [{ auditor: [] }] } }, async () => {
    const found = await database.query<PublishedColumns>(`select origin, size, ledger_key, ${ROTATIONS}, key_revoked_at_ms from origin order by origin`);
    return found.rows.map((log) => ({ origin: log.origin, size: log.size, keys: rangesOf(log).map(publishedRange) }));
  });
  app.get<RouteGenericInterface & { Params: { '*': string } }>('/log/*', { onRequest: auditor, schema: { hide: true } }, async (request, reply) => {
    const { origin, rest } = splitPlace(request.params['*']);
    const answer = answers.get(rest.startsWith('tile/') ? 'tile/*' : rest);
    const log = answer && (await readLog(database, origin));
    return log ? answer(log, request, reply, rest.slice('tile/'.length)) : sendRefusal(reply, NO_RESOURCE);
  });

  serve('checkpoint', { summary: 'The last checkpoint and the witness’s cosignature (C2SP tlog-checkpoint, tlog-cosignature)', type: 'text/plain' }, async (log, _request, reply) =>
    log.checkpoint === null || log.cosignature === null ? sendRefusal(reply, NO_CHECKPOINT) : reply.type('text/plain; charset=utf-8').header('cache-control', 'no-store').send(log.checkpoint + log.cosignature),
  );
  serve('bundle.tar', { summary: 'All of a ledger in one file, as `npm run verify` reads it', type: 'application/x-tar' }, async (log, request, reply) => {
    if (log.checkpoint === null || log.cosignature === null) return sendRefusal(reply, NO_CHECKPOINT);
    reply.type('application/x-tar').header('cache-control', 'no-store').header('content-disposition', `attachment; filename="${fileNameOf(log, `${log.size}.tar`)}"`);
    if (request.method === 'HEAD') return reply.send();
    return reply.send(Readable.from(await exportBundle(database, log, log.checkpoint + log.cosignature, await witnessOf(database, deps.keys, log.checkpoint + log.cosignature))));
  });
  serve('tile/*', { summary: 'C2SP tlog-tiles: <L>/<N>[.p/<W>] and entries/<N>[.p/<W>]', type: 'application/octet-stream' }, async (log, request, reply, rest) => {
    const tile = parseTilePath(`tile/${rest}`);
    if (!tile) return sendRefusal(reply, NO_RESOURCE);
    if (!isWithin(tile, log.size)) return sendRefusal(reply, { reason: 'not-found', message: `This ledger has ${log.size} entries: the tile is not complete to that width.` });
    const { level, index, width } = tile;
    reply.type('application/octet-stream').header('cache-control', 'private, max-age=31536000, immutable');
    return level === 'entries' ? sendCompressed(request, reply, entryBundle(await entriesOf(database, log.origin, index * TILE_WIDTH, width))) : reply.send(await readHashTile(database, log.origin, { level, index, width }));
  });

  serve('proof/inclusion', { summary: 'RFC 6962 audit path of an entry, by its index or its leaf, in the tree of `size` entries (all that are cosigned if left out)', query: inclusionQuery, type: 'application/json' }, async (log, request, reply) => {
    const query = parseWire(inclusionQuery, request.query);
    return query.ok ? sendResult(uncached(reply), await proveInclusion(database, log, query.value)) : sendRefusal(reply, query.reason);
  });
  serve('proof/consistency', { summary: 'RFC 6962 consistency proof between two sizes of the tree (up to all that is cosigned if `to` is left out)', query: consistencyQuery, type: 'application/json' }, async (log, request, reply) => {
    const query = parseWire(consistencyQuery, request.query);
    return query.ok ? sendResult(uncached(reply), await proveConsistency(database, log, query.value)) : sendRefusal(reply, query.reason);
  });
  serve('proof/entry', { summary: 'C2SP tlog-proof of an entry in the last cosigned checkpoint', query: entryQuery, type: 'text/plain' }, async (log, request, reply) => {
    const query = parseWire(entryQuery, request.query);
    if (!query.ok) return sendRefusal(reply, query.reason);
    const proof = await proveEntry(database, log, query.value.index);
    if (!proof.ok) return sendRefusal(reply, proof.reason);
    const name = fileNameOf(log, `${query.value.index}.tlog-proof`);
    return uncached(reply).type('text/plain; charset=utf-8').header('content-disposition', `attachment; filename="${name}"`).send(tlogProofText(proof.value));
  });
  serve('receipt', { summary: 'An entry as a receipt that can be checked without this server (`npm run verify -- RECEIPT`)', query: entryQuery, type: 'text/plain' }, async (log, request, reply) => {
    const query = parseWire(entryQuery, request.query);
    return query.ok ? sendReceipt(reply, log, query.value.index, await receiptOf(deps, log, query.value.index)) : sendRefusal(reply, query.reason);
  });
}

interface Served {
  readonly summary: string;
  readonly query?: z.ZodType;
  readonly type: string;
}

const uncached = (reply: FastifyReply): FastifyReply => reply.header('cache-control', 'no-store');

/** Entry bundles are text: compressed for whoever asks for gzip, as C2SP tlog-tiles recommends. */
async function sendCompressed(request: FastifyRequest, reply: FastifyReply, bundle: Buffer): Promise<FastifyReply> {
  reply.header('vary', 'accept-encoding');
  return acceptsGzip(request.headers['accept-encoding']) ? reply.header('content-encoding', 'gzip').send(await compress(bundle)) : reply.send(bundle);
}

const compress = promisify(gzip) as (bytes: Buffer) => Promise<Buffer>;

/** RFC 9110 12.5.3, for gzip alone: named, or meant by `*`, and not of weight 0. */
function acceptsGzip(header: string | string[] | undefined): boolean {
  const weights = new Map(
    String(header ?? '').toLowerCase().split(',').map((each) => {
      const [coding = '', ...parameters] = each.split(';').map((part) => part.trim());
      const weight = parameters.find((part) => part.startsWith('q='))?.slice(2);
      return [coding, weight === undefined ? 1 : Number(weight)];
    }),
  );
  return (weights.get('gzip') ?? weights.get('x-gzip') ?? weights.get('*') ?? 0) > 0;
}

function querySchema(query: z.ZodType): Record<string, unknown> {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(query, { io: 'input' });
  return rest;
}
