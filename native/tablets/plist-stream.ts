import type { Duplex } from 'node:stream';
import { ok, refused, type Result } from '../../app/domain/result.ts';
import { readXmlPlist, writeXmlPlist } from './plist-xml.ts';
import { isDict, MalformedPlist, type PlistDict } from './plist.ts';

/** Pair records, the largest there is, have some ten thousand. */
const LONGEST_BODY = 256 * 1024;
/** The other end is not listened to while this many of its messages wait. */
const MOST_WAITING = 64;

/** How property lists are told apart on the wire. */
export interface Framing {
  readonly headerBytes: number;
  header(bodyBytes: number): Buffer;
  /** Undefined where the header is none. */
  bodyBytes(header: Buffer): number | undefined;
}

/** `malformed`: the other end does not speak this protocol, and nothing more of it is read. */
export type StreamEnd = 'closed' | 'malformed';

export interface PlistStream {
  send(message: PlistDict): void;
  /** The next message, for one caller at a time; once the stream has ended, how it ended. */
  next(): Promise<Result<PlistDict, StreamEnd>>;
  /** Lets go of the socket for another protocol. `malformed` if the other end has already sent what nobody asked for. */
  release(): Result<Duplex, StreamEnd>;
  close(): void;
}

export function plistStream(socket: Duplex, framing: Framing): PlistStream {
  const received: PlistDict[] = [];
  let partial: Buffer = Buffer.alloc(0);
  let waiting: ((next: Result<PlistDict, StreamEnd>) => void) | undefined;
  let ended: StreamEnd | undefined;

  function end(how: StreamEnd): void {
    if (ended !== undefined) return;
    ended = how;
    partial = Buffer.alloc(0);
    socket.destroy();
    waiting?.(refused(how));
    waiting = undefined;
  }

  function deliver(message: PlistDict): void {
    const take = waiting;
    waiting = undefined;
    if (take !== undefined) take(ok(message));
    else if (received.push(message) >= MOST_WAITING) socket.pause();
  }

  function onData(bytes: Buffer): void {
    partial = partial.length === 0 ? bytes : Buffer.concat([partial, bytes]);
    try {
      while (ended === undefined && partial.length >= framing.headerBytes) {
        const length = framing.bodyBytes(partial.subarray(0, framing.headerBytes));
        if (length === undefined || length > LONGEST_BODY) return end('malformed');
        const whole = framing.headerBytes + length;
        if (partial.length < whole) return;
        const message = readXmlPlist(partial.subarray(framing.headerBytes, whole));
        partial = partial.subarray(whole);
        if (!isDict(message)) return end('malformed');
        deliver(message);
      }
    } catch (error) {
      if (!(error instanceof MalformedPlist)) throw error;
      end('malformed');
    }
  }

  const onClose = (): void => end('closed');
  socket.on('data', onData);
  socket.on('close', onClose);
  socket.on('end', onClose);
  // What went wrong with a socket is followed by its close; without a listener it would end the process.
  socket.on('error', onClose);
  // Whoever let go of it has paused it.
  socket.resume();

  return {
    send(message) {
      if (ended !== undefined) return;
      const body = writeXmlPlist(message);
      socket.write(Buffer.concat([framing.header(body.length), body]));
    },
    next() {
      const message = received.shift();
      if (message !== undefined) {
        if (received.length < MOST_WAITING) socket.resume();
        return Promise.resolve(ok(message));
      }
      if (ended !== undefined) return Promise.resolve(refused(ended));
      return new Promise((resolve) => {
        waiting = resolve;
      });
    },
    release() {
      if (partial.length > 0 || received.length > 0) end('malformed');
      if (ended !== undefined) return refused(ended);
      ended = 'closed';
      socket.pause();
      socket.off('data', onData).off('close', onClose).off('end', onClose);
      return ok(socket);
    },
    close: () => end('closed'),
  };
}
