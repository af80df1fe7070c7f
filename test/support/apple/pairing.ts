import 'reflect-metadata';
import { createPublicKey, generateKeyPairSync, webcrypto, type KeyObject } from 'node:crypto';
import { cryptoProvider, X509CertificateGenerator } from '@peculiar/x509';
import { writeXmlPlist } from '../../../native/tablets/plist-xml.ts';

cryptoProvider.set(webcrypto);

const HASHING = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
const NOT_BEFORE = new Date('2020-01-01T00:00:00Z');
const NOT_AFTER = new Date('2120-01-01T00:00:00Z');

export const SYSTEM_BUID = '30142955-444094379208051516';

/** A tablet's own key, made once for all tablets of a test: making one takes a tenth of a second. */
export interface DeviceKey {
  readonly privatePem: string;
  /** As lockdownd tells it. */
  readonly publicPem: string;
}

export function makeDeviceKey(): DeviceKey {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), publicPem: publicKey.export({ type: 'pkcs1', format: 'pem' }).toString() };
}

/** What a computer and a tablet hold after pairing. */
export interface Pairing {
  readonly hostId: string;
  readonly rootCertificate: string;
  readonly hostCertificate: string;
  readonly deviceCertificate: string;
}

/** Pairs without a computer's help, as `idevicepair pair` would: for tests on machines without it. */
export async function pairWith(device: DeviceKey): Promise<{ readonly pairing: Pairing; readonly record: Buffer }> {
  const [root, host] = [makeDeviceKey(), makeDeviceKey()];
  const [rootCertificate, hostCertificate, deviceCertificate] = await Promise.all([certificate(root, root), certificate(host, root), certificate(device, root)]);
  const pairing = { hostId: '8F7D2B4C-0000-4000-8000-00000000CAFE', rootCertificate, hostCertificate, deviceCertificate };
  const record = writeXmlPlist({
    HostID: pairing.hostId,
    SystemBUID: SYSTEM_BUID,
    RootCertificate: Buffer.from(rootCertificate),
    RootPrivateKey: Buffer.from(root.privatePem),
    HostCertificate: Buffer.from(hostCertificate),
    HostPrivateKey: Buffer.from(host.privatePem),
    DeviceCertificate: Buffer.from(deviceCertificate),
  });
  return { pairing, record };
}

async function certificate(subject: DeviceKey, signer: DeviceKey): Promise<string> {
  const made = await X509CertificateGenerator.create({
    serialNumber: '01',
    subject: '',
    issuer: '',
    notBefore: NOT_BEFORE,
    notAfter: NOT_AFTER,
    signingAlgorithm: HASHING,
    publicKey: await imported(createPublicKey(subject.publicPem), 'spki', 'verify'),
    signingKey: await webcrypto.subtle.importKey('pkcs8', derOf(signer.privatePem), HASHING, true, ['sign']),
  });
  return made.toString('pem');
}

const imported = (key: KeyObject, format: 'spki', use: 'verify') => webcrypto.subtle.importKey(format, key.export({ type: 'spki', format: 'der' }), HASHING, true, [use]);
const derOf = (pem: string): Buffer => Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
