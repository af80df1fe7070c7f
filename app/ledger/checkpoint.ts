import { sign, verify, type KeyObject } from 'node:crypto';
import { ok, refused, type Result } from '../domain/result.ts';
import { HASH_BYTES, type Hash } from './merkle.ts';
import { decodeBase64, openNote, parseNote, parseSignatureLine, signatureBy, signatureLine, signNote, type NoteSignature, type VerifierKey } from './note.ts';

/** C2SP tlog-checkpoint v1: what a log says of itself at one size. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Hash;
  readonly extensions: readonly string[];
}

export const CHECKPOINT_FAULTS = ['malformed', 'not-signed', 'bad-signature', 'other-origin'] as const;
export type CheckpointFault = (typeof CHECKPOINT_FAULTS)[number];

export const COSIGNATURE_FAULTS = ['malformed', 'not-signed', 'bad-signature'] as const;
export type CosignatureFault = (typeof COSIGNATURE_FAULTS)[number];

const TIME_BYTES = 8;
const ED25519_BYTES = 64;

/** The text that is signed: origin, size, base64 root, then extension lines if there are any. */
export function checkpointText(origin: string, size: number, root: Hash, extensions: readonly string[] = []): string {
  return [origin, String(size), root.toString('base64'), ...extensions].map((line) => `${line}\n`).join('');
}

/** A checkpoint as a signed note. The key's name should be the origin. */
export function signCheckpoint(origin: string, size: number, root: Hash, key: VerifierKey, privateKey: KeyObject): string {
  return signNote(checkpointText(origin, size, root), key, privateKey);
}

/** Reads the text of a checkpoint, strictly: one spelling per number and root, no empty lines. */
export function parseCheckpoint(text: string): Result<Checkpoint, 'malformed'> {
  if (!text.endsWith('\n')) return refused('malformed');
  const [origin = '', sizeText = '', rootText = '', ...extensions] = text.slice(0, -1).split('\n');
  const root = decodeBase64(rootText);
  const size = Number(sizeText);
  if (origin === '' || !/^(0|[1-9][0-9]{0,15})$/.test(sizeText) || !Number.isSafeInteger(size)) return refused('malformed');
  if (root?.length !== HASH_BYTES || extensions.includes('')) return refused('malformed');
  return ok({ origin, size, root, extensions });
}

/** The checkpoint in a note, if `key` signed it and it is of the log that the key is named after (or of `origin`, if given). */
export function openCheckpoint(note: string, key: VerifierKey, origin: string = key.name): Result<Checkpoint, CheckpointFault> {
  const opened = openNote(note, key);
  if (!opened.ok) return opened;
  const checkpoint = parseCheckpoint(opened.value.text);
  if (!checkpoint.ok) return checkpoint;
  return checkpoint.value.origin === origin ? checkpoint : refused('other-origin');
}

/**
 * The witness's signature line over a checkpoint (C2SP tlog-cosignature, Ed25519), its newline included.
 * `key` must be of type `cosignature`; `timeS` is Unix seconds. The caller has checked consistency and persisted it before.
 */
export function cosign(note: string, key: VerifierKey, privateKey: KeyObject, timeS: number): string {
  const parsed = parseNote(note);
  if (!parsed.ok || !parseCheckpoint(parsed.value.text).ok) throw new TypeError('only a checkpoint can be cosigned');
  if (key.type !== 'cosignature') throw new TypeError(`${key.name} is not a witness key`);
  const time = Buffer.alloc(TIME_BYTES);
  time.writeBigUInt64BE(BigInt(timeS));
  return signatureLine(key.name, key.keyId, Buffer.concat([time, sign(null, cosignedMessage(timeS, parsed.value.text), privateKey)]));
}

/** The time, in Unix seconds, at which the witness cosigned `note` by this signature line. */
export function verifyCosignature(note: string, line: string, key: VerifierKey): Result<number, CosignatureFault> {
  const parsed = parseNote(note);
  const signature = parseSignatureLine(line);
  if (!parsed.ok || signature === undefined) return refused('malformed');
  return judgeCosignature(parsed.value.text, [signature], key);
}

/** The same for a note that already carries the cosignature among its signature lines. */
export function openCosignature(note: string, key: VerifierKey): Result<number, CosignatureFault> {
  const parsed = parseNote(note);
  return parsed.ok ? judgeCosignature(parsed.value.text, parsed.value.signatures, key) : parsed;
}

function judgeCosignature(text: string, signatures: readonly NoteSignature[], key: VerifierKey): Result<number, CosignatureFault> {
  const found = signatureBy(signatures, key);
  if (found === undefined || key.type !== 'cosignature') return refused('not-signed');
  if (found.signature.length !== TIME_BYTES + ED25519_BYTES || !parseCheckpoint(text).ok) return refused('malformed');
  const timeS = Number(found.signature.readBigUInt64BE(0));
  if (!Number.isSafeInteger(timeS)) return refused('malformed');
  const signature = found.signature.subarray(TIME_BYTES);
  return verify(null, cosignedMessage(timeS, text), key.publicKey, signature) ? ok(timeS) : refused('bad-signature');
}

const cosignedMessage = (timeS: number, text: string): Buffer => Buffer.from(`cosignature/v1\ntime ${timeS}\n${text}`);
