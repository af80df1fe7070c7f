import type { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';

/** The part of pcsclite 1.0.1 that is used. Its own declarations are `any` where it matters. */
export interface PcscReader extends EventEmitter {
  readonly name: string;
  /** While it is true `connect` does nothing and answers with no protocol. It stays true when `disconnect` fails. */
  connected?: boolean;
  connect(options: { share_mode: number }, done: (error: Error | null | undefined, protocol: number | undefined) => void): void;
  disconnect(disposition: number, done: (error: Error | null | undefined) => void): void;
  transmit(data: Buffer, answerLength: number, protocol: number, done: (error: Error | null | undefined, answer: Buffer) => void): void;
  /** Joins the reader's thread: blocks the process while a transmit hangs. */
  close(): void;
}

/** One connection to the smart-card service. Once it has errored it never heals. */
export interface PcscInstance extends EventEmitter {
  close(): void;
}

/** Throws when the smart-card service is down; blocks for ever when the service is up and does not answer. */
export type OpenPcsc = () => PcscInstance;

/** Bits of a reader's status (winscard.h). The high half counts insertions and removals since the service started. */
/** Of a reader that does not answer any more (unknown, unavailable): its cable is out, and nothing is known of what lies on it. */
export const STATE_UNREACHABLE = 0x0c;
export const STATE_EMPTY = 0x10;
export const STATE_PRESENT = 0x20;
export const STATE_MUTE = 0x200;
export const insertionCount = (state: number): number => state >>> 16;
/** Insertions and removals since the count was `before`; it starts anew after 65,535. */
export const changesSince = (before: number, state: number): number => (insertionCount(state) - before) & 0xffff;

export const SHARE_SHARED = 2;
/** On letting go, so that other programs keep their session; pcscd gives the card power anew at the next connection. */
export const LEAVE_CARD = 0;

/**
 * pcsclite calls back outside Node's callback scope and with the reader's lock held: promises would wait for the next timer,
 * a throw would be lost and `close` would deadlock. So whatever it says is acted on in a callback of Node's own, in order.
 */
export function outsideNative<Arguments extends unknown[]>(act: (...said: Arguments) => void): (...said: Arguments) => void {
  return (...said) => {
    setImmediate(() => act(...said));
  };
}

export type PcscModule = { readonly found: true; readonly open: OpenPcsc } | { readonly found: false; readonly detail: string };

/** Loads the optional package; a missing or wrongly built one is an answer, not an exception. */
export function loadPcsclite(): PcscModule {
  try {
    const loaded: unknown = createRequire(import.meta.url)('pcsclite');
    if (typeof loaded !== 'function') return { found: false, detail: 'the package pcsclite is not what it was: it exports no function' };
    return { found: true, open: loaded as OpenPcsc };
  } catch (error) {
    return { found: false, detail: missingDetail(error) };
  }
}

function missingDetail(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (/libpcsclite\.so/.test(message)) return 'smart-card library missing: install libpcsclite1 and pcscd';
  if (/self-register|NODE_MODULE_VERSION/.test(message)) {
    return `pcsclite was built for another Node than this (ABI ${process.versions.modules}): rebuild it with this Node's headers`;
  }
  if (/Could not locate the bindings|Cannot find module/.test(message)) {
    return 'badge reader driver not built: install pcscd, libpcsclite-dev and a C++ compiler, then install the packages again';
  }
  return `pcsclite could not be loaded: ${message.split('\n')[0] ?? message}`;
}
