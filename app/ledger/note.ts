import { createPublicKey, hash, sign, verify, type KeyObject } from 'node:crypto';
import { ok, refused, type Result } from '../domain/result.ts';

/** C2SP signed-note v1.0.0: text ending in a newline, an empty line, then one line per signature. */
export interface SignedNote {
  /** The signed text, its last newline included. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

export interface NoteSignature {
  readonly name: string;
  /** Big-endian 32-bit key id. */
  readonly keyId: number;
  /** What the algorithm of the key made; for `cosignature` it starts with 8 bytes of time. */
  readonly signature: Buffer;
}

/** Signature type bytes of the specification that are used here. */
export const SIGNATURE_TYPES = { ed25519: 0x01, cosignature: 0x04 } as const;
export type SignatureType = keyof typeof SIGNATURE_TYPES;

/** A public key as a note knows it: name and key id together say which key and algorithm made a signature. */
export interface VerifierKey {
  readonly name: string;
  readonly type: SignatureType;
  readonly keyId: number;
  readonly publicKey: KeyObject;
}

/** Verifiers must accept 16 signatures, of which each can be post-quantum and nearly 5 kB; more than this is an attack on memory. */
const MAX_SIGNATURES = 100;
const MAX_NOTE_CHARACTERS = 256 * 1024;
const SIGNATURE_LINE = /^— ([^\s\u0085+]+) ([A-Za-z0-9+/]+={0,2})$/u;
// Everything below U+0020 but the newline.
const CONTROL_CHARACTER = /[\u0000-\u0009\u000B-\u001F]/u;

/** Makes a verifier key; throws where the name or the key cannot be one. */
export function verifierKey(name: string, key: KeyObject, type: SignatureType = 'ed25519'): VerifierKey {
  if (!isKeyName(name)) throw new TypeError(`"${name}" cannot name a key: no spaces, no plus, not empty`);
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return { name, type, keyId: keyIdOf(name, rawPublicKey(publicKey), type), publicKey };
}

/** `<name>+<key id, 8 hex digits>+<base64 of type byte and key>`. */
export function encodeVkey(key: VerifierKey): string {
  const material = Buffer.concat([Buffer.of(SIGNATURE_TYPES[key.type]), rawPublicKey(key.publicKey)]);
  return `${key.name}+${key.keyId.toString(16).padStart(8, '0')}+${material.toString('base64')}`;
}

/** Reads a vkey; refused where it is damaged, names another algorithm or its id is not that of its key. */
export function parseVkey(vkey: string): Result<VerifierKey, 'malformed'> {
  const match = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/u.exec(vkey);
  const [, name = '', idText = '', materialText = ''] = match ?? [];
  const material = decodeBase64(materialText);
  if (!isKeyName(name) || material?.length !== 33) return refused('malformed');
  const type = material[0] === SIGNATURE_TYPES.ed25519 ? 'ed25519' : material[0] === SIGNATURE_TYPES.cosignature ? 'cosignature' : undefined;
  if (type === undefined) return refused('malformed');
  const key = verifierKey(name, publicKeyFrom(material.subarray(1)), type);
  return key.keyId === Number.parseInt(idText, 16) ? ok(key) : refused('malformed');
}

/** Ed25519 public key from its 32 raw bytes. */
export function publicKeyFrom(raw: Uint8Array): KeyObject {
  return createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(raw).toString('base64url') } });
}

/** The 32 raw bytes of an Ed25519 public key. */
export function rawPublicKey(key: KeyObject): Buffer {
  const { crv, x } = key.export({ format: 'jwk' });
  if (crv !== 'Ed25519' || x === undefined) throw new TypeError('not an Ed25519 key');
  return Buffer.from(x, 'base64url');
}

/** The line by which a signature stands under a note, its newline included. */
export function signatureLine(name: string, keyId: number, signature: Uint8Array): string {
  const id = Buffer.alloc(4);
  id.writeUInt32BE(keyId);
  return `— ${name} ${Buffer.concat([id, signature]).toString('base64')}\n`;
}

/** Signs a text as a note with one Ed25519 signature. The text must end in a newline. */
export function signNote(text: string, key: VerifierKey, privateKey: KeyObject): string {
  if (!text.endsWith('\n') || CONTROL_CHARACTER.test(text) || !text.isWellFormed()) {
    throw new TypeError('a note text ends in a newline and holds no control characters');
  }
  return `${text}\n${signatureLine(key.name, key.keyId, sign(null, Buffer.from(text), privateKey))}`;
}

/** Takes a note apart without judging its signatures. */
export function parseNote(note: string): Result<SignedNote, 'malformed'> {
  if (note.length > MAX_NOTE_CHARACTERS || !note.isWellFormed() || CONTROL_CHARACTER.test(note) || !note.endsWith('\n')) return refused('malformed');
  const boundary = note.lastIndexOf('\n\n');
  if (boundary < 0) return refused('malformed');
  const lines = note.slice(boundary + 2, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) return refused('malformed');
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const signature = parseSignatureLine(line);
    if (signature === undefined) return refused('malformed');
    signatures.push(signature);
  }
  return ok({ text: note.slice(0, boundary + 1), signatures });
}

/** One signature line, with or without its newline; undefined where it is not one. */
export function parseSignatureLine(line: string): NoteSignature | undefined {
  const [, name = '', encoded = ''] = SIGNATURE_LINE.exec(line.endsWith('\n') ? line.slice(0, -1) : line) ?? [];
  const bytes = decodeBase64(encoded);
  if (bytes === undefined || bytes.length < 5) return undefined;
  return { name, keyId: bytes.readUInt32BE(0), signature: bytes.subarray(4) };
}

/** The first signature that claims to be by this key. Signatures by others are ignored, as the specification demands. */
export function signatureBy(signatures: readonly NoteSignature[], key: VerifierKey): NoteSignature | undefined {
  return signatures.find((signature) => signature.name === key.name && signature.keyId === key.keyId);
}

/** The text of a note that this key has signed. A wrong signature by the key refuses the whole note. */
export function openNote(note: string, key: VerifierKey): Result<SignedNote, 'malformed' | 'not-signed' | 'bad-signature'> {
  const parsed = parseNote(note);
  if (!parsed.ok) return parsed;
  const signature = signatureBy(parsed.value.signatures, key);
  if (signature === undefined || key.type !== 'ed25519') return refused('not-signed');
  return verify(null, Buffer.from(parsed.value.text), key.publicKey, signature.signature) ? parsed : refused('bad-signature');
}

/** Standard base64 with padding, and only its one canonical spelling. */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return text !== '' && bytes.toString('base64') === text ? bytes : undefined;
}

function keyIdOf(name: string, raw: Uint8Array, type: SignatureType): number {
  return hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(SIGNATURE_TYPES[type]), raw]), 'buffer').readUInt32BE(0);
}

const isKeyName = (name: string): boolean => name !== '' && name.isWellFormed() && !/[\s\u0085+]/u.test(name) && !CONTROL_CHARACTER.test(name);
