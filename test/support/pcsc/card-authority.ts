import 'reflect-metadata';
import { createHash, createPrivateKey, webcrypto, type KeyObject } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { BadgeTrust } from '../../../app/contract/device-host.ts';

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const P384 = { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' } as const;
const RSA_2048 = { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' } as const;
const KINDS = { 'P-256': P256, 'P-384': P384, 'RSA-2048': RSA_2048 } as const;
export type KeyKind = keyof typeof KINDS;

export const CARD_PURPOSE = '2.16.840.1.101.3.6.8';
export const SIGN_IN_PURPOSE = '1.3.6.1.5.5.7.3.2';
/** The time at which the certificates below are in the middle of their lives, Unix milliseconds. */
export const NOON = Date.UTC(2030, 5, 15, 12);
const YEAR_MS = 365 * 86_400_000;

x509.cryptoProvider.set(webcrypto);

export interface Life {
  readonly fromMs?: number;
  readonly untilMs?: number;
}
export interface AuthorityOptions extends Life {
  readonly issuer?: CardAuthority;
  /** How many authorities may stand below. */
  readonly pathLength?: number;
  /** No CA at all, though it signs like one. */
  readonly noAuthority?: boolean;
  readonly extensions?: readonly x509.Extension[];
  /** For another certificate of the same key. */
  readonly keys?: webcrypto.CryptoKeyPair;
}
export interface CardCertificateOptions extends Life {
  readonly kind?: KeyKind;
  /** 8-4-4-4-12; null for a certificate without a card's name. */
  readonly uuid?: string | null;
  readonly purposes?: readonly string[];
  readonly serial?: string;
  readonly extensions?: readonly x509.Extension[];
}
export interface CardKey {
  readonly key: KeyObject;
  /** DER. */
  readonly certificate: Buffer;
}
export interface CardAuthority {
  readonly certificate: Buffer;
  /** As the revocation lists name it. */
  readonly fingerprint: string;
  readonly name: string;
  readonly keys: webcrypto.CryptoKeyPair;
  issue(options?: CardCertificateOptions): Promise<CardKey>;
}

let serials = 0x1000;
const nextSerial = (): string => (serials += 1).toString(16).toUpperCase();

/** A certificate authority for test cards: a root, or below `issuer`. */
export async function cardAuthority(name: string, options: AuthorityOptions = {}): Promise<CardAuthority> {
  const { issuer, pathLength, noAuthority = false, extensions = [] } = options;
  const keys = options.keys ?? (await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']));
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: nextSerial(),
    subject: `CN=${name}`,
    issuer: `CN=${issuer?.name ?? name}`,
    ...lifeOf(options),
    publicKey: keys.publicKey,
    signingKey: (issuer ?? { keys }).keys.privateKey,
    signingAlgorithm: P256,
    extensions: [new x509.BasicConstraintsExtension(!noAuthority, noAuthority ? undefined : pathLength, true), new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true), ...extensions],
  });
  const der = Buffer.from(certificate.rawData);
  return { certificate: der, fingerprint: createHash('sha256').update(der).digest('hex'), name, keys, issue: (asked = {}) => issueCard(name, keys, asked) };
}

function lifeOf({ fromMs = NOON - YEAR_MS, untilMs = NOON + YEAR_MS }: Life): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(fromMs), notAfter: new Date(untilMs) };
}

async function issueCard(issuer: string, { privateKey }: webcrypto.CryptoKeyPair, options: CardCertificateOptions): Promise<CardKey> {
  const { kind = 'P-256', uuid = '0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0', purposes = [CARD_PURPOSE], serial = nextSerial(), extensions = [] } = options;
  const keys = await webcrypto.subtle.generateKey(KINDS[kind], true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial,
    subject: 'CN=Ward Card',
    issuer: `CN=${issuer}`,
    ...lifeOf(options),
    publicKey: keys.publicKey,
    signingKey: privateKey,
    signingAlgorithm: P256,
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      ...(purposes.length === 0 ? [] : [new x509.ExtendedKeyUsageExtension([...purposes], true)]),
      ...(uuid === null ? [] : [new x509.SubjectAlternativeNameExtension([{ type: 'url', value: `urn:uuid:${uuid}` }])]),
      ...extensions,
    ],
  });
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { key: createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' }), certificate: Buffer.from(certificate.rawData) };
}

/** What a station would send its device host. */
export function trustIn(authorities: readonly CardAuthority[], revoked: BadgeTrust['revoked'] = []): BadgeTrust {
  return { authorities: authorities.map(({ certificate }) => certificate.toString('base64')), revoked, nowMs: NOON };
}
