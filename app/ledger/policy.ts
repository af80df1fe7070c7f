import { createPublicKey, hash, verify, type KeyObject } from 'node:crypto';
import type { GateLeafName } from '../domain/terms.ts';
import { GATE_LEAVES } from '../domain/terms.ts';

/** What an audit reads from a policy bundle (a compact JWS, EdDSA); the rest of it is for stations. */
export interface AuditPolicy {
  /** SHA-256 of the JWS, hex: what the entry `bundle-accepted` names. */
  readonly digest: string;
  readonly version: number;
  readonly mandatoryLeaves: readonly GateLeafName[];
  readonly batteryFloorPercent: number;
  /** Those that sign now and those that once did. */
  readonly serverKeys: readonly KeyObject[];
  /** vkey of the witness. */
  readonly witness: string;
  /** Those by which the witness signed before, and until when (Unix milliseconds). */
  readonly formerWitnesses: readonly { readonly vkey: string; readonly untilMs: number }[];
  /** Ledger keys that the server has revoked: entries from `afterSize` on are suspect. `time`: Unix seconds. */
  readonly revokedKeys: readonly { readonly origin: string; readonly vkey: string; readonly afterSize: number; readonly time: number }[];
}

/** Reads a policy bundle signed by one of `trusted`, or by one of the keys it brings itself where none are given. */
export function readPolicy(jws: string, trusted?: readonly KeyObject[]): AuditPolicy | undefined {
  const [header = '', payload = '', signature = '', ...rest] = jws.split('.');
  const [headerBytes, payloadBytes, signatureBytes] = [header, payload, signature].map(decodeBase64url);
  if (rest.length > 0 || !headerBytes || !payloadBytes || !signatureBytes) return undefined;
  const head = parsed(headerBytes);
  const claims = parsed(payloadBytes);
  if (head?.['alg'] !== 'EdDSA' || head['typ'] !== 'dockward-bundle+jwt' || claims === undefined) return undefined;
  const keys = record(claims['keys']);
  const rules = record(claims['rules']);
  const serverKeys = keys && [...list(keys['server']), ...list(keys['formerServer'])].flatMap((jwk) => publicKey(record(jwk)?.['x']) ?? []);
  const version = claims['version'];
  if (!serverKeys || !rules || typeof keys['witness'] !== 'string' || typeof version !== 'number') return undefined;
  const signed = Buffer.from(`${header}.${payload}`);
  if (!(trusted ?? serverKeys).some((key) => verify(null, signed, key, signatureBytes))) return undefined;
  return {
    digest: hash('sha256', jws, 'hex'),
    version,
    mandatoryLeaves: GATE_LEAVES.filter((leaf) => list(rules['mandatoryLeaves']).includes(leaf)),
    batteryFloorPercent: Number(rules['batteryFloorPercent'] ?? 0),
    serverKeys,
    witness: keys['witness'],
    formerWitnesses: list(keys['formerWitnesses']).flatMap((item) => {
      const { vkey, untilMs } = record(item) ?? {};
      return typeof vkey === 'string' && typeof untilMs === 'number' ? [{ vkey, untilMs }] : [];
    }),
    revokedKeys: list(claims['revokedKeys']).flatMap((item) => {
      const { origin, vkey, afterSize, time } = record(item) ?? {};
      return typeof origin === 'string' && typeof vkey === 'string' && typeof afterSize === 'number' && typeof time === 'number' ? [{ origin, vkey, afterSize, time }] : [];
    }),
  };
}

function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return text !== '' && bytes.toString('base64url') === text ? bytes : undefined;
}

function parsed(bytes: Buffer): { readonly [key: string]: unknown } | undefined {
  try {
    return record(JSON.parse(bytes.toString()) as unknown);
  } catch {
    return undefined;
  }
}

function publicKey(x: unknown): KeyObject | undefined {
  try {
    return typeof x === 'string' ? createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } }) : undefined;
  } catch {
    return undefined;
  }
}

const record = (value: unknown): { readonly [key: string]: unknown } | undefined => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as { readonly [key: string]: unknown }) : undefined);
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);
