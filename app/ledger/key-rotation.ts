import { sign, verify, type KeyObject } from 'node:crypto';
import type { EntryBodies } from '../domain/entries.ts';
import { ok, refused, type Result } from '../domain/result.ts';
import type { LedgerEntry } from './entry.ts';
import { decodeBase64, encodeVkey, parseVkey, verifierKey, type VerifierKey } from './note.ts';

export const ROTATION_ENTRY = 'ledger-key-rotated';
export type RotationBody = EntryBodies[typeof ROTATION_ENTRY];

/** Where the entry stands that changes the key: in which ledger, at which `seq`, after the entry with the leaf `prev` (hex). */
export interface RotationPlace {
  readonly origin: string;
  readonly seq: number;
  readonly prev: string;
}

export const ROTATION_FAULTS = ['malformed', 'other-key', 'same-key', 'old-signature', 'new-signature'] as const;
export type RotationFault = (typeof ROTATION_FAULTS)[number];

/**
 * What both keys sign: that checkpoints of more than `seq` entries are signed by `to`. The leaf before it is in the text, so the
 * old key vouches for all that was recorded under it. No checkpoint can be read from it: the second line of one is a number.
 */
export const rotationText = ({ origin, seq, prev }: RotationPlace, from: string, to: string): string => `dockward-ledger-key-rotation/v1\n${origin}\n${seq}\n${prev}\n${from}\n${to}\n`;

/** The body of the entry at this place that takes the ledger from one Ed25519 private key to the next. */
export function signRotation(place: RotationPlace, oldKey: KeyObject, newKey: KeyObject): RotationBody {
  const [from, to] = [oldKey, newKey].map((key) => encodeVkey(verifierKey(place.origin, key))) as [string, string];
  const text = Buffer.from(rotationText(place, from, to));
  return { from, to, oldSignature: sign(null, text, oldKey).toString('base64'), newSignature: sign(null, text, newKey).toString('base64') };
}

/** The key that signs after this entry, if `current` signed until it, and both of them say so for this very place. */
export function openRotation(place: RotationPlace, body: LedgerEntry['body'], current: VerifierKey): Result<VerifierKey, RotationFault> {
  const { from, to, oldSignature, newSignature } = body;
  if (typeof from !== 'string' || typeof to !== 'string' || typeof oldSignature !== 'string' || typeof newSignature !== 'string') return refused('malformed');
  if (from !== encodeVkey(current)) return refused('other-key');
  const next = parseVkey(to);
  const [byOld, byNew] = [oldSignature, newSignature].map(decodeBase64);
  if (!next.ok || next.value.name !== place.origin || next.value.type !== 'ed25519' || !byOld || !byNew) return refused('malformed');
  if (next.value.publicKey.equals(current.publicKey)) return refused('same-key');
  const text = Buffer.from(rotationText(place, from, to));
  if (!verify(null, text, current.publicKey, byOld)) return refused('old-signature');
  return verify(null, text, next.value.publicKey, byNew) ? ok(next.value) : refused('new-signature');
}
