import type { HostClock } from '../clock.ts';
import { GET_UID, readUidAnswer, type UidReading } from './badge-uid.ts';
import { LEAVE_CARD, outsideNative, SHARE_SHARED, type PcscReader } from './pcsclite-module.ts';

/** A badge answers within tens of milliseconds; whoever takes this long is not going to. */
const READ_DEADLINE_MS = 1_200;
const UID_ANSWER_LIMIT = 64;

/** `service-lost`: it was the smart-card service that failed, and nothing is known about the card. */
export type CardOutcome = UidReading | { readonly ok: false; readonly cause: 'service-lost' };

export interface CardReading {
  /** The outcome, at the latest when the card counts as mute. */
  readonly outcome: Promise<CardOutcome>;
  /** When the reader is free again: a mute card holds it until it is pulled. */
  readonly released: Promise<void>;
}

/** Reads the identifier of the card in the field, once. Shares the card, so that other programs keep working. */
export function readCard(reader: PcscReader, clock: HostClock): CardReading {
  const released = Promise.withResolvers<void>();
  const outcome = new Promise<CardOutcome>((resolve) => {
    const cancel = clock.after(READ_DEADLINE_MS, () => resolve({ ok: false, cause: 'mute' }));
    const finish = (reading: CardOutcome) => {
      cancel();
      resolve(reading);
    };
    const onAnswer = outsideNative((failed: Error | null | undefined, answer: Buffer) => {
      finish(failed ? outcomeOfError(failed) : readUidAnswer(answer));
      // Its error would say that the card or the service is gone, which the outcome or the next status says better.
      reader.disconnect(LEAVE_CARD, outsideNative(() => released.resolve()));
    });
    const onConnected = outsideNative((refused: Error | null | undefined, protocol: number) => {
      if (!refused) return reader.transmit(GET_UID, UID_ANSWER_LIMIT, protocol, onAnswer);
      finish(outcomeOfError(refused));
      released.resolve();
    });
    reader.connect({ share_mode: SHARE_SHARED }, onConnected);
  });
  return { outcome, released: released.promise };
}

/** Codes from winscard.h: removed card, no card, reader unavailable, reader unknown, not transacted, communication lost. */
const REMOVED = [0x80100069, 0x8010000c, 0x80100017, 0x80100009, 0x80100016, 0x8010002f];
/** Unresponsive card, unpowered card. */
const UNRESPONSIVE = [0x80100066, 0x80100067];
/** Transport error, no service, service stopped, handle of a service that is gone. */
const SERVICE = [0x80100013, 0x8010001d, 0x8010001e, 0x80100003];

/** True for an error that says the smart-card service went away, whatever it was asked. */
export function isServiceLoss(error: Error): boolean {
  return SERVICE.includes(codeOf(error));
}

function codeOf(error: Error): number {
  return Number(/0x[0-9a-f]{8}/i.exec(error.message)?.[0] ?? Number.NaN);
}

function outcomeOfError(error: Error): CardOutcome {
  const code = codeOf(error);
  if (REMOVED.includes(code)) return { ok: false, cause: 'removed' };
  if (UNRESPONSIVE.includes(code)) return { ok: false, cause: 'mute' };
  if (isServiceLoss(error)) return { ok: false, cause: 'service-lost' };
  return { ok: false, cause: 'protocol' };
}
