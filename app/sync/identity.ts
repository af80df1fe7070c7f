import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, webcrypto, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import 'reflect-metadata';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { compactDecrypt, importJWK, type JWK } from 'jose';
import { z } from 'zod';
import { enrolResponse, tenantSecrets, type EnrolResponse, type TenantSecrets } from '../contract/station-http.ts';
import { EPOCH_CAUSES, type EpochCause } from '../domain/terms.ts';
import { readIfThere, writeDurably } from './sealed-file.ts';

const jwk = z.record(z.string(), z.unknown());
const stored = z.strictObject({
  seal: z.literal('development: this file is protected by its file mode only'),
  ledgerKey: jwk,
  tlsKey: jwk,
  encryptionKey: jwk,
  enrolment: enrolResponse.optional(),
  certificatePem: z.string().optional(),
  secrets: tenantSecrets.optional(),
  /** The ledger's life that is being written; the server registers each with its key. */
  epoch: z.strictObject({ number: z.int().min(1), registered: z.boolean(), cause: z.enum(EPOCH_CAUSES).optional() }),
});
type Stored = z.infer<typeof stored>;

/** The station's keys. Each has one use: the ledger's signature, the TLS client, opening what the server encrypts to it. */
export interface StationKeys {
  readonly tlsKeyPem: string;
  readonly encryptionPublicJwk: { readonly kty: 'EC'; readonly crv: 'P-256'; readonly x: string; readonly y: string };
  /** A PKCS#10 request for the TLS key. */
  certificateRequest(): Promise<string>;
  /** Signature of the TLS key over a text: ECDSA P-256, SHA-256, DER, base64. */
  sign(text: string): string;
}

/** The ledger's life that is being written. `registered`: the server knows it. `cause`: why it took the place of another. */
export interface Epoch {
  readonly number: number;
  readonly registered: boolean;
  readonly cause?: EpochCause | undefined;
}

export interface Enrolled {
  readonly enrolment: EnrolResponse;
  readonly certificatePem: string;
  readonly secrets: TenantSecrets;
}

export interface Identity {
  readonly keys: StationKeys;
  enrolled(): Enrolled | undefined;
  /** For programs past enrolment; throws before it. */
  enrolledOrThrow(): Enrolled;
  /** Ed25519 private key of the current epoch's ledger. */
  ledgerKey(): KeyObject;
  /** base64 of its raw public key. */
  ledgerPublicKey(): string;
  epoch(): Epoch;
  /** A new life of the ledger, with a new key; kept durably before it returns. */
  beginEpoch(cause?: EpochCause): Promise<void>;
  /** The server knows the epoch now, under the number that it allocated. */
  keepEpochRegistered(number?: number): Promise<void>;
  /** Opens the secrets and keeps everything durably before it returns. */
  keepEnrolment(response: EnrolResponse): Promise<void>;
  keepCertificate(certificatePem: string): Promise<void>;
}

/** Reads the station's identity from `folder`, making keys where there are none yet. Throws where the file is damaged: keys are never replaced silently. */
export async function openIdentity(folder: string): Promise<Identity> {
  const path = join(folder, 'identity.json');
  const text = await readIfThere(path);
  let now: Stored = text === undefined ? newKeys() : stored.parse(JSON.parse(text));
  const keep = async (next: Stored): Promise<void> => {
    await writeDurably(path, JSON.stringify(next, null, 2));
    now = next;
  };
  if (text === undefined) await keep(now);
  const ledgerKey = (): KeyObject => privateKeyOf(now.ledgerKey);
  const enrolled = (): Enrolled | undefined => {
    const { enrolment, certificatePem, secrets } = now;
    return enrolment && certificatePem !== undefined && secrets ? { enrolment, certificatePem, secrets } : undefined;
  };
  const tlsKey = privateKeyOf(now.tlsKey);
  return {
    keys: {
      tlsKeyPem: tlsKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      encryptionPublicJwk: p256.parse(createPublicKey(privateKeyOf(now.encryptionKey)).export({ format: 'jwk' })),
      certificateRequest: () => certificateRequest(tlsKey),
      sign: (text) => sign('sha256', Buffer.from(text), tlsKey).toString('base64'),
    },
    enrolled,
    enrolledOrThrow: () => {
      const found = enrolled();
      if (!found) throw new Error('this station is not enrolled');
      return found;
    },
    ledgerKey,
    ledgerPublicKey: () => Buffer.from(String(createPublicKey(ledgerKey()).export({ format: 'jwk' }).x), 'base64url').toString('base64'),
    epoch: () => now.epoch,
    beginEpoch: (cause = 'unreadable') =>
      keep({ ...now, ledgerKey: { ...generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }) }, epoch: { number: now.epoch.number + 1, registered: false, cause } }),
    keepEpochRegistered: (number = now.epoch.number) => keep({ ...now, epoch: { ...now.epoch, number, registered: true } }),
    keepEnrolment: async (response) => {
      const key = await importJWK(now.encryptionKey as JWK, 'ECDH-ES+A256KW');
      const { plaintext } = await compactDecrypt(response.secrets, key);
      await keep({ ...now, enrolment: response, certificatePem: response.certificatePem, secrets: tenantSecrets.parse(JSON.parse(Buffer.from(plaintext).toString())) });
    },
    keepCertificate: (certificatePem) => keep({ ...now, certificatePem }),
  };
}

const p256 = z.object({ kty: z.literal('EC'), crv: z.literal('P-256'), x: z.string(), y: z.string() });

function newKeys(): Stored {
  const fresh = (key: KeyObject): Record<string, unknown> => ({ ...key.export({ format: 'jwk' }) });
  return {
    seal: 'development: this file is protected by its file mode only',
    ledgerKey: fresh(generateKeyPairSync('ed25519').privateKey),
    tlsKey: fresh(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
    encryptionKey: fresh(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
    epoch: { number: 1, registered: true },
  };
}

const privateKeyOf = (key: Record<string, unknown>): KeyObject => createPrivateKey({ format: 'jwk', key: key as never });

async function certificateRequest(tlsKey: KeyObject): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const { subtle } = webcrypto;
  const privateKey = await subtle.importKey('pkcs8', tlsKey.export({ type: 'pkcs8', format: 'der' }), algorithm, true, ['sign']);
  const publicKey = await subtle.importKey('spki', createPublicKey(tlsKey).export({ type: 'spki', format: 'der' }), algorithm, true, ['verify']);
  const request = await Pkcs10CertificateRequestGenerator.create({ name: 'CN=dockward station', keys: { privateKey, publicKey }, signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' } }, webcrypto);
  return request.toString('pem');
}
