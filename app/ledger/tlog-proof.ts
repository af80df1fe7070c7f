import { ok, refused, type Result } from '../domain/result.ts';
import { openCheckpoint, type Checkpoint, type CheckpointFault } from './checkpoint.ts';
import { HASH_BYTES, type Hash } from './merkle.ts';
import { decodeBase64, type VerifierKey } from './note.ts';
import { verifyInclusion } from './proofs.ts';

/** C2SP tlog-proof v1: that one entry stands in a log, in a file of its own. */
export interface TlogProof {
  /** Of the entry, from 0. */
  readonly index: number;
  /** RFC 6962 2.1.1, from the leaf's sibling up. */
  readonly hashes: readonly Hash[];
  /** The signed note, cosignatures included, verbatim. */
  readonly checkpoint: string;
  /** Opaque, and vouched for by nobody. */
  readonly extra?: Buffer;
}

export const TLOG_PROOF_HEADER = 'c2sp.org/tlog-proof@v1';
/** More than any tree of 2^53 leaves needs. */
const MOST_HASHES = 63;

export function tlogProofText({ index, hashes, checkpoint, extra }: TlogProof): string {
  const lines = [TLOG_PROOF_HEADER, ...(extra ? [`extra ${extra.toString('base64')}`] : []), `index ${index}`, ...hashes.map((hash) => hash.toString('base64'))];
  return `${lines.join('\n')}\n\n${checkpoint}`;
}

/** Reads a proof without judging it. One spelling only: canonical base64, no leading zeros, no carriage returns. */
export function parseTlogProof(text: string): Result<TlogProof, 'malformed'> {
  const boundary = text.indexOf('\n\n');
  if (boundary < 0) return refused('malformed');
  const [header, ...lines] = text.slice(0, boundary).split('\n');
  const extraText = lines[0]?.startsWith('extra ') === true ? lines.shift()?.slice('extra '.length) : undefined;
  const extra = extraText === undefined || extraText === '' ? Buffer.alloc(0) : decodeBase64(extraText);
  const indexText = /^index (0|[1-9][0-9]{0,15})$/.exec(lines.shift() ?? '')?.[1];
  const index = Number(indexText);
  if (header !== TLOG_PROOF_HEADER || extra === undefined || indexText === undefined || !Number.isSafeInteger(index) || lines.length > MOST_HASHES) return refused('malformed');
  const hashes: Hash[] = [];
  for (const line of lines) {
    const hash = decodeBase64(line);
    if (hash?.length !== HASH_BYTES) return refused('malformed');
    hashes.push(hash);
  }
  const checkpoint = text.slice(boundary + 2);
  return checkpoint === '' ? refused('malformed') : ok({ index, hashes, checkpoint, ...(extraText === undefined ? {} : { extra }) });
}

/** The checkpoint of a log whose key this is, if the proof shows `leaf` in it. Cosignatures are for the caller to judge. */
export function openTlogProof({ index, hashes, checkpoint }: TlogProof, leaf: Hash, key: VerifierKey): Result<Checkpoint, CheckpointFault | 'not-included'> {
  const opened = openCheckpoint(checkpoint, key);
  if (!opened.ok) return opened;
  const { size, root } = opened.value;
  return verifyInclusion(index, size, leaf, hashes, root) ? opened : refused('not-included');
}
