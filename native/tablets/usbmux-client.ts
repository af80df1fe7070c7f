import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ok, refused, type Result } from '../../app/domain/result.ts';
import { isDict, type PlistDict } from './plist.ts';
import { plistStream, type Framing, type PlistStream, type StreamEnd } from './plist-stream.ts';

/** Where usbmuxd listens: a socket file, or a port of this machine on Windows. */
export type UsbmuxAddress = { readonly path: string } | { readonly host: string; readonly port: number };

/** As usbmuxd numbers it: anew at each attachment. `udid` as usbmuxd writes it, which is also the name of its pair record. */
export interface AttachedTablet {
  readonly deviceId: number;
  readonly udid: string;
}

/** What usbmuxd tells while it is listened to. `other` is of no concern: the network, a kind of message of later versions. */
export type UsbmuxNews =
  | { readonly kind: 'attached'; readonly tablet: AttachedTablet }
  | { readonly kind: 'detached' | 'paired'; readonly deviceId: number }
  | { readonly kind: 'unusable' | 'other' };

/** `absent`: nobody listens there; `denied`: this user may not. */
export type UsbmuxRefusal = 'absent' | 'denied' | StreamEnd;

const PLIST_VERSION = 1;
const PLIST_MESSAGE = 8;
const HEADER_BYTES = 16;
/** usbmuxd's answers (usbmuxd-proto.h). */
const DONE = 0;
const CONNECTION_REFUSED = 3;
const UDID = /^[0-9A-Za-z-]{8,64}$/;
/** Tells usbmuxd who asks; it puts this into its log. */
const WHO = { ClientVersionString: 'dockward', ProgName: 'dockward', kLibUSBMuxVersion: 3 };

const usbmuxFraming: Framing = {
  headerBytes: HEADER_BYTES,
  header(bodyBytes) {
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32LE(HEADER_BYTES + bodyBytes, 0);
    header.writeUInt32LE(PLIST_VERSION, 4);
    header.writeUInt32LE(PLIST_MESSAGE, 8);
    // Answers carry the number of their question; one question at a time needs but one.
    header.writeUInt32LE(1, 12);
    return header;
  },
  bodyBytes(header) {
    const whole = header.readUInt32LE(0);
    const known = header.readUInt32LE(4) === PLIST_VERSION && header.readUInt32LE(8) === PLIST_MESSAGE;
    return known && whole >= HEADER_BYTES ? whole - HEADER_BYTES : undefined;
  },
};

export function defaultUsbmuxAddress(platform: NodeJS.Platform = process.platform): UsbmuxAddress {
  return platform === 'win32' ? { host: '127.0.0.1', port: 27_015 } : { path: '/var/run/usbmuxd' };
}

export interface Usbmux {
  /** Asks to be told of tablets, from now on by `news`. */
  listen(): Promise<Result<undefined, UsbmuxRefusal>>;
  news(): Promise<Result<UsbmuxNews, StreamEnd>>;
  /** The pair record's bytes, of which the private key is never to be logged; `undefined` where this computer was never trusted. */
  pairRecord(udid: string): Promise<Result<Uint8Array | undefined, StreamEnd>>;
  /** Hands over the connection itself, which then speaks with that port of the tablet. `refused-port`: nobody listens on it. */
  connect(deviceId: number, port: number): Promise<Result<Duplex, StreamEnd | 'refused-port' | 'no-device'>>;
  close(): void;
}

/** One connection to usbmuxd. `signal` ends it, and whatever it has become. */
export function openUsbmux(address: UsbmuxAddress, signal: AbortSignal): Promise<Result<Usbmux, UsbmuxRefusal>> {
  if (signal.aborted) return Promise.resolve(refused('closed'));
  return new Promise((resolve) => {
    const socket = connect({ ...address, signal });
    socket.on('error', (error) => resolve(refused(refusalOf(error))));
    socket.once('connect', () => resolve(ok(usbmux(socket))));
    socket.once('close', () => resolve(refused('closed')));
  });
}

function usbmux(socket: Socket): Usbmux {
  const stream = plistStream(socket, usbmuxFraming);
  return {
    close: () => stream.close(),
    async listen() {
      const answer = await asked(stream, { MessageType: 'Listen' });
      if (!answer.ok) return answer;
      return answer.value['Number'] === DONE ? ok(undefined) : refused('denied');
    },
    async news() {
      const told = await stream.next();
      return told.ok ? ok(newsOf(told.value)) : told;
    },
    async pairRecord(udid) {
      const answer = await asked(stream, { MessageType: 'ReadPairRecord', PairRecordID: udid });
      if (!answer.ok) return answer;
      const record = answer.value['PairRecordData'];
      return ok(record instanceof Uint8Array ? record : undefined);
    },
    async connect(deviceId, port) {
      // usbmuxd takes the two bytes of the port as the network would see them.
      const answer = await asked(stream, { MessageType: 'Connect', DeviceID: deviceId, PortNumber: ((port & 0xff) << 8) | (port >> 8) });
      if (!answer.ok) return answer;
      if (answer.value['Number'] === DONE) return stream.release();
      stream.close();
      return refused(answer.value['Number'] === CONNECTION_REFUSED ? 'refused-port' : 'no-device');
    },
  };
}

function asked(stream: PlistStream, question: PlistDict): Promise<Result<PlistDict, StreamEnd>> {
  stream.send({ ...WHO, ...question });
  return stream.next();
}

function newsOf(message: PlistDict): UsbmuxNews {
  const { MessageType: kind, DeviceID: deviceId, Properties: properties } = message;
  if (kind === 'Detached' || kind === 'Paired') {
    return typeof deviceId === 'number' ? { kind: kind === 'Paired' ? 'paired' : 'detached', deviceId } : { kind: 'unusable' };
  }
  if (kind !== 'Attached') return { kind: 'other' };
  if (!isDict(properties)) return { kind: 'unusable' };
  // The same tablet may be near by radio too; only what hangs on a cable is in this cart.
  if (properties['ConnectionType'] !== 'USB') return { kind: 'other' };
  const udid = properties['SerialNumber'];
  const named = properties['DeviceID'] ?? deviceId;
  if (typeof udid !== 'string' || !UDID.test(udid) || typeof named !== 'number' || !Number.isInteger(named) || named < 1) return { kind: 'unusable' };
  return { kind: 'attached', tablet: { deviceId: named, udid } };
}

function refusalOf(error: Error): UsbmuxRefusal {
  const code = 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' || code === 'ECONNREFUSED') return 'absent';
  return code === 'EACCES' || code === 'EPERM' ? 'denied' : 'closed';
}
