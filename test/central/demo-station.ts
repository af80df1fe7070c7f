import 'reflect-metadata';
import { generateKeyPairSync, sign, webcrypto, type KeyObject } from 'node:crypto';
import { Agent, request as httpsRequest } from 'node:https';
import * as x509 from '@peculiar/x509';
import { compactDecrypt, compactVerify, exportJWK, generateKeyPair, importJWK } from 'jose';
import type { z } from 'zod';
import { tenantSecrets, type enrolRequest, type EnrolResponse, type TenantSecrets } from '../../app/contract/station-http.ts';
import { statementClaims, type StatementClaims } from '../../app/contract/statement.ts';
import type { EntryDraft } from '../../app/domain/entries.ts';
import { signCheckpoint } from '../../app/ledger/checkpoint.ts';
import { buildEntry, NO_PREVIOUS } from '../../app/ledger/entry.ts';
import { rotationText, signRotation } from '../../app/ledger/key-rotation.ts';
import { append, EMPTY_FRONTIER, rootOf, type Frontier } from '../../app/ledger/merkle.ts';
import { rawPublicKey, verifierKey } from '../../app/ledger/note.ts';
import type { TestCentral } from './demo-central.ts';

export interface Answer {
  readonly status: number;
  readonly text: string;
  // Whatever JSON came back; each test says what it expects of it.
  readonly body: Record<string, unknown>;
}

export interface ClientIdentity {
  readonly keyPem: string;
  readonly certificatePem: string;
}

/** One HTTPS request to the stations' listener, on a connection of its own. */
export function stationRequest(central: Pick<TestCentral, 'stationUrl' | 'keys'>, identity: ClientIdentity | undefined, method: string, path: string, body?: unknown): Promise<Answer> {
  const raw = typeof body === 'string' ? body : body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const agent = new Agent({ ca: central.keys.authority.certificatePem, ...(identity ? { key: identity.keyPem, cert: identity.certificatePem } : {}) });
    const sent = httpsRequest(`${central.stationUrl}${path}`, { method, agent, headers: raw === undefined ? {} : { 'content-type': 'application/json' } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        agent.destroy();
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status: response.statusCode ?? 0, text, body: JSON.parse(text) as Record<string, unknown> });
      });
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(raw);
  });
}

export async function certificateRequest(): Promise<{ keyPem: string; csrPem: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ name: 'CN=whatever-the-station-says', keys, signingAlgorithm: algorithm });
  return { keyPem: x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY'), csrPem: request.toString('pem') };
}

/** A client certificate in the authority's name for this station, signed by a key of the forger's. */
export async function forgedCertificate(authorityPem: string, tenant: string, station: string): Promise<ClientIdentity> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [{ O: [tenant] }, { CN: [station] }],
    issuer: new x509.X509Certificate(authorityPem).subjectName,
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
    publicKey: keys.publicKey,
    signingKey: keys.privateKey,
    signingAlgorithm: algorithm,
    extensions: [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])],
  });
  return { keyPem: x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY'), certificatePem: certificate.toString('pem') };
}

export interface EnrolmentParts {
  readonly request: Omit<z.infer<typeof enrolRequest>, 'code'>;
  readonly keyPem: string;
  readonly ledgerKey: KeyObject;
  readonly decryptionKey: webcrypto.CryptoKey;
}

export async function enrolmentParts(): Promise<EnrolmentParts> {
  const { keyPem, csrPem } = await certificateRequest();
  const ledger = generateKeyPairSync('ed25519');
  const encryption = await generateKeyPair('ECDH-ES+A256KW', { extractable: true });
  const { x = '', y = '' } = await exportJWK(encryption.publicKey);
  return {
    request: { csrPem, encryptionKey: { kty: 'EC', crv: 'P-256', x, y }, ledgerKey: rawPublicKey(ledger.publicKey).toString('base64'), shelves: [[1, 2, 3, 4]] },
    keyPem,
    ledgerKey: ledger.privateKey,
    decryptionKey: encryption.privateKey as webcrypto.CryptoKey,
  };
}

export interface TestStation {
  readonly id: string;
  readonly origin: string;
  readonly enrolled: EnrolResponse;
  readonly identity: ClientIdentity;
  readonly secrets: TenantSecrets;
  readonly ledgerKey: KeyObject;
  request(method: string, path: string, body?: unknown): Promise<Answer>;
  /** Statements with a cursor above `after`, verified with the server's key. */
  statements(after?: number): Promise<{ cursor: number; claims: StatementClaims }[]>;
}

