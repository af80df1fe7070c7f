import type { UidReading } from '../badge-uid.ts';

export const PCPROX_VENDOR = 0x0c27;
/** The only one whose answers are known although it looks like a keyboard. */
export const PCPROX_PRODUCT = 0x3bfa;

const REPORT_BYTES = 8;
/** Feature reports of these readers have no number; the host's interface puts a zero in its place. */
const NO_REPORT_NUMBER = 0;
export const FEATURE_REPORT_LENGTH = REPORT_BYTES + 1;

/** Asks for the card's bits. Before it, the reader does not tell their number. */
export const ASK_CARD = command(0x8f);
/** Asks how many bits the card has. */
export const ASK_BIT_COUNT = command(0x8e);

/** What a badge number must at least have: shorter ones are dealt out again and again. */
const SHORTEST_BYTES = 4;

function command(code: number): Buffer {
  const report = Buffer.alloc(FEATURE_REPORT_LENGTH);
  report.writeUInt8(NO_REPORT_NUMBER, 0);
  report.writeUInt8(code, 1);
  return report;
}

/** The eight bytes of an answer; undefined where it is none. */
export function answerBytes(report: Uint8Array): Uint8Array | undefined {
  return report.length === FEATURE_REPORT_LENGTH && report[0] === NO_REPORT_NUMBER ? report.subarray(1) : undefined;
}

/** No card in the field: the reader has no other way to say so. */
export const isEmpty = (answer: Uint8Array): boolean => answer.every((byte) => byte === 0);

/**
 * The badge number from the answers to both questions, as hexadecimal digits with the most significant first, padded to whole
 * bytes. The reader tells it least significant byte first; what it tells beyond the card's bits is of an earlier card.
 */
export function readPcproxCard(card: Uint8Array, bitCount: Uint8Array): UidReading {
  const bits = bitCount[0] ?? 0;
  if (card.length !== REPORT_BYTES || bits === 0) return { ok: false, cause: 'protocol' };
  const length = Math.ceil(bits / 8);
  // A longer one does not fit the answer: its first half alone would name several badges.
  if (length < SHORTEST_BYTES || length > REPORT_BYTES) return { ok: false, cause: 'uid-length' };
  const number = Buffer.from(card.subarray(0, length)).reverse();
  const unused = length * 8 - bits;
  number.writeUInt8(number.readUInt8(0) & (0xff >> unused), 0);
  return { ok: true, uid: number.toString('hex').toUpperCase() };
}
