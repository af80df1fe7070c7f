import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { answerTo, authenticate, plist, tokenUpdate } from '../../../app/simulator/mdm/nanomdm-shapes.ts';
import type { Tablet } from '../../../app/simulator/world/tablet.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
x509.cryptoProvider.set(webcrypto);

/** Issues the identity certificates that iPads enrol with, as a SCEP or ACME authority would. */
export interface IdentityAuthority {
  readonly pem: string;
  /** DER. */
  issue(): Promise<Buffer>;
}

export async function identityAuthority(): Promise<IdentityAuthority> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, false, ['sign', 'verify']);
  const notBefore = new Date(Date.now() - DAY_MS);
  const notAfter = new Date(Date.now() + DAY_MS);
  const name = 'CN=Ward identities';
  const root = await x509.X509CertificateGenerator.createSelfSigned({ serialNumber: '01', name, notBefore, notAfter, keys, signingAlgorithm: ALGORITHM, extensions: [new x509.BasicConstraintsExtension(true, undefined, true)] });
  let serial = 1;
  return {
    pem: root.toString('pem'),
    async issue() {
      const own = await webcrypto.subtle.generateKey(ALGORITHM, false, ['sign', 'verify']);
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: `0${(serial += 1)}`,
        issuer: name,
        subject: 'CN=iPad',
        notBefore,
        notAfter,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: ALGORITHM,
        extensions: [new x509.ExtendedKeyUsageExtension([CLIENT_AUTH])],
      });
      return Buffer.from(certificate.rawData);
    },
  };
}

/** The MDM client of one iPad, over HTTP, behind a proxy that passes its certificate on (RFC 9440). */
export interface Ipad {
  /** Authenticate and TokenUpdate; the HTTP status of the last. */
  enrol(certificate: Buffer): Promise<number>;
  /** Fetches and answers commands until there are none; true if one of them erased it. */
  connect(): Promise<boolean>;
  /** A TokenUpdate with a certificate of its past; the HTTP status. */
  comeBackAs(certificate: Buffer): Promise<number>;
}

export function ipad(server: { readonly url: string; readonly certificateHeader: string }, udid: string, tablet: Tablet): Ipad {
  let identity: Buffer = Buffer.alloc(0);

  async function say(body: string, kind: 'checkin' | 'report', certificate: Buffer): Promise<{ status: number; text: string }> {
    const type = kind === 'checkin' ? 'application/x-apple-aspen-mdm-checkin' : 'application/x-apple-aspen-mdm';
    const response = await fetch(`${server.url}/mdm`, { method: 'PUT', body, headers: { 'content-type': type, [server.certificateHeader]: `:${certificate.toString('base64')}:` } });
    return { status: response.status, text: await response.text() };
  }

  return {
    async enrol(certificate) {
      identity = certificate;
      await say(authenticate(udid, tablet.serial), 'checkin', identity);
      return (await say(tokenUpdate(udid, undefined), 'checkin', identity)).status;
    },

    async connect() {
      let given = await say(plist({ Status: 'Idle', UDID: udid }), 'report', identity);
      while (given.text.includes('<key>CommandUUID</key>')) {
        const uuid = /<key>CommandUUID<\/key>\s*<string>([^<]+)/.exec(given.text)?.[1] ?? '';
        const requestType = /<key>RequestType<\/key>\s*<string>([^<]+)/.exec(given.text)?.[1] ?? '';
        given = await say(plist({ ...answerTo(requestType, tablet, identity), CommandUUID: uuid, Status: 'Acknowledged', UDID: udid }), 'report', identity);
        if (requestType === 'EraseDevice') return true;
      }
      return false;
    },

    async comeBackAs(certificate) {
      return (await say(tokenUpdate(udid, undefined), 'checkin', certificate)).status;
    },
  };
}
