import type { Duplex } from 'node:stream';
import { readXmlPlist, writeXmlPlist } from '../../../native/tablets/plist-xml.ts';
import { isDict, type PlistDict } from '../../../native/tablets/plist.ts';

const MUX_HEADER_BYTES = 16;
const LENGTH_BYTES = 4;

/** A message to usbmuxd with its number, which the answer repeats. */
export interface MuxMessage {
  readonly tag: number;
  readonly message: PlistDict;
}

export function muxFrame(tag: number, message: PlistDict): Buffer {
  const body = writeXmlPlist(message);
  const header = Buffer.alloc(MUX_HEADER_BYTES);
  [MUX_HEADER_BYTES + body.length, 1, 8, tag].forEach((word, index) => header.writeUInt32LE(word, index * 4));
  return Buffer.concat([header, body]);
}

export function lockdownFrame(message: PlistDict): Buffer {
  const body = writeXmlPlist(message);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}

/** Calls `take` for each message until it says that the rest belongs to another protocol. */
export function onMuxMessages(socket: Duplex, take: (message: MuxMessage) => 'more' | 'enough'): void {
  onFrames(socket, MUX_HEADER_BYTES, (header) => header.readUInt32LE(0) - MUX_HEADER_BYTES, (header, message) => take({ tag: header.readUInt32LE(12), message }));
}

export function onLockdownMessages(socket: Duplex, take: (message: PlistDict) => 'more' | 'enough'): void {
  onFrames(socket, LENGTH_BYTES, (header) => header.readUInt32BE(0), (_, message) => take(message));
}

function onFrames(socket: Duplex, headerBytes: number, bodyBytes: (header: Buffer) => number, take: (header: Buffer, message: PlistDict) => 'more' | 'enough'): void {
  let partial = Buffer.alloc(0);
  function onData(bytes: Buffer): void {
    partial = Buffer.concat([partial, bytes]);
    while (partial.length >= headerBytes) {
      const header = partial.subarray(0, headerBytes);
      const end = headerBytes + bodyBytes(header);
      if (partial.length < end) return;
      const message = readXmlPlist(partial.subarray(headerBytes, end));
      partial = partial.subarray(end);
      if (!isDict(message)) throw new Error('a client of the emulator sent no dictionary');
      if (take(header, message) === 'more') continue;
      socket.off('data', onData);
      socket.pause();
      if (partial.length > 0) throw new Error('a client of the emulator did not wait for its answer');
      return;
    }
  }
  socket.on('data', onData);
  // Whoever had it before has paused it.
  socket.resume();
}
