import type { HostClock } from '../clock.ts';
import { LEAVE_CARD, outsideNative, SHARE_SHARED, type PcscReader } from './pcsclite-module.ts';

/** A card answers within tens of milliseconds, a slow one takes some hundreds for a signature; whoever takes this long is not going to. */
const EXCHANGE_DEADLINE_MS = 1_200;
/** For everything that is said to a card while it lies there. */
const CONVERSATION_DEADLINE_MS = 3_000;
/** The longest answer to a short APDU: 256 bytes and the status. */
const ANSWER_LIMIT = 258;

/**
 * Why a card could not be talked to. `disturbed`: another program has reset it or holds it, and a new connection may do.
 * `service-lost`: it was the smart-card service that failed, and nothing is known about the card.
 */
export type LinkFailure = 'mute' | 'removed' | 'protocol' | 'disturbed' | 'service-lost';
export type Broken = { readonly ok: false; readonly cause: LinkFailure };
export type Exchanged = { readonly ok: true; readonly answer: Buffer } | Broken;
/** Sends one APDU. An answer has at least its status of two bytes. After a failure every further exchange fails alike. */
export type Exchange = (apdu: Buffer) => Promise<Exchanged>;

export interface Conversation<Outcome> {
  /** At the latest when the card counts as mute. */
  readonly outcome: Promise<Outcome | Broken>;
  /** When the reader is free again: a mute card holds it until it is pulled. */
  readonly released: Promise<void>;
}

export interface CardDeps {
  readonly reader: PcscReader;
  readonly clock: HostClock;
  /** False as soon as nobody wants to know any more. No further APDU is sent then. */
  readonly wanted: () => boolean;
}

type Called<Value> = { readonly ok: true; readonly value: Value } | Broken;

/** Connects once, shared so that other programs keep working, and lets go when `converse` is through and the reader answers again. */
export function converseWithCard<Outcome>({ reader, clock, wanted }: CardDeps, converse: (exchange: Exchange) => Promise<Outcome>): Conversation<Outcome> {
  const endMs = clock.monoMs() + CONVERSATION_DEADLINE_MS;
  let broken: Broken | undefined;
  /** The call into the reader that is open, which may be long past its deadline. */
  let open: Promise<unknown> = Promise.resolve();

  function call<Value>(begin: (done: (failed: Error | null | undefined, value: Value) => void) => void): Promise<Called<Value>> {
    return new Promise((resolve) => {
      const answered = Promise.withResolvers<Called<Value>>();
      open = answered.promise;
      const leftMs = Math.max(0, Math.min(EXCHANGE_DEADLINE_MS, endMs - clock.monoMs()));
      const cancel = clock.after(leftMs, () => resolve({ ok: false, cause: 'mute' }));
      const finish = (outcome: Called<Value>) => {
        cancel();
        answered.resolve(outcome);
        resolve(outcome);
      };
      begin(outsideNative((failed, value) => finish(failed ? { ok: false, cause: causeOf(failed) } : { ok: true, value })));
    });
  }

  async function exchange(apdu: Buffer, protocol: number): Promise<Exchanged> {
    if (broken === undefined && !wanted()) broken = { ok: false, cause: 'removed' };
    if (broken !== undefined) return broken;
    const called = await call<Buffer>((done) => reader.transmit(apdu, ANSWER_LIMIT, protocol, done));
    if (!called.ok) broken = called;
    // What a card leaves that is pulled mid-way.
    else if (called.value.length === 0) broken = { ok: false, cause: 'removed' };
    else if (called.value.length < 2) broken = { ok: false, cause: 'protocol' };
    else return { ok: true, answer: called.value };
    return broken;
  }

  async function begin(): Promise<{ readonly outcome: Outcome | Broken; readonly connected: boolean }> {
    const connected = await call<number | undefined>((done) => reader.connect({ share_mode: SHARE_SHARED }, done));
    if (!connected.ok) return { outcome: connected, connected: connected.cause === 'mute' };
    const protocol = connected.value;
    if (protocol === undefined) return { outcome: { ok: false, cause: 'disturbed' }, connected: true };
    return { outcome: await converse((apdu) => exchange(apdu, protocol)), connected: true };
  }

  const begun = begin();
  return { outcome: begun.then(({ outcome }) => outcome), released: begun.then(letGo) };

  async function letGo({ connected }: { readonly connected: boolean }): Promise<void> {
    if (!connected) return;
    await open;
    const failed = await new Promise<Error | null | undefined>((resolve) => reader.disconnect(LEAVE_CARD, outsideNative(resolve)));
    // The error says that the card or the service is gone, which the outcome or the next status says better; the next card is another connection.
    if (failed) reader.connected = false;
  }
}

/** Codes from winscard.h: removed card, no card, reader unavailable, reader unknown, not transacted, communication lost. */
const REMOVED = [0x80100069, 0x8010000c, 0x80100017, 0x80100009, 0x80100016, 0x8010002f];
/** Unresponsive card, unpowered card. */
const UNRESPONSIVE = [0x80100066, 0x80100067];
/** Reset by another program, held by another program. */
const DISTURBED = [0x80100068, 0x8010000b];
/** Transport error, no service, service stopped, handle of a service that is gone. */
const SERVICE = [0x80100013, 0x8010001d, 0x8010001e, 0x80100003];

/** True for an error that says the smart-card service went away, whatever it was asked. */
export function isServiceLoss(error: Error): boolean {
  return SERVICE.includes(codeOf(error));
}

function codeOf(error: Error): number {
  return Number(/0x[0-9a-f]{8}/i.exec(error.message)?.[0] ?? Number.NaN);
}

function causeOf(error: Error): LinkFailure {
  const code = codeOf(error);
  if (REMOVED.includes(code)) return 'removed';
  if (UNRESPONSIVE.includes(code)) return 'mute';
  if (DISTURBED.includes(code)) return 'disturbed';
  if (isServiceLoss(error)) return 'service-lost';
  return 'protocol';
}
