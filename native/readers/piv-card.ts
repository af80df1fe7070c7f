import { createHash, randomBytes, verify, type KeyObject } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import type { Exchange, LinkFailure } from './card-link.ts';
import { ask, DONE, OBJECT_LIMIT, type Answered } from './piv-apdu.ts';
import { tlv, tlvAt, valueAt } from './piv-tlv.ts';

/** The commands of NIST SP 800-73-4 that are used, one card operation each. */

/** The application identifier without its version, which every version answers to. */
const APPLET = Buffer.from('A00000030800001000', 'hex');
/** Key references and the objects that hold their certificates (SP 800-73-4 part 1, tables 3 and 4b). */
export const CARD_AUTHENTICATION = { key: 0x9e, object: Buffer.from('5FC101', 'hex') } as const;
export const PIV_AUTHENTICATION = { key: 0x9a, object: Buffer.from('5FC105', 'hex') } as const;
export type PivSlot = typeof CARD_AUTHENTICATION | typeof PIV_AUTHENTICATION;
const CARD_PIN = 0x80;
const PIN_LENGTH = 8;
const GZIPPED = 0x01;

/** `refused`: the card said no, with this status. `malformed`: it said what makes no sense. `unproven`: its signature is not of this key. */
export type StepFailure =
  | { readonly ok: false; readonly cause: LinkFailure | 'malformed' | 'unproven' }
  | { readonly ok: false; readonly cause: 'refused'; readonly status: number };
export type Step<Value> = { readonly ok: true; readonly value: Value } | StepFailure;

const MALFORMED = { ok: false, cause: 'malformed' } as const;
const refusedWith = (status: number): StepFailure => ({ ok: false, cause: 'refused', status });

export async function selectPiv(exchange: Exchange): Promise<Step<undefined>> {
  return done(await ask(exchange, { ins: 0xa4, p1: 0x04, p2: 0x00, data: APPLET, answered: true }));
}

/**
 * Another program may select another applet between two of our commands: then what makes no sense makes sense after one more SELECT.
 * For steps that cost nothing when done twice.
 */
export async function againIfDisturbed<Value>(exchange: Exchange, step: () => Promise<Step<Value>>): Promise<Step<Value>> {
  const first = await step();
  if (first.ok || !['refused', 'malformed', 'unproven'].includes(first.cause)) return first;
  const selected = await selectPiv(exchange);
  if (!selected.ok) return selected.cause === 'refused' ? first : selected;
  return step();
}

/** The certificate in a slot, DER; undefined where its object is there and empty. */
export async function readCertificate(exchange: Exchange, { object }: PivSlot): Promise<Step<Buffer | undefined>> {
  const answered = await ask(exchange, { ins: 0xcb, p1: 0x3f, p2: 0xff, data: tlv(0x5c, object), answered: true });
  if (!answered.ok) return answered;
  if (answered.status !== DONE) return refusedWith(answered.status);
  const outer = tlvAt(answered.data);
  if (outer?.tag !== 0x53) return MALFORMED;
  if (outer.value.length === 0) return { ok: true, value: undefined };
  const stored = valueAt(outer.value, 0x70);
  if (stored === undefined) return MALFORMED;
  const info = valueAt(outer.value, 0x71)?.[0] ?? 0;
  const certificate = (info & GZIPPED) === 0 ? stored : gunzipped(stored);
  return certificate === undefined ? MALFORMED : { ok: true, value: certificate };
}

function gunzipped(bytes: Buffer): Buffer | undefined {
  try {
    return gunzipSync(bytes, { maxOutputLength: OBJECT_LIMIT });
  } catch {
    return undefined;
  }
}

/** How a key signs: the algorithm's reference (SP 800-78-4, table 6-2), and what is sent for it to sign. */
export interface SigningKey {
  readonly key: KeyObject;
  readonly algorithm: number;
  readonly hash: 'sha256' | 'sha384';
  readonly toSign: (digest: Buffer) => Buffer;
}

/** DigestInfo of SHA-256 (RFC 8017, 9.2, note 1). */
const SHA256_INFO = Buffer.from('3031300D060960864801650304020105000420', 'hex');
const RSA_BYTES = 256;

function pkcs1Padded(digest: Buffer): Buffer {
  const padding = Buffer.alloc(RSA_BYTES - 3 - SHA256_INFO.length - digest.length, 0xff);
  return Buffer.concat([Buffer.from([0, 1]), padding, Buffer.from([0]), SHA256_INFO, digest]);
}

/** Undefined for a kind of key that is not asked for: only P-256, P-384 and RSA-2048 are. */
export function signingKey(key: KeyObject): SigningKey | undefined {
  const details = key.asymmetricKeyDetails;
  if (key.asymmetricKeyType === 'rsa' && details?.modulusLength === RSA_BYTES * 8) return { key, algorithm: 0x07, hash: 'sha256', toSign: pkcs1Padded };
  if (key.asymmetricKeyType !== 'ec') return undefined;
  if (details?.namedCurve === 'prime256v1') return { key, algorithm: 0x11, hash: 'sha256', toSign: (digest) => digest };
  if (details?.namedCurve === 'secp384r1') return { key, algorithm: 0x14, hash: 'sha384', toSign: (digest) => digest };
  return undefined;
}

/** Has the card sign a challenge never used before (GENERAL AUTHENTICATE) and checks the signature with the key of its certificate. */
export async function proveKey(exchange: Exchange, { key: reference }: PivSlot, { key, algorithm, hash, toSign }: SigningKey): Promise<Step<undefined>> {
  const challenge = randomBytes(32);
  const digest = createHash(hash).update(challenge).digest();
  const data = tlv(0x7c, tlv(0x82), tlv(0x81, toSign(digest)));
  const answered = await ask(exchange, { ins: 0x87, p1: algorithm, p2: reference, data, answered: true });
  if (!answered.ok) return answered;
  if (answered.status !== DONE) return refusedWith(answered.status);
  const signature = valueAt(answered.data, 0x7c, 0x82);
  if (signature === undefined) return MALFORMED;
  return verify(hash, challenge, key, signature) ? { ok: true, value: undefined } : { ok: false, cause: 'unproven' };
}

/** Gives the card its holder's PIN, once. What held it here is wiped. */
export async function verifyPin(exchange: Exchange, pin: string): Promise<Step<undefined>> {
  const padded = Buffer.alloc(PIN_LENGTH, 0xff);
  padded.write(pin, 'latin1');
  try {
    return done(await ask(exchange, { ins: 0x20, p1: 0x00, p2: CARD_PIN, data: padded, answered: false }));
  } finally {
    padded.fill(0);
  }
}

/** Lets the card forget that the PIN was given, so that no other program uses it. Old cards do not know how, and refuse. */
export async function forgetPin(exchange: Exchange): Promise<Step<undefined>> {
  return done(await ask(exchange, { ins: 0x20, p1: 0xff, p2: CARD_PIN, data: Buffer.alloc(0), answered: false }));
}

function done(answered: Answered): Step<undefined> {
  if (!answered.ok) return answered;
  return answered.status === DONE ? { ok: true, value: undefined } : refusedWith(answered.status);
}
