import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, webcrypto, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import 'reflect-metadata';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { enrolResponse, tenantSecrets, type EnrolResponse, type TenantSecrets } from '../contract/station-http.ts';
import { ok, refused, type Result } from '../domain/result.ts';
import { EPOCH_CAUSES, type EpochCause } from '../domain/terms.ts';
import { readIfThere, writeDurably } from './sealed-file.ts';
import { trust, trustOfEnrolment, type Trust } from './trust.ts';
import { createUsableSecrets, openSecrets } from './tenant-secrets.ts';

const jwk = z.record(z.string(), z.unknown());
const stored = z.strictObject({
  seal: z.literal('development: this file is protected by its file mode only'),
  ledgerKey: jwk,
  /** Made to take the place of `ledgerKey`. Whether it has, the ledger says. */
  nextLedgerKey: jwk.optional(),
  tlsKey: jwk,
  encryptionKey: jwk,
  enrolment: enrolResponse.optional(),
  certificatePem: z.string().optional(),
  /** Absent until a policy bundle said otherwise than the enrolment. */
  trust: trust.optional(),
  secrets: tenantSecrets.optional(),
  /** Those before, until a bundle that was made with the newest is in use. */
  secretsBefore: tenantSecrets.optional(),
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
  /** The same object until they change. `version`: of the newest that are kept; those before may still be among them. */
  readonly secrets: TenantSecrets;
}

export interface Identity {
  readonly keys: StationKeys;
  enrolled(): Enrolled | undefined;
  /** For programs past enrolment; throws before it. */
  enrolledOrThrow(): Enrolled;
  /** Ed25519 private key of the current epoch's ledger. */
  ledgerKey(): KeyObject;
  /** The key that was made to take its place, if there is one: until the ledger says which of the two signs, both are needed. */
  nextLedgerKey(): KeyObject | undefined;
  /** Makes the next ledger key, or gives the one that was made before; kept durably before it returns. */
  prepareLedgerKey(): Promise<KeyObject>;
  /** The ledger is signed by the next key now: the old private key is dropped. */
  adoptLedgerKey(): Promise<void>;
  /** base64 of the raw public key of `ledgerKey`. */
  ledgerPublicKey(): string;
  epoch(): Epoch;
  /** A new life of the ledger, with a new key; kept durably before it returns. */
  beginEpoch(cause?: EpochCause): Promise<void>;
  /** The server knows the epoch now, under the number that it allocated. */
  keepEpochRegistered(number?: number): Promise<void>;
  /** Opens the secrets and keeps everything durably before it returns. */
  keepEnrolment(response: EnrolResponse): Promise<void>;
  keepCertificate(certificatePem: string): Promise<void>;
  /** For programs past enrolment; throws before it. */
  trust(): Trust;
  keepTrust(next: Trust): Promise<void>;
  /** Opens newer secrets (JWE) and keeps them durably before it returns, and those before beside them. */
  keepSecrets(jwe: string): Promise<Result<void, string>>;
  /** Drops what the newest secrets no longer have. */
  dropSecretsBefore(): Promise<void>;
}

/** Reads the station's identity from `folder`, making keys where there are none yet. Throws where the file is damaged: keys are never replaced silently. */
export async function openIdentity(folder: string): Promise<Identity> {
  const path = join(folder, 'identity.json');
  const text = await readIfThere(path);
  let now: Stored = text === undefined ? newKeys() : stored.parse(JSON.parse(text));
  let last: Promise<void> = Promise.resolve();
  /** One change after the other, each on top of what the one before has kept: certificates and keys change at the same time. */
  const change = (work: (before: Stored) => Stored): Promise<void> => {
    const kept = last.then(async () => {
      const next = work(now);
      if (next === now && text !== undefined) return;
      await writeDurably(path, JSON.stringify(next, null, 2));
      now = next;
    });
    last = kept.catch(() => undefined);
    return kept;
  };
  if (text === undefined) await change((fresh) => fresh);
  const usable = createUsableSecrets();
  const ledgerKey = (): KeyObject => privateKeyOf(now.ledgerKey);
  const nextLedgerKey = (): KeyObject | undefined => now.nextLedgerKey && privateKeyOf(now.nextLedgerKey);
  const enrolled = (): Enrolled | undefined => {
    const { enrolment, certificatePem, secrets, secretsBefore } = now;
    return enrolment && certificatePem !== undefined && secrets ? { enrolment, certificatePem, secrets: usable(secrets, secretsBefore) } : undefined;
  };
  const enrolledOrThrow = (): Enrolled => {
    const found = enrolled();
    if (!found) throw new Error('this station is not enrolled');
    return found;
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
    enrolledOrThrow,
    ledgerKey,
    nextLedgerKey,
    prepareLedgerKey: async () => {
      await change((before) => (before.nextLedgerKey ? before : { ...before, nextLedgerKey: newLedgerKey() }));
      const next = nextLedgerKey();
      if (!next) throw new Error('the next ledger key was dropped while it was made');
      return next;
    },
    adoptLedgerKey: () => change(({ nextLedgerKey: next, ...before }) => (next ? { ...before, ledgerKey: next } : before)),
    ledgerPublicKey: () => Buffer.from(String(createPublicKey(ledgerKey()).export({ format: 'jwk' }).x), 'base64url').toString('base64'),
    epoch: () => now.epoch,
    beginEpoch: (cause = 'unreadable') =>
      change(({ nextLedgerKey: _ofTheOldLedger, ...before }) => ({ ...before, ledgerKey: newLedgerKey(), epoch: { number: before.epoch.number + 1, registered: false, cause } })),
    keepEpochRegistered: (number) => change((before) => ({ ...before, epoch: { ...before.epoch, number: number ?? before.epoch.number, registered: true } })),
    keepEnrolment: async (response) => {
      const secrets = await openSecrets(response.secrets, now.encryptionKey);
      if (!secrets.ok) throw new Error(secrets.reason);
      await change(({ secretsBefore: _ofAnotherLife, trust: _ofAnotherServer, ...before }) => ({ ...before, enrolment: response, certificatePem: response.certificatePem, secrets: secrets.value }));
    },
    keepCertificate: (certificatePem) => change((before) => ({ ...before, certificatePem })),
    trust: () => now.trust ?? trustOfEnrolment(enrolledOrThrow().enrolment),
    keepTrust: (next) => change((before) => (isDeepStrictEqual(before.trust, next) ? before : { ...before, trust: next })),
    keepSecrets: async (jwe) => {
      const secrets = await openSecrets(jwe, now.encryptionKey);
      if (!secrets.ok) return secrets;
      const held = now.secrets?.version ?? 0;
      if (secrets.value.version <= held) return refused(`the secrets that the server sent are of version ${secrets.value.version}, and version ${held} is held`);
      await change((before) => ({ ...before, secrets: secrets.value, ...(before.secrets ? { secretsBefore: usable(before.secrets, before.secretsBefore) } : {}) }));
      return ok(undefined);
    },
    dropSecretsBefore: async () => {
      if (now.secretsBefore) await change(({ secretsBefore: _dropped, ...before }) => before);
    },
  };
}

const p256 = z.object({ kty: z.literal('EC'), crv: z.literal('P-256'), x: z.string(), y: z.string() });

const fresh = (key: KeyObject): Record<string, unknown> => ({ ...key.export({ format: 'jwk' }) });
const newLedgerKey = (): Record<string, unknown> => fresh(generateKeyPairSync('ed25519').privateKey);

function newKeys(): Stored {
  return {
    seal: 'development: this file is protected by its file mode only',
    ledgerKey: newLedgerKey(),
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
