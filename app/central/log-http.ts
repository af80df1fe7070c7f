import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { append, EMPTY_FRONTIER, rootOf, type Frontier } from '../ledger/merkle.ts';
import { encodeVkey, publicKeyFrom, verifierKey, type VerifierKey } from '../ledger/note.ts';
import { entryBundle, isWithin, leavesPerHash, parseTilePath, TILE_WIDTH, type TileName } from '../ledger/tiles.ts';
import { isAuditor, type AdministratorDeps } from './administrators.ts';
import { entriesOf, exportBundle, type LogRow } from './export.ts';
import { sendRefusal } from './http-reply.ts';

export interface LogHttpDeps extends AdministratorDeps {
  readonly keys: { readonly witness: { readonly verifier: VerifierKey } };
}

const RESOURCE = /^(?<origin>.+?)\/(?<resource>checkpoint|bundle\.tar|tile\/.+)$/;
const LEAVES_AT_ONCE = 65_536;

/** The ledgers as C2SP tlog-tiles under `/log/<origin>/`, to holders of an auditor token (`Authorization: Bearer …`). */
export function serveLogs(app: FastifyInstance, deps: LogHttpDeps): void {
  const { database } = deps;
  app.addHook('onRequest', async (request, reply) => {
    if (request.routeOptions.url !== '/log' && request.routeOptions.url !== '/log/*') return;
    const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined || !(await isAuditor(deps, token))) {
      await sendRefusal(reply.header('www-authenticate', 'Bearer'), { reason: 'not-authenticated', message: 'The published ledgers are for auditors: send the auditor token as "Authorization: Bearer <token>".' });
    }
  });

  app.get('/log', { schema: { summary: 'Every ledger: its origin, size and keys by tree-size range', tags: ['audit'] } }, async () => {
    const found = await database.query<{ origin: string; size: number; ledger_key: Buffer }>('select origin, size, ledger_key from origin order by origin');
    return found.rows.map(({ origin, size, ledger_key }) => ({ origin, size, keys: [{ vkey: encodeVkey(verifierKey(origin, publicKeyFrom(ledger_key))), from: 0, to: size }] }));
  });

  const summary = 'C2SP tlog-tiles of one ledger: checkpoint, tile/<L>/<N>[.p/<W>], tile/entries/<N>[.p/<W>]; bundle.tar is all of it in one file';
  app.get<{ Params: { '*': string } }>('/log/*', { schema: { summary, tags: ['audit'] } }, async (request, reply) => {
    const { origin = '', resource = '' } = RESOURCE.exec(request.params['*'])?.groups ?? {};
    const found = await database.query<LogRow>('select origin, size, ledger_key, checkpoint, cosignature from origin where origin = $1', [origin]);
    const log = found.rows[0];
    if (!log) return sendRefusal(reply, { reason: 'not-found', message: 'There is no such ledger or resource.' });
    if (resource === 'checkpoint' || resource === 'bundle.tar') {
      if (log.checkpoint === null || log.cosignature === null) return sendRefusal(reply, { reason: 'not-found', message: 'This ledger has no cosigned checkpoint yet.' });
      reply.header('cache-control', 'no-store');
      if (resource === 'checkpoint') return reply.type('text/plain; charset=utf-8').send(log.checkpoint + log.cosignature);
      const bundle = await exportBundle(database, log, log.checkpoint + log.cosignature, deps.keys.witness.verifier);
      const name = `${origin.replaceAll(/[^A-Za-z0-9.-]/g, '_')}-${log.size}.tar`;
      return reply.type('application/x-tar').header('content-disposition', `attachment; filename="${name}"`).send(Readable.from(bundle));
    }
    const tile = parseTilePath(resource);
    if (!tile) return sendRefusal(reply, { reason: 'not-found', message: 'There is no such ledger or resource.' });
    if (!isWithin(tile, log.size)) return sendRefusal(reply, { reason: 'not-found', message: `This ledger has ${log.size} entries: the tile is not complete to that width.` });
    return sendTile(reply, tile.level === 'entries' ? entryBundle(await entriesOf(database, origin, tile.index * TILE_WIDTH, tile.width)) : await hashTile(deps, origin, tile));
  });
}

function sendTile(reply: FastifyReply, tile: Buffer): FastifyReply {
  return reply.type('application/octet-stream').header('cache-control', 'private, max-age=31536000, immutable').send(tile);
}

/** `width` hashes, each the root over the leaves under it. */
async function hashTile({ database }: LogHttpDeps, origin: string, { level, index, width }: TileName): Promise<Buffer> {
  const hashes: Buffer[] = [];
  const wide = leavesPerHash(level);
  let subtree: Frontier = EMPTY_FRONTIER;
  const end = (index * TILE_WIDTH + width) * wide;
  for (let from = index * TILE_WIDTH * wide; from < end; from += LEAVES_AT_ONCE) {
    const found = await database.query<{ leaf: Buffer }>('select leaf from entry where origin = $1 and seq >= $2 and seq < $3 order by seq', [origin, from, Math.min(end, from + LEAVES_AT_ONCE)]);
    for (const { leaf } of found.rows) {
      subtree = append(subtree, leaf);
      if (subtree.size === wide) {
        hashes.push(rootOf(subtree));
        subtree = EMPTY_FRONTIER;
      }
    }
  }
  return Buffer.concat(hashes);
}
