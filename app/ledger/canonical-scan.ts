const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const LIST = 0x5b;
const LIST_END = 0x5d;
const OBJECT = 0x7b;
const OBJECT_END = 0x7d;
const LETTER_T = 0x74;
const LETTER_F = 0x66;

/** Every integer of so many digits is a safe one. */
const MAX_DIGITS = 15;

/** Behind the end of any text, so that nothing can follow. */
const UNSURE = 0x3fff_ffff;

/**
 * Whether the bytes in [from, to), which `JSON.parse` must have accepted, ASCII and without a backslash, are plainly canonical
 * (RFC 8785): no space between tokens, keys in order and none twice, nothing but strings, booleans and integers of at most 15
 * digits, no more levels than given. True is a promise; false only says that somebody must look closely.
 */
export function isPlainlyCanonical(bytes: Uint8Array, from: number, to: number, levels: number): boolean {
  return endOfValue(bytes, from, levels) === to;
}

/** Where the value that begins here ends. */
function endOfValue(bytes: Uint8Array, at: number, levels: number): number {
  switch (bytes[at]) {
    case QUOTE:
      return endOfString(bytes, at);
    case OBJECT:
      return levels === 0 ? UNSURE : endOfObject(bytes, at, levels - 1);
    case LIST:
      return levels === 0 ? UNSURE : endOfList(bytes, at, levels - 1);
    case LETTER_T:
      return at + 'true'.length;
    case LETTER_F:
      return at + 'false'.length;
    default:
      return endOfInteger(bytes, at);
  }
}

function endOfString(bytes: Uint8Array, at: number): number {
  const { length } = bytes;
  let end = at + 1;
  while (end < length && bytes[end] !== QUOTE) end += 1;
  return end + 1;
}

/** What is no digit ends it, be it a fraction, an exponent or another kind of value: no comma or bracket will follow. */
function endOfInteger(bytes: Uint8Array, at: number): number {
  const { length } = bytes;
  const first = bytes[at] === MINUS ? at + 1 : at;
  let end = first;
  for (; end < length; end += 1) {
    const byte = bytes[end] ?? 0;
    if (byte < ZERO || byte > NINE) break;
  }
  // JSON has no leading zeros; -0 it has.
  return end - first > MAX_DIGITS || (first > at && bytes[first] === ZERO) ? UNSURE : end;
}

function endOfList(bytes: Uint8Array, at: number, levels: number): number {
  let end = at + 1;
  if (bytes[end] === LIST_END) return end + 1;
  for (;;) {
    end = endOfValue(bytes, end, levels);
    const byte = bytes[end];
    if (byte === LIST_END) return end + 1;
    if (byte !== COMMA) return UNSURE;
    end += 1;
  }
}

function endOfObject(bytes: Uint8Array, at: number, levels: number): number {
  let key = at + 1;
  if (bytes[key] === OBJECT_END) return key + 1;
  for (let last = 0; bytes[key] === QUOTE; key += 1) {
    if (last > 0 && !isBefore(bytes, last, key)) return UNSURE;
    // Behind the key comes a colon; if anything stands before the colon, no value begins there.
    const end = endOfValue(bytes, endOfString(bytes, key) + 1, levels);
    const byte = bytes[end];
    if (byte === OBJECT_END) return end + 1;
    if (byte !== COMMA) return UNSURE;
    last = key;
    key = end;
  }
  return UNSURE;
}

/** Whether the key that begins at `last` stands before the one at `key`: by bytes, which for ASCII is the order of RFC 8785. */
function isBefore(bytes: Uint8Array, last: number, key: number): boolean {
  for (let index = 1; last + index < key; index += 1) {
    const one = bytes[last + index] ?? 0;
    const other = bytes[key + index] ?? 0;
    // A key that ends stands before one that goes on, even with a space or "!", which are smaller than a quote.
    if (other === QUOTE) return false;
    if (one === QUOTE) return true;
    if (one !== other) return one < other;
  }
  return false;
}
