import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { connect as connectTls, createSecureContext } from 'node:tls';
import { ok, refused, type Result } from '../../app/domain/result.ts';
import { isBinaryPlist, readBinaryPlist } from './plist-binary.ts';
import { plistStream, type Framing, type StreamEnd } from './plist-stream.ts';
import { readXmlPlist } from './plist-xml.ts';
import { isDict, MalformedPlist, type PlistDict, type PlistValue } from './plist.ts';

/** Where lockdownd listens on every tablet. */
export const LOCKDOWN_PORT = 62_078;

/** What a tablet and this computer have agreed on. Holds the private key: never logged. */
export interface PairRecord {
  readonly hostId: string;
  readonly systemBuid: string;
  readonly hostCertificate: Buffer;
  readonly hostPrivateKey: Buffer;
  readonly deviceCertificate: X509Certificate;
}

/** `not-trusted`: the tablet does not know this computer (any more); `not-lockdown`: what answers is not the tablet of the record. */
export type LockdownRefusal = StreamEnd | 'not-trusted' | 'refused' | 'not-lockdown';

export interface LockdownSession {
  /** `undefined`: the tablet does not have it, or does not tell it. */
  value(key: string, domain?: string): Promise<Result<PlistValue | undefined, StreamEnd>>;
  close(): void;
}

const LENGTH_BYTES = 4;
/** Pair records of older computers are signed with SHA-1. */
const PAIR_RECORD_CIPHERS = 'DEFAULT:@SECLEVEL=0';
const WHO = { Label: 'dockward', ProtocolVersion: '2' };
/** How lockdownd says that the person has to trust this computer, or has to do so again. */
const NOT_TRUSTED = new Set(['InvalidHostID', 'InvalidPairRecord', 'PairingDialogResponsePending', 'UserDeniedPairing', 'NotPaired', 'MissingHostID', 'MissingPairRecord']);

export const lockdownFraming: Framing = {
  headerBytes: LENGTH_BYTES,
  header(bodyBytes) {
    const header = Buffer.alloc(LENGTH_BYTES);
    header.writeUInt32BE(bodyBytes);
    return header;
  },
  bodyBytes: (header) => header.readUInt32BE(0),
};

/** `undefined` where it is no pair record or lacks a part: then only pairing anew helps. */
export function readPairRecord(bytes: Uint8Array): PairRecord | undefined {
  try {
    const record = isBinaryPlist(bytes) ? readBinaryPlist(bytes) : readXmlPlist(bytes);
    if (!isDict(record)) return undefined;
    const { HostID: hostId, SystemBUID: systemBuid, HostCertificate: host, HostPrivateKey: key, DeviceCertificate: device } = record;
    if (typeof hostId !== 'string' || typeof systemBuid !== 'string') return undefined;
    if (!(host instanceof Uint8Array) || !(key instanceof Uint8Array) || !(device instanceof Uint8Array)) return undefined;
    if (!usableKey(host, key)) return undefined;
    return { hostId, systemBuid, hostCertificate: Buffer.from(host), hostPrivateKey: Buffer.from(key), deviceCertificate: new X509Certificate(device) };
  } catch (error) {
    // OpenSSL's words for a certificate that is none carry a code; a mistake of ours would not.
    if (error instanceof MalformedPlist || (error instanceof Error && 'code' in error)) return undefined;
    throw error;
  }
}

/** Throws OpenSSL's error where TLS would. */
function usableKey(certificate: Uint8Array, key: Uint8Array): boolean {
  createSecureContext({ cert: Buffer.from(certificate), key: Buffer.from(key), ciphers: PAIR_RECORD_CIPHERS });
  return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(Buffer.from(key)));
}

/** Starts a session on a connection to lockdownd and goes over to TLS, in which both ends prove that they are those of the record. */
export async function startLockdownSession(socket: Duplex, record: PairRecord): Promise<Result<LockdownSession, LockdownRefusal>> {
  const stream = plistStream(socket, lockdownFraming);
  const ask = async (question: PlistDict) => {
    stream.send({ ...WHO, ...question });
    return stream.next();
  };
  const type = await ask({ Request: 'QueryType' });
  if (!type.ok) return type;
  if (type.value['Type'] !== 'com.apple.mobile.lockdown') return ended('not-lockdown');
  const started = await ask({ Request: 'StartSession', HostID: record.hostId, SystemBUID: record.systemBuid });
  if (!started.ok) return started;
  const error = started.value['Error'];
  if (error !== undefined) return ended(typeof error === 'string' && NOT_TRUSTED.has(error) ? 'not-trusted' : 'refused');
  // Without TLS nothing proves who answers; no system of the last ten years asks for that.
  if (started.value['EnableSessionSSL'] !== true) return ended('not-lockdown');
  const bare = stream.release();
  if (!bare.ok) return bare;
  const secure = await secured(bare.value, record);
  return secure.ok ? ok(sessionOver(secure.value)) : secure;

  function ended(reason: LockdownRefusal): Result<never, LockdownRefusal> {
    stream.close();
    return refused(reason);
  }
}

/** Both certificates are of the computer's own making: trust is in the tablet's key being the one that was paired, not in who signed it. */
function secured(bare: Duplex, record: PairRecord): Promise<Result<Duplex, LockdownRefusal>> {
  const { promise, resolve } = Promise.withResolvers<Result<Duplex, LockdownRefusal>>();
  const options = {
    socket: bare,
    cert: record.hostCertificate,
    key: record.hostPrivateKey,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    ciphers: PAIR_RECORD_CIPHERS,
  } as const;
  const socket = connectTls(options);
  bare.once('close', () => socket.destroy());
  socket.on('error', () => resolve(refused('closed')));
  socket.once('close', () => resolve(refused('closed')));
  socket.once('secureConnect', () => {
    const shown = socket.getPeerX509Certificate();
    if (shown?.publicKey.equals(record.deviceCertificate.publicKey) === true) return resolve(ok(socket));
    socket.destroy();
    resolve(refused('not-lockdown'));
  });
  return promise;
}

function sessionOver(socket: Duplex): LockdownSession {
  const stream = plistStream(socket, lockdownFraming);
  return {
    close: () => stream.close(),
    async value(key, domain) {
      stream.send({ ...WHO, Request: 'GetValue', Key: key, ...(domain === undefined ? {} : { Domain: domain }) });
      const answer = await stream.next();
      if (!answer.ok) return answer;
      const { Request: request, Key: told, Value: value, Error: error } = answer.value;
      // An answer to another question would be a fact under a wrong name.
      if (request !== 'GetValue' || (told !== undefined && told !== key)) {
        stream.close();
        return refused('malformed');
      }
      return ok(error === undefined ? value : undefined);
    },
  };
}
