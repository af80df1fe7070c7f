import { connect, type Socket } from 'node:net';
import { ok, refused, type Result } from '../../app/domain/result.ts';
import type { HostClock } from '../clock.ts';
import { shellOutput } from './adb-shell.ts';
import { serviceRequest, takeCounted, takeStatus } from './adb-wire.ts';

/** Where the adb server listens. */
export interface AdbAddress {
  readonly host: string;
  readonly port: number;
}

/** Why a conversation ended: nobody listens; it broke off; no answer in time; `FAIL`; not adb's protocol; more than is allowed. */
export type AdbFailure = 'nobody' | 'lost' | 'silent' | 'denied' | 'malformed' | 'too-long';

/** Time the server has for what it was asked, and a tablet for all of its answer. */
const ANSWER_DEADLINE_MS = 3_000;
const OUTPUT_LIMIT_BYTES = 256 * 1024;

interface Conversation {
  readonly clock: HostClock;
  readonly address: AdbAddress;
}

/**
 * Follows the server's list of tablets: `onList` on every change, `onEnd` once. Ends by the function returned, then silently.
 * Holds at most one list and one read of the socket.
 */
export function trackDevices(at: Conversation, onList: (list: string) => void, onEnd: (cause: AdbFailure) => void): () => void {
  let listed = false;
  const { end, withinDeadline, settled } = converse(at, ['host:track-devices-l'], onEnd, (bytes) => {
    let rest = bytes;
    for (;;) {
      const taken = takeCounted(rest);
      if (taken.found === 'malformed') return 'malformed';
      if (taken.found === 'more') break;
      listed = true;
      settled();
      onList(taken.part.toString('utf8'));
      rest = taken.rest;
    }
    // Half a list, and the first, must be there in time; between lists there may be hours.
    if (rest.length > 0 || !listed) withinDeadline();
    return rest;
  });
  return end;
}

/** Runs one line in a tablet's shell and gives what it printed. The function returned drops it without an answer. */
export function askTablet(at: Conversation, serial: string, line: string, done: (answer: Result<string, AdbFailure>) => void): () => void {
  const collected: Buffer[] = [];
  let length = 0;
  const conversation = converse(
    at,
    [`host:transport:${serial}`, `shell,v2,raw:${line}`],
    (cause) => {
      const whole = cause === 'lost' ? shellOutput(Buffer.concat(collected)) : refused(cause);
      if (!whole.ok) done(whole);
      else done(whole.value.exit === 0 ? ok(whole.value.output.toString('utf8')) : refused('malformed'));
    },
    (bytes) => {
      collected.push(bytes);
      length += bytes.length;
      return length > OUTPUT_LIMIT_BYTES ? 'too-long' : Buffer.alloc(0);
    },
  );
  return conversation.end;
}

/** Asks for the server's list once. The function returned drops the question. */
export function listDevices(at: Conversation, done: (answer: Result<string, AdbFailure>) => void): () => void {
  const conversation = converse(at, ['host:devices-l'], (cause) => done(refused(cause)), (bytes) => {
    const taken = takeCounted(bytes);
    if (taken.found === 'malformed') return 'malformed';
    if (taken.found === 'more') return bytes;
    conversation.end();
    done(ok(taken.part.toString('utf8')));
    return taken.rest;
  });
  return conversation.end;
}

/**
 * Sends each service after the `OKAY` of the one before, then hands what arrives to `receive`, which gives back what it cannot
 * use yet, or why the conversation ends. One deadline holds from the start until `settled`.
 */
function converse(
  { clock, address }: Conversation,
  services: readonly string[],
  onEnd: (cause: AdbFailure) => void,
  receive: (bytes: Buffer) => Buffer | AdbFailure,
): { end(): void; withinDeadline(): void; settled(): void } {
  const socket: Socket = connect(address);
  let left: Buffer = Buffer.alloc(0);
  let asked = 0;
  let over = false;
  let cancelDeadline: (() => void) | undefined;

  function end(cause?: AdbFailure): void {
    if (over) return;
    over = true;
    cancelDeadline?.();
    socket.destroy();
    if (cause !== undefined) onEnd(cause);
  }

  function withinDeadline(): void {
    if (!over) cancelDeadline ??= clock.after(ANSWER_DEADLINE_MS, () => end('silent'));
  }

  function settled(): void {
    cancelDeadline?.();
    cancelDeadline = undefined;
  }

  function ask(): void {
    const service = services[asked];
    asked += 1;
    if (service !== undefined) socket.write(serviceRequest(service));
  }

  function take(): void {
    while (asked <= services.length) {
      const status = takeStatus(left);
      if (status.found === 'more') return;
      if (status.found === 'malformed') return end('malformed');
      if (status.part === 'fail') return end('denied');
      left = Buffer.from(status.rest);
      ask();
    }
    const used = receive(left);
    if (typeof used === 'string') end(used);
    else left = Buffer.from(used);
  }

  withinDeadline();
  socket.on('connect', ask);
  socket.on('data', (bytes) => {
    if (over) return;
    left = Buffer.concat([left, bytes]);
    take();
  });
  socket.on('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED' ? 'nobody' : 'lost'));
  socket.on('close', () => end('lost'));
  return { end: () => end(), withinDeadline, settled };
}
