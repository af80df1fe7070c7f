import { isPlainlyCanonical } from './canonical-scan.ts';
import { MAX_DEPTH } from './canonical.ts';
import type { LedgerEntry } from './entry.ts';

/** Not empty, ASCII, without anything that would be escaped. */
const TEXT = '([ !#-\\[\\]-\\x7f]+)';
/** Every integer of so many digits is a safe one. */
const COUNT = '(0|[1-9]\\d{0,14})';
/** An object as far as it is of ASCII without escapes; where it ends, what must stand behind it says. */
const OBJECT = '(\\{[ -\\[\\]-\\x7f]*?\\})';

/** The text of an entry, keys in the order of RFC 8785. Strict about all but its body, and its `prev`, which may be any text. */
const ENTRY = new RegExp(
  `^\\{(?:"actor":"${TEXT}",)?"body":${OBJECT},"boot":"${TEXT}",(?:"device":"${TEXT}",)?"epoch":${COUNT},"hlc":\\{"ms":${COUNT},"n":${COUNT}\\},"mono":${COUNT},` +
    `(?:"place":\\{"slot":${COUNT}\\},)?"prev":"${TEXT}","seq":${COUNT},"station":"${TEXT}","type":"${TEXT}","v":1\\}$`,
);
const BODY_AT = '{"body":'.length;
const BODY_AFTER_ACTOR_AT = '{"actor":"","body":'.length;

/**
 * Reads an entry as nearly all are: canonical, of ASCII without escapes and of integers of at most 15 digits, with the fields
 * of an entry; that `prev` is a hash is left to the caller. Undefined only says that somebody must look closely.
 */
export function readPlainEntry(bytes: Uint8Array): LedgerEntry | undefined {
  const text = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const match = ENTRY.exec(text.toString('latin1'));
  if (match === null) return undefined;
  try {
    return entryOf(match, bytes);
  } catch {
    // Its body is not JSON.
    return undefined;
  }
}

/** The strings it holds are slices of the text: whoever keeps one of them keeps all of it. */
function entryOf(match: RegExpExecArray, bytes: Uint8Array): LedgerEntry | undefined {
  const [, actor, bodyText = '', boot = '', device, epoch, ms, n, mono, slot, prev = '', seq, station = '', type = ''] = match;
  const body = JSON.parse(bodyText) as LedgerEntry['body'];
  const bodyAt = actor === undefined ? BODY_AT : BODY_AFTER_ACTOR_AT + actor.length;
  if (!isPlainlyCanonical(bytes, bodyAt, bodyAt + bodyText.length, MAX_DEPTH - 1)) return undefined;
  const entry: { -readonly [F in keyof LedgerEntry]: LedgerEntry[F] } = {
    v: 1, type, station, epoch: Number(epoch), seq: Number(seq), prev, hlc: { ms: Number(ms), n: Number(n) }, boot, mono: Number(mono), body,
  };
  if (actor !== undefined) entry.actor = actor;
  if (device !== undefined) entry.device = device;
  if (slot !== undefined) entry.place = { slot: Number(slot) };
  return entry;
}
