import { createPublicKey, X509Certificate } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { isDict, type PlistDict, type PlistValue } from '../../../native/tablets/plist.ts';
import { lockdownFrame, onLockdownMessages } from './frames.ts';
import { SYSTEM_BUID, type DeviceKey, type Pairing } from './pairing.ts';

/** How a tablet behaves; a test turns it at any time. */
export interface TabletState {
  readonly udid: string;
  readonly key: DeviceKey;
  /** By domain; '' is lockdownd's own. */
  readonly values: Record<string, Record<string, PlistValue>>;
  /** Whom it trusts. */
  pairing: Pairing | undefined;
  /** `silent`: accepts connections and says nothing; `refusing`: lockdownd is not up yet. */
  behaviour: 'answering' | 'silent' | 'refusing';
  /** In place of the honest answer to a request, where it gives one. */
  lie?: ((request: PlistDict) => Buffer | undefined) | undefined;
  /** Everything that was asked, latest last: `GetValue com.apple.mobile.battery BatteryIsCharging`. */
  readonly asked: string[];
}

/** The tablet's end of one connection to port 62078. */
export function serveLockdown(tablet: TabletState, socket: Duplex, isSecure = false): void {
  if (tablet.behaviour === 'silent') return;
  onLockdownMessages(socket, (request) => {
    tablet.asked.push(['Request', 'Domain', 'Key'].map((part) => request[part]).filter((part) => part !== undefined).join(' '));
    const lied = tablet.lie?.(request);
    if (lied !== undefined) {
      socket.write(lied);
      return 'more';
    }
    // It may have been told to fall silent while it was asked.
    if ((tablet.behaviour as string) === 'silent') return 'more';
    const answer = answerTo(tablet, request, isSecure);
    socket.write(lockdownFrame({ Request: request['Request'] ?? '', ...answer }));
    if (answer['EnableSessionSSL'] !== true || tablet.pairing === undefined) return 'more';
    secure(tablet, tablet.pairing, socket);
    return 'enough';
  });
}

function answerTo(tablet: TabletState, request: PlistDict, isSecure: boolean): PlistDict {
  switch (request['Request']) {
    case 'QueryType':
      return { Type: 'com.apple.mobile.lockdown' };
    case 'GetValue':
      return valueOf(tablet, request, isSecure);
    case 'StartSession':
      return tablet.pairing !== undefined && request['HostID'] === tablet.pairing.hostId ? { SessionID: 'A1', EnableSessionSSL: true } : { Error: 'InvalidHostID' };
    case 'StopSession':
      return {};
    case 'Pair':
      return pair(tablet, request['PairRecord']);
    case 'ValidatePair':
      return tablet.pairing === undefined ? { Error: 'InvalidHostID' } : {};
    default:
      return { Error: 'InvalidService' };
  }
}

/** Before a session a real tablet tells what it is, not how it is. */
const TOLD_TO_ANYBODY = new Set(['DeviceClass', 'DeviceName', 'DevicePublicKey', 'ProductType', 'ProductVersion', 'UniqueDeviceID', 'WiFiAddress']);

function valueOf(tablet: TabletState, request: PlistDict, isSecure: boolean): PlistDict {
  const domain = typeof request['Domain'] === 'string' ? request['Domain'] : '';
  const held = Object.entries(tablet.values[domain] ?? {}).filter(([key]) => isSecure || (domain === '' && TOLD_TO_ANYBODY.has(key)));
  const key = request['Key'];
  if (typeof key !== 'string') return { Value: Object.fromEntries(held) };
  const found = held.find(([name]) => name === key);
  return found === undefined ? { Key: key, Error: 'MissingValue' } : { Key: key, Value: found[1], ...(domain === '' ? {} : { Domain: domain }) };
}

function pair(tablet: TabletState, record: PlistValue | undefined): PlistDict {
  if (!isDict(record)) return { Error: 'MissingPairRecord' };
  const text = (part: string): string => {
    const held = record[part];
    return held instanceof Uint8Array ? Buffer.from(held).toString() : typeof held === 'string' ? held : '';
  };
  const deviceCertificate = text('DeviceCertificate');
  // The computer made this certificate of the key it was told.
  if (!new X509Certificate(deviceCertificate).publicKey.equals(createPublicKey(tablet.key.publicPem))) return { Error: 'InvalidPairRecord' };
  if (record['SystemBUID'] !== SYSTEM_BUID) return { Error: 'InvalidPairRecord' };
  tablet.pairing = { hostId: text('HostID'), rootCertificate: text('RootCertificate'), hostCertificate: text('HostCertificate'), deviceCertificate };
  return { EscrowBag: new Uint8Array(32) };
}

/** Only the computer of the pairing gets in: with its own certificate, or with the root's as libimobiledevice does. */
function secure(tablet: TabletState, pairing: Pairing, bare: Duplex): void {
  const socket = new TLSSocket(bare, {
    isServer: true,
    key: tablet.key.privatePem,
    cert: pairing.deviceCertificate,
    ca: pairing.rootCertificate,
    requestCert: true,
    rejectUnauthorized: true,
    ciphers: 'DEFAULT:@SECLEVEL=0',
  });
  // A client that goes in the middle of it is the client's affair.
  socket.on('error', () => bare.destroy());
  bare.on('close', () => socket.destroy());
  serveLockdown(tablet, socket, true);
}
