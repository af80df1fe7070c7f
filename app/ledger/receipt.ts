import { ok, refused, type Result } from '../domain/result.ts';
import type { Finding, FindingKind } from './audit.ts';
import { openCosignature } from './checkpoint.ts';
import { parseEntry, type LedgerEntry } from './entry.ts';
import { leafHash, type Hash } from './merkle.ts';
import { encodeVkey, parseNote, parseVkey, signatureBy, signatureLine, type VerifierKey } from './note.ts';
import { receiptWords } from './receipt-words.ts';
import { openTlogProof, parseTlogProof, TLOG_PROOF_HEADER, tlogProofText, type TlogProof } from './tlog-proof.ts';

/** What a receipt is made of. */
export interface ReceiptParts {
  /** The canonical bytes, exactly as they were hashed. */
  readonly entry: Buffer;
  /** In the checkpoint, which may carry lines of witnesses; lines by others than the keys below are left out. */
  readonly proof: TlogProof;
  /** Every key this ledger has had: one of them signed the checkpoint. */
  readonly ledgerKeys: readonly VerifierKey[];
  readonly witnesses: readonly VerifierKey[];
}

/** A witness's word: it saw the entry in this ledger at this time, in Unix seconds, at the latest. */
export interface Witnessed {
  readonly key: VerifierKey;
  readonly timeS: number;
}

/** An entry and all that shows where it stands, checked. */
export interface Receipt {
  readonly text: string;
  readonly entry: LedgerEntry;
  readonly leaf: Hash;
  readonly origin: string;
  /** Entries that the checkpoint covers. */
  readonly size: number;
  readonly ledgerKey: VerifierKey;
  /** Empty: provisional, on the station's word alone. */
  readonly witnessed: readonly Witnessed[];
}

/** The first line. The words are part of what is checked, so whoever changes one of them begins another version. */
export const RECEIPT_HEADER = 'Dockward receipt, version 1';

/** A receipt over an entry, if it would be accepted: nothing is handed out that its holder could not check. */
export function writeReceipt({ entry, proof, ledgerKeys, witnesses }: ReceiptParts): Result<Receipt, Finding> {
  const note = parseNote(proof.checkpoint);
  if (!note.ok) return wrong('signature', 'the checkpoint is not a signed note');
  const { text, signatures } = note.value;
  const keys = [...ledgerKeys.filter((key) => openTlogProof(proof, leafHash(entry), key).ok).slice(0, 1), ...witnesses.filter((key) => openCosignature(proof.checkpoint, key).ok)];
  const lines = keys.map((key) => signatureBy(signatures, key)).map((signature) => (signature ? signatureLine(signature.name, signature.keyId, signature.signature) : ''));
  return openReceipt(Buffer.from(spelled(entry, keys, { index: proof.index, hashes: proof.hashes, checkpoint: `${text}\n${lines.join('')}` })));
}

/**
 * Reads a receipt and checks all of it, without anything else at hand: no bit of it can be changed unseen. What it cannot tell
 * is whose keys these are: compare them with those of a policy, or ask the hospital.
 */
export function openReceipt(bytes: Uint8Array): Result<Receipt, Finding> {
  const text = Buffer.from(bytes).toString('utf8');
  const start = text.indexOf(`\n${TLOG_PROOF_HEADER}\n`) + 1;
  const head = text.slice(0, start).split('\n');
  const lines = (name: string): readonly string[] => head.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
  const [entryText = ''] = lines('entry');
  const parsed = parseTlogProof(text.slice(start));
  if (start === 0 || head[0] !== RECEIPT_HEADER || !parsed.ok) return wrong('bytes', 'this is not a receipt of a kind that this program knows, or it has been changed');
  const proof = parsed.value;
  const entryBytes = Buffer.from(entryText);
  const entry = parseEntry(entryBytes);
  if (!entry.ok) return wrong('bytes', `the entry in the receipt has been changed: ${entry.reason}`);
  const keys: VerifierKey[] = [];
  for (const vkey of [...lines('ledger-key'), ...lines('witness-key')]) {
    const key = parseVkey(vkey);
    if (!key.ok) return wrong('signature', 'a key in the receipt is damaged');
    keys.push(key.value);
  }
  const [ledgerKey, ...witnesses] = keys;
  if (ledgerKey?.type !== 'ed25519') return wrong('signature', 'the receipt names no key of a ledger');

  const leaf = leafHash(entryBytes);
  const opened = openTlogProof(proof, leaf, ledgerKey);
  if (!opened.ok && opened.reason === 'not-included') return wrong('root', 'the entry is not the one that the ledger holds at this place');
  if (!opened.ok) return wrong('signature', `the checkpoint is not signed by the ledger's key (${opened.reason})`);
  const { origin, size } = opened.value;
  const { station, epoch, seq } = entry.value;
  if (seq !== proof.index || !origin.endsWith(`/station/${station}/e${epoch}`)) return wrong('chain', 'the entry is of another ledger, or of another place in it, than the proof');

  const witnessed: Witnessed[] = [];
  for (const key of witnesses) {
    const time = openCosignature(proof.checkpoint, key);
    if (!time.ok) return wrong('witness', `the signature of the witness ${key.name} under the checkpoint does not hold (${time.reason})`);
    witnessed.push({ key, timeS: time.value });
  }
  // Bytes, not text: what is no UTF-8 reads as something else than it is.
  if (!Buffer.from(spelled(entryBytes, keys, proof)).equals(bytes) || !hasOnlyThese(proof.checkpoint, keys)) return wrong('bytes', 'the receipt says something that does not follow from the entry and its proof: it has been changed');
  return ok({ text, entry: entry.value, leaf, origin, size, ledgerKey, witnessed });
}

/** The one spelling of a receipt. */
function spelled(entryBytes: Buffer, [ledgerKey, ...witnesses]: readonly VerifierKey[], proof: TlogProof): string {
  const entry = parseEntry(entryBytes);
  const times = witnesses.map((key) => ({ key, time: openCosignature(proof.checkpoint, key) }));
  const witnessed = times.flatMap(({ key, time }) => (time.ok ? [{ key, timeS: time.value }] : []));
  return [
    RECEIPT_HEADER,
    '',
    ...(entry.ok && ledgerKey ? receiptWords(entry.value, ledgerKey.name, witnessed) : []),
    '',
    `entry ${entryBytes.toString('utf8')}`,
    ...(ledgerKey ? [`ledger-key ${encodeVkey(ledgerKey)}`] : []),
    ...witnesses.map((key) => `witness-key ${encodeVkey(key)}`),
    '',
    tlogProofText({ index: proof.index, hashes: proof.hashes, checkpoint: proof.checkpoint }),
  ].join('\n');
}

/** A line by anybody else could be changed unseen. */
function hasOnlyThese(checkpoint: string, keys: readonly VerifierKey[]): boolean {
  const note = parseNote(checkpoint);
  return note.ok && note.value.signatures.length === keys.length && keys.every((key, at) => signatureBy(note.value.signatures.slice(at, at + 1), key) !== undefined);
}

const wrong = (kind: FindingKind, message: string): Result<never, Finding> => refused({ kind, message });
