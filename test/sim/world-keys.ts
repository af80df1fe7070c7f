import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { TenantKeys } from '../../app/central/keys.ts';
import { encodeVkey, rawPublicKey, verifierKey, type VerifierKey } from '../../app/ledger/note.ts';

/** Keys that are the same in every world and on every machine, since signatures are part of the trace. */
const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

const made = new Map<number, KeyObject>();

/** The n-th key of the world. */
export function privateKey(n: number): KeyObject {
  const seed = Buffer.alloc(32, 7);
  seed.writeUInt32BE(n);
  const key = made.get(n) ?? createPrivateKey({ key: Buffer.concat([ED25519_PKCS8, seed]), format: 'der', type: 'pkcs8' });
  made.set(n, key);
  return key;
}

export const publicKeyText = (n: number): string => rawPublicKey(createPublicKey(privateKey(n))).toString('base64');

const [STATEMENT, WITNESS] = [1_000_001, 1_000_002];

export const SERVER_KEYS: Pick<TenantKeys, 'statement' | 'witness'> = {
  statement: { key: privateKey(STATEMENT), jwk: { kid: 'k1', x: Buffer.from(publicKeyText(STATEMENT), 'base64').toString('base64url'), kty: 'OKP', crv: 'Ed25519' } },
  witness: { key: privateKey(WITNESS), verifier: verifierKey('sim/witness', privateKey(WITNESS), 'cosignature') },
};
export const WITNESS_VKEY = encodeVkey(SERVER_KEYS.witness.verifier);
export const STATION_KEY: (n: number, origin: string) => VerifierKey = (n, origin) => verifierKey(origin, privateKey(n));
