import { createPrivateKey, createPublicKey, generateKeyPairSync, webcrypto } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import 'reflect-metadata';
import { X509CertificateGenerator } from '@peculiar/x509';
import { CompactEncrypt, importJWK } from 'jose';
import { onTestFinished } from 'vitest';
import type { EnrolResponse } from '../../app/contract/station-http.ts';
import { encodeVkey, verifierKey } from '../../app/ledger/note.ts';
import { openIdentity, type Identity } from '../../app/sync/identity.ts';
import { signer, type Signer } from '../sync/signed-by.ts';
import { HERE, SECRETS } from './ward-policy.ts';

export interface EnrolledFolder {
  readonly data: string;
  readonly config: string;
  readonly server: Signer;
  readonly enrolment: EnrolResponse;
  identity(): Promise<Identity>;
}

/** The folder of a station that a server enrolled some time ago and that is away now; removed with the test. */
export async function enrolledFolder(station: string = HERE.station): Promise<EnrolledFolder> {
  const data = await mkdtemp(join(tmpdir(), 'station-data-'));
  onTestFinished(() => rm(data, { recursive: true }));
  const identity = await openIdentity(data);
  const server = await signer();
  const key = await importJWK(identity.keys.encryptionPublicJwk, 'ECDH-ES+A256KW');
  const secrets = await new CompactEncrypt(Buffer.from(JSON.stringify(SECRETS))).setProtectedHeader({ alg: 'ECDH-ES+A256KW', enc: 'A256GCM' }).encrypt(key);
  const certificatePem = await selfSigned(identity.keys.tlsKeyPem);
  const enrolment: EnrolResponse = {
    tenant: HERE.tenant,
    station,
    epoch: 1,
    origin: `${HERE.tenant}/station/${station}/e1`,
    place: { wardId: '7e', ward: '7 East', cart: 'Cart 7' },
    certificatePem,
    caPem: certificatePem,
    secrets,
    serverKeys: [...server.keys],
    witness: encodeVkey(verifierKey('mercy/witness', generateKeyPairSync('ed25519').privateKey, 'cosignature')),
  };
  await identity.keepEnrolment(enrolment);
  const config = join(data, 'station.json');
  await writeFile(config, JSON.stringify({ readers: 'none', slots: 'none', shelves: [[1, 2, 3, 4]] }));
  return { data, config, server, enrolment, identity: () => openIdentity(data) };
}

async function selfSigned(keyPem: string): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const { subtle } = webcrypto;
  const key = createPrivateKey(keyPem);
  const privateKey = await subtle.importKey('pkcs8', key.export({ type: 'pkcs8', format: 'der' }), algorithm, true, ['sign']);
  const publicKey = await subtle.importKey('spki', createPublicKey(key).export({ type: 'spki', format: 'der' }), algorithm, true, ['verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({ name: 'CN=cart 7', notAfter: new Date('2100-01-01'), keys: { privateKey, publicKey }, signingAlgorithm: algorithm }, webcrypto);
  return certificate.toString('pem');
}
