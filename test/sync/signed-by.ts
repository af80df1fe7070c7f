import { CompactSign, exportJWK, generateKeyPair, type CryptoKey } from 'jose';
import type { ServerKeys } from '../../app/sync/verify-signed.ts';

export interface Signer {
  readonly keys: ServerKeys;
  /** A compact JWS of this payload; the header as the server writes it unless changed. */
  sign(typ: string, payload: unknown, header?: { readonly alg?: string; readonly kid?: string }): Promise<string>;
}

export async function signer(kid = 'k1'): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true });
  const { x = '' } = await exportJWK(publicKey);
  return { keys: [{ kid, x, kty: 'OKP', crv: 'Ed25519' }], sign: (typ, payload, header) => signed(privateKey, typ, payload, { kid, ...header }) };
}

function signed(key: CryptoKey, typ: string, payload: unknown, header: { readonly kid: string; readonly alg?: string }): Promise<string> {
  return new CompactSign(Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload))).setProtectedHeader({ alg: 'EdDSA', typ, ...header }).sign(key);
}
