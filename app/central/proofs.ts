import { z } from 'zod';
import { ok, refused, type Result } from '../domain/result.ts';
import { parseCheckpoint } from '../ledger/checkpoint.ts';
import type { Hash } from '../ledger/merkle.ts';
import { parseNote } from '../ledger/note.ts';
import { consistencyRanges, inclusionRanges, verifyInclusion } from '../ledger/proofs.ts';
import { rangeRoots } from '../ledger/subtrees.ts';
import type { TlogProof } from '../ledger/tlog-proof.ts';
import type { Queryable } from './database.ts';
import type { LogRow } from './export.ts';
import type { Refusal } from './http-reply.ts';
import { readHashTile } from './subtrees.ts';

const count = z.string().regex(/^(?:0|[1-9]\d{0,15})$/, 'a number in decimal digits, without leading zeros').transform(Number);
const leafHex = z.string().regex(/^[0-9a-f]{64}$/, '64 lower-case hex digits');

export const inclusionQuery = z.strictObject({ index: count.optional(), leaf: leafHex.optional(), size: count.optional() }).refine(({ index, leaf }) => (index === undefined) !== (leaf === undefined), 'say index=N or leaf=HEX, one of the two');
export const consistencyQuery = z.strictObject({ from: count, to: count.optional() });
export const entryQuery = z.strictObject({ index: count });

/** RFC 6962 2.1.1. Hashes are base64, from the leaf's sibling up; `leaf` is hex as in the entries. */
export interface InclusionAnswer {
  readonly origin: string;
  readonly size: number;
  readonly index: number;
  readonly leaf: string;
  readonly hashes: readonly string[];
}

/** RFC 6962 2.1.2. From the empty tree, and from a size to itself, there is nothing to prove: no hashes. */
export interface ConsistencyAnswer {
  readonly origin: string;
  readonly from: number;
  readonly to: number;
  readonly hashes: readonly string[];
}

/** A proof that an entry is in the tree of `size` entries (by default all that are cosigned). */
export async function proveInclusion(database: Queryable, { origin, size: cosigned }: LogRow, query: z.infer<typeof inclusionQuery>): Promise<Result<InclusionAnswer, Refusal>> {
  const size = query.size ?? cosigned;
  if (size > cosigned) return tooLarge(size, cosigned);
  const index = query.index ?? (await indexOf(database, origin, query.leaf ?? ''));
  if (index === undefined || index >= size) return refused({ reason: 'not-found', message: query.index === undefined ? `No entry with this leaf is among the first ${size}.` : `There is no entry ${query.index} among the first ${size}.` });
  const { leaf, hashes } = await inclusionOf(database, origin, index, size);
  return ok({ origin, size, index, leaf: leaf.toString('hex'), hashes: hashes.map(base64) });
}

/** A proof that the tree of `from` entries is the beginning of the tree of `to` (by default all that are cosigned). */
export async function proveConsistency(database: Queryable, { origin, size }: LogRow, query: z.infer<typeof consistencyQuery>): Promise<Result<ConsistencyAnswer, Refusal>> {
  const { from, to = size } = query;
  if (to > size) return tooLarge(to, size);
  if (from > to) return refused({ reason: 'malformed', message: `A tree of ${from} entries is not the beginning of one of ${to}: "from" is the smaller one.` });
  const hashes = from === 0 ? [] : await rangeRoots(consistencyRanges(from, to), to, (tile) => readHashTile(database, origin, tile));
  return ok({ origin, from, to, hashes: hashes.map(base64) });
}

/** The C2SP tlog-proof of an entry in the last cosigned checkpoint, the only one that is kept here. */
export async function proveEntry(database: Queryable, log: LogRow, index: number): Promise<Result<TlogProof, Refusal>> {
  if (log.checkpoint === null || log.cosignature === null || index >= log.size) return refused({ reason: 'not-found', message: `There is no entry ${index} among the ${log.size} that are cosigned.` });
  const { leaf, hashes } = await inclusionOf(database, log.origin, index, log.size);
  const note = parseNote(log.checkpoint);
  const root = note.ok ? parseCheckpoint(note.value.text) : note;
  // Whatever happened to the database: no proof goes out that does not hold.
  if (!root.ok || !verifyInclusion(index, log.size, leaf, hashes, root.value.root)) throw new Error(`the stored tree of ${log.origin} does not give the root of its checkpoint over ${log.size} entries`);
  return ok({ index, hashes, checkpoint: log.checkpoint + log.cosignature });
}

async function inclusionOf(database: Queryable, origin: string, index: number, size: number): Promise<{ readonly leaf: Hash; readonly hashes: readonly Hash[] }> {
  const found = await database.query<{ leaf: Buffer }>('select leaf from entry where origin = $1 and seq = $2', [origin, index]);
  const hashes = await rangeRoots(inclusionRanges(index, size), size, (tile) => readHashTile(database, origin, tile));
  const [entry] = found.rows;
  if (!entry) throw new Error(`${origin} lacks its entry ${index}`);
  return { leaf: entry.leaf, hashes };
}

async function indexOf(database: Queryable, origin: string, leaf: string): Promise<number | undefined> {
  const found = await database.query<{ seq: number }>('select seq from entry where origin = $1 and leaf = $2 order by seq limit 1', [origin, Buffer.from(leaf, 'hex')]);
  return found.rows[0]?.seq;
}

const tooLarge = (size: number, cosigned: number): Result<never, Refusal> => refused({ reason: 'not-found', message: `No size of ${size} was ever cosigned: this ledger has ${cosigned} entries here.` });
const base64 = (hash: Hash): string => hash.toString('base64');