export async function enrolStation(central: TestCentral, cart = 'Cart A'): Promise<TestStation> {
  const code = await central.makeCode({ ward: '7e', cart });
  if (!code.ok) throw new Error(code.reason.message);
  const parts = await enrolmentParts();
  const answer = await stationRequest(central, undefined, 'POST', '/v1/enrol', { code: code.value.code, ...parts.request });
  if (answer.status !== 200) throw new Error(answer.text);
  const enrolled = answer.body as unknown as EnrolResponse;
  const identity = { keyPem: parts.keyPem, certificatePem: enrolled.certificatePem };
  const opened = await compactDecrypt(enrolled.secrets, parts.decryptionKey);
  const request: TestStation['request'] = (method, path, body) => stationRequest(central, identity, method, path, body);
  return {
    id: enrolled.station,
    origin: enrolled.origin,
    enrolled,
    identity,
    ledgerKey: parts.ledgerKey,
    secrets: tenantSecrets.parse(JSON.parse(Buffer.from(opened.plaintext).toString('utf8'))),
    request,
    async statements(after = 0) {
      const downlink = await request('GET', `/v1/downlink?bundle=999999&after=${after}&waitMs=0`);
      const found = downlink.body['statements'] as { cursor: number; jws: string }[];
      return Promise.all(found.map(async ({ cursor, jws }) => ({ cursor, claims: statementClaims.parse(await payloadOf(enrolled, jws, 'dockward-statement+jwt')) })));
    },
  };
}

/** The payload of a JWS that the server's published key verifies and that is of this type. */
export async function payloadOf(enrolled: EnrolResponse, jws: string, typ: string): Promise<unknown> {
  const [jwk] = enrolled.serverKeys;
  if (!jwk) throw new Error('the server told no key');
  const { payload, protectedHeader } = await compactVerify(jws, await importJWK(jwk, 'EdDSA'), { algorithms: ['EdDSA'] });
  if (protectedHeader['typ'] !== typ) throw new Error(`typ is ${String(protectedHeader['typ'])}`);
  return JSON.parse(Buffer.from(payload).toString('utf8'));
}

/** A station's ledger in memory, good enough to upload. */
export interface TestLedger {
  readonly entries: Buffer[];
  readonly leaves: string[];
  add(...drafts: EntryDraft[]): void;
  /** The entry by which `next` signs from here on; `by`: who pretends to be the old key. */
  rotate(next: KeyObject, by?: KeyObject): void;
  /** An upload of the entries from `from` to `to` (all by default) with a checkpoint of size `to`. */
  upload(from?: number, to?: number): { origin: string; from: number; entries: string[]; checkpoint: string };
  /** Signed by the key of that size, or by the one given. */
  note(size: number, by?: KeyObject): string;
}

export function testLedger(station: Pick<TestStation, 'id' | 'origin' | 'ledgerKey'>, atMs = 1_790_000_000_000): TestLedger {
  const entries: Buffer[] = [];
  const leaves: string[] = [];
  const frontiers: Frontier[] = [EMPTY_FRONTIER];
  const signers: { readonly from: number; readonly key: KeyObject }[] = [{ from: 0, key: station.ledgerKey }];
  const signerOf = (size: number): KeyObject => signers.findLast(({ from }) => from < size)?.key ?? station.ledgerKey;
  const note = (size: number, by = signerOf(size)): string => signCheckpoint(station.origin, size, rootOf(frontiers[size] ?? EMPTY_FRONTIER), verifierKey(station.origin, by), by);
  return {
    entries,
    leaves,
    note,
    rotate(next, by) {
      const place = { origin: station.origin, seq: entries.length, prev: leaves.at(-1) ?? NO_PREVIOUS };
      const old = signerOf(entries.length + 1);
      const body = signRotation(place, old, next);
      const oldSignature = by ? sign(null, Buffer.from(rotationText(place, body.from, body.to)), by).toString('base64') : body.oldSignature;
      this.add({ type: 'ledger-key-rotated', body: { ...body, oldSignature } });
      signers.push({ from: place.seq, key: next });
    },
    add(...drafts) {
      for (const draft of drafts) {
        const seq = entries.length;
        const { bytes, leaf } = buildEntry(draft, { station: station.id, epoch: 1, seq, prev: leaves.at(-1) ?? NO_PREVIOUS, hlc: { ms: atMs + seq, n: 0 }, boot: 'boot-1', mono: 1_000 + seq });
        entries.push(bytes);
        leaves.push(leaf.toString('hex'));
        frontiers.push(append(frontiers.at(-1) ?? EMPTY_FRONTIER, leaf));
      }
    },
    upload(from = 0, to = entries.length) {
      return { origin: station.origin, from, entries: entries.slice(from, to).map((bytes) => bytes.toString('base64')), checkpoint: note(to) };
    },
  };
}

/** The entries of a tablet that is admitted, put into a slot and needs a wipe. */
export function admissionOf(serial: string, slot: number): EntryDraft[] {
  return [
    { type: 'device-admitted', device: serial, body: { asset: 'T-101', ward: '7e', model: 'Samsung SM-X306B', profile: 'ward-7-east', bundleVersion: 1 } },
    { type: 'returned', device: serial, slot, body: { how: 'found' } },
  ];
}
