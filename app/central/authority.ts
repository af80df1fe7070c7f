import 'reflect-metadata';
import { randomBytes, webcrypto, type X509Certificate as NodeCertificate } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';
import { ok, refused, type Result } from '../domain/result.ts';

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
const AUTHORITY_LIFE_MS = 10 * 365 * DAY_MS;
const SERVER_LIFE_MS = 90 * DAY_MS;
/** REQUIREMENTS R9.2. */
export const STATION_LIFE_MS = 7 * DAY_MS;
/** Stations' clocks may be this far behind ours. */
const SKEW_MS = 5 * 60_000;

x509.cryptoProvider.set(webcrypto);

export interface PemPair {
  readonly keyPem: string;
  readonly certificatePem: string;
}

/** A new certificate authority for one tenant's stations. */
export async function createAuthority(tenant: string): Promise<PemPair> {
  const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']);
  // TLS libraries judge this certificate by the machine's own clock, whatever clock the server was given.
  const from = Date.now() - DAY_MS;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: distinguishedName(tenant, 'Dockward stations CA'),
    notBefore: new Date(from),
    notAfter: new Date(from + AUTHORITY_LIFE_MS),
    keys,
    signingAlgorithm: P256,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { keyPem: await privatePem(keys.privateKey), certificatePem: certificate.toString('pem') };
}

/** A certificate for the stations' listener under these names, for localhost and for 127.0.0.1. Dated by the machine's clock, 90 days. */
export async function issueServerCertificate(authority: PemPair, tenant: string, names: readonly string[]): Promise<PemPair> {
  const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']);
  const all = [...new Set(['localhost', '127.0.0.1', ...names])];
  const certificate = await issue(authority, {
    name: distinguishedName(tenant, 'Dockward central'),
    publicKey: keys.publicKey,
    fromMs: Date.now() - DAY_MS,
    untilMs: Date.now() + SERVER_LIFE_MS,
    usage: x509.ExtendedKeyUsage.serverAuth,
    extensions: [new x509.SubjectAlternativeNameExtension(all.map((name) => ({ type: isIP(name) ? 'ip' : 'dns', value: name })))],
  });
  return { keyPem: await privatePem(keys.privateKey), certificatePem: certificate };
}

/** Issues a station's 7-day client certificate for the P-256 key of a PKCS#10 request; names in the request are ignored. `now` in Unix ms. */
export async function issueStationCertificate(authority: PemPair, tenant: string, station: string, csrPem: string, now: number): Promise<Result<{ certificatePem: string; untilMs: number }, string>> {
  const publicKey = await keyOfRequest(csrPem);
  if (!publicKey.ok) return publicKey;
  const untilMs = Math.floor((now + STATION_LIFE_MS) / 1_000) * 1_000;
  const certificatePem = await issue(authority, {
    name: distinguishedName(tenant, station),
    publicKey: publicKey.value,
    fromMs: now - SKEW_MS,
    untilMs,
    usage: x509.ExtendedKeyUsage.clientAuth,
    extensions: [],
  });
  return ok({ certificatePem, untilMs });
}

/** The station that a client certificate names, if our authority issued it for a client and it is valid at `now` (Unix ms). */
export function stationOfCertificate(certificate: NodeCertificate, authority: NodeCertificate, now: number): Result<string, 'foreign' | 'expired'> {
  const clientUse = certificate.keyUsage?.includes('1.3.6.1.5.5.7.3.2') ?? false;
  if (!certificate.checkIssued(authority) || !certificate.verify(authority.publicKey) || !clientUse) return refused('foreign');
  if (now < certificate.validFromDate.getTime() || now > certificate.validToDate.getTime()) return refused('expired');
  const station = /^CN=(.+)$/m.exec(certificate.subject)?.[1];
  return station === undefined ? refused('foreign') : ok(station);
}

async function keyOfRequest(csrPem: string): Promise<Result<webcrypto.CryptoKey, string>> {
  try {
    const request = new x509.Pkcs10CertificateRequest(csrPem);
    const key = await request.publicKey.export(P256, ['verify']);
    if (!(await request.verify())) return refused('The certificate request is not signed by its own key.');
    return ok(key);
  } catch {
    return refused('The certificate request is not a PKCS#10 request (PEM) for a P-256 key.');
  }
}

interface Order {
  readonly name: x509.JsonName;
  readonly publicKey: webcrypto.CryptoKey;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly usage: string;
  readonly extensions: readonly x509.Extension[];
}

async function issue(authority: PemPair, order: Order): Promise<string> {
  const issuer = new x509.X509Certificate(authority.certificatePem);
  const signingKey = await webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(authority.keyPem), P256, false, ['sign']);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: order.name,
    issuer: issuer.subjectName,
    notBefore: new Date(order.fromMs),
    notAfter: new Date(order.untilMs),
    publicKey: order.publicKey,
    signingKey,
    signingAlgorithm: P256,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([order.usage]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      await x509.SubjectKeyIdentifierExtension.create(order.publicKey),
      ...order.extensions,
    ],
  });
  return certificate.toString('pem');
}

const distinguishedName = (tenant: string, commonName: string): x509.JsonName => [{ O: [tenant] }, { CN: [commonName] }];

/** 127 random bits, positive. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

async function privatePem(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}
