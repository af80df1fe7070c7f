import type { FastifyInstance, FastifyReply } from 'fastify';
import { append, EMPTY_FRONTIER, rootOf, type Frontier } from '../ledger/merkle.ts';
import { encodeVkey, publicKeyFrom, verifierKey } from '../ledger/note.ts';
import { isAuditor, type AdministratorDeps } from './administrators.ts';
import { sendRefusal } from './http-reply.ts';

const TILE_WIDTH = 256;
const RESOURCE = /^(?<origin>.+)\/(?:(?<checkpoint>checkpoint)|tile\/(?<level>entries|[0-5]?[0-9])\/(?<index>(?:x\d{3}\/)*\d{3})(?:\.p\/(?<width>[1-9]\d{0,2}))?)$/;

/** The ledgers as C2SP tlog-tiles under `/log/<origin>/`, to holders of an auditor token (`Authorization: Bearer …`). */
export function serveLogs(app: FastifyInstance, deps: AdministratorDeps): void {
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

  app.get<{ Params: { '*': string } }>('/log/*', { schema: { summary: 'C2SP tlog-tiles of one ledger: checkpoint, tile/<L>/<N>[.p/<W>], tile/entries/<N>[.p/<W>]', tags: ['audit'] } }, async (request, reply) => {
    const { origin = '', checkpoint, level = '', index = '', width } = RESOURCE.exec(request.params['*'])?.groups ?? {};
    const found = await database.query<{ size: number; checkpoint: string | null; cosignature: string | null }>('select size, checkpoint, cosignature from origin where origin = $1', [origin]);
    const log = found.rows[0];
    if (!log) return sendRefusal(reply, { reason: 'not-found', message: 'There is no such ledger or resource.' });
    if (checkpoint !== undefined) {
      if (log.checkpoint === null || log.cosignature === null) return sendRefusal(reply, { reason: 'not-found', message: 'This ledger has no cosigned checkpoint yet.' });
      return reply.type('text/plain; charset=utf-8').header('cache-control', 'no-store').send(log.checkpoint + log.cosignature);
    }
    const entries = level === 'entries';
    const wide = TILE_WIDTH ** (entries ? 0 : Number(level));
    const first = Number(index.replaceAll(/[x/]/g, '')) * TILE_WIDTH;
    const count = width === undefined ? TILE_WIDTH : Number(width);
    if (count > TILE_WIDTH || (width !== undefined && count === TILE_WIDTH) || (first + count) * wide > log.size) {
      return sendRefusal(reply, { reason: 'not-found', message: `This ledger has ${log.size} entries: the tile is not complete to that width.` });
    }
    return sendTile(reply, entries ? await entryBundle(deps, origin, first, count) : await hashTile(deps, origin, first, count, wide));
  });
}

function sendTile(reply: FastifyReply, tile: Buffer): FastifyReply {
  return reply.type('application/octet-stream').header('cache-control', 'private, max-age=31536000, immutable').send(tile);
}

/** Entries one after another, each led by its length in two bytes, big-endian. */
async function entryBundle({ database }: AdministratorDeps, origin: string, first: number, count: number): Promise<Buffer> {
  const found = await database.query<{ bytes: Buffer }>('select bytes from entry where origin = $1 and seq >= $2 and seq < $3 order by seq', [origin, first, first + count]);
  return Buffer.concat(
    found.rows.flatMap(({ bytes }) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(bytes.length);
      return [length, bytes];
    }),
  );
}

/** `count` hashes, each the root over `wide` leaves. */
async function hashTile({ database }: AdministratorDeps, origin: string, first: number, count: number, wide: number): Promise<Buffer> {
  const hashes: Buffer[] = [];
  let subtree: Frontier = EMPTY_FRONTIER;
  const end = (first + count) * wide;
  for (let from = first * wide; from < end; from += 65_536) {
    const found = await database.query<{ leaf: Buffer }>('select leaf from entry where origin = $1 and seq >= $2 and seq < $3 order by seq', [origin, from, Math.min(end, from + 65_536)]);
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
