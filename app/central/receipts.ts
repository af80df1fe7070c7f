import type { FastifyInstance, FastifyReply } from 'fastify';
import { ok, refused, type Result } from '../domain/result.ts';
import { writeReceipt, type Receipt } from '../ledger/receipt.ts';
import type { Database, Queryable } from './database.ts';
import { entriesOf, fileNameOf, LOG_PLACE, originOf, readLog, splitPlace, type LogPlace, type LogRow } from './export.ts';
import { parseWire, sendRefusal, type Refusal } from './http-reply.ts';
import { rangesOf } from './key-ranges.ts';
import type { TenantKeys } from './keys.ts';
import type { Guards } from './people-routes.ts';
import { entryQuery, proveEntry } from './proofs.ts';
import { witnessOf } from './server-keys.ts';

export interface ReceiptDeps {
  readonly database: Database;
  readonly keys: TenantKeys;
}

/** `GET /api/receipts/<origin>/<seq>` for signed-in people: the same file that auditors get. */
export function serveReceipts(app: FastifyInstance, deps: ReceiptDeps, { signedIn }: Pick<Guards, 'signedIn'>): void {
  const schema = { summary: 'A record as a receipt that can be checked without this server: its bytes, its proof in the last cosigned checkpoint, the keys, and in words who, what and when', tags: ['people'], produces: ['text/plain'] };
  const answer = async (reply: FastifyReply, origin: string, seq: string): Promise<FastifyReply> => {
    const log = await readLog(deps.database, origin);
    const place = parseWire(entryQuery, { index: seq });
    if (!log || !place.ok) return sendRefusal(reply, { reason: 'not-found', message: 'There is no such ledger or record.' });
    return sendReceipt(reply, log, place.value.index, await receiptOf(deps, log, place.value.index));
  };
  app.get<{ Params: LogPlace & { seq: string } }>(`/api/receipts/${LOG_PLACE}/:seq`, { onRequest: signedIn, schema }, (request, reply) => answer(reply, originOf(request.params), request.params.seq));
  app.get<{ Params: { '*': string } }>('/api/receipts/*', { onRequest: signedIn, schema: { hide: true } }, (request, reply) => {
    const { origin, rest } = splitPlace(request.params['*']);
    return answer(reply, origin, rest);
  });
}

export function sendReceipt(reply: FastifyReply, log: LogRow, index: number, receipt: Result<Receipt, Refusal>): FastifyReply {
  if (!receipt.ok) return sendRefusal(reply, receipt.reason);
  return reply.type('text/plain; charset=utf-8').header('cache-control', 'no-store').header('content-disposition', `attachment; filename="${fileNameOf(log, `${index}.receipt.txt`)}"`).send(receipt.value.text);
}

/** A receipt over an entry in the last cosigned checkpoint: never provisional, since the server holds nothing that is not cosigned. */
export async function receiptOf({ database, keys }: ReceiptDeps, log: LogRow, index: number): Promise<Result<Receipt, Refusal>> {
  const proof = await proveEntry(database, log, index);
  if (!proof.ok) return proof;
  const [entry] = await entriesOf(database, log.origin, index, 1);
  if (!entry) throw new Error(`${log.origin} lacks its entry ${index}`);
  const receipt = writeReceipt({ entry, proof: proof.value, ledgerKeys: rangesOf(log).map(({ key }) => key), witnesses: [await witnessOf(database, keys, proof.value.checkpoint)] });
  if (receipt.ok && receipt.value.witnessed.length > 0) return ok(receipt.value);
  const poison = await isPoison(database, log.origin, index);
  if (poison) return refused({ reason: 'not-found', message: `Record ${index} cannot be read by this program: there are no words for it. Its proof is at proof/entry, its bytes are in the ledger.` });
  throw new Error(receipt.ok ? `the checkpoint of ${log.origin} does not bear this server's signature` : `entry ${index} of ${log.origin}: ${receipt.reason.message}`);
}

async function isPoison(database: Queryable, origin: string, seq: number): Promise<boolean> {
  const found = await database.query('select 1 from poison_entry where origin = $1 and seq = $2', [origin, seq]);
  return found.rowCount !== 0;
}
