import type { ReaderEvent } from '../adapters.ts';

export type UnreadableCause = Extract<ReaderEvent, { event: 'tap-unreadable' }>['cause'];
export type UidReading = { readonly ok: true; readonly uid: string } | { readonly ok: false; readonly cause: UnreadableCause };

/** Get Data: UID (PC/SC part 3, 3.2.2.1.3). The reader itself answers it for every contactless card. */
export const GET_UID = Buffer.from('FFCA000000', 'hex');

/** Lengths of an ISO/IEC 14443-3 type A identifier: single, double, triple. */
const UID_LENGTHS = [4, 7, 10];
/** A single-size identifier that starts so is drawn anew for every presentation (ISO/IEC 14443-3, table 6). */
const RANDOM_UID_START = 0x08;

/** Judges the answer to GET_UID: identifier followed by 90 00. An empty answer is what a card pulled mid-way leaves. */
export function readUidAnswer(answer: Uint8Array): UidReading {
  if (answer.length === 0) return { ok: false, cause: 'removed' };
  if (answer.length < 2 || answer.at(-2) !== 0x90 || answer.at(-1) !== 0x00) return { ok: false, cause: 'protocol' };
  const uid = answer.subarray(0, -2);
  if (!UID_LENGTHS.includes(uid.length)) return { ok: false, cause: 'uid-length' };
  if (uid.length === 4 && uid[0] === RANDOM_UID_START) return { ok: false, cause: 'random-uid' };
  return { ok: true, uid: Buffer.from(uid).toString('hex').toUpperCase() };
}
