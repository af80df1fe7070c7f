/** The protocol of the adb server's socket: requests and lists behind four hexadecimal digits of length, `OKAY` or `FAIL` before an answer. */
const LENGTH_DIGITS = 4;
const STATUS_BYTES = 4;
const HEX = /^[0-9a-f]{4}$/i;

export function serviceRequest(service: string): Buffer {
  const body = Buffer.from(service);
  return Buffer.concat([Buffer.from(body.length.toString(16).padStart(LENGTH_DIGITS, '0')), body]);
}

/** What a reader of a stream found at its front: a whole part and what is left, not enough yet, or what adb never sends. */
export type Taken<Part> = { readonly found: 'part'; readonly part: Part; readonly rest: Buffer } | { readonly found: 'more' } | { readonly found: 'malformed' };

export function takeStatus(bytes: Buffer): Taken<'okay' | 'fail'> {
  const status = bytes.toString('latin1', 0, STATUS_BYTES);
  const whole = status === 'OKAY' || status === 'FAIL';
  if (whole) return { found: 'part', part: status === 'OKAY' ? 'okay' : 'fail', rest: bytes.subarray(STATUS_BYTES) };
  return 'OKAY'.startsWith(status) || 'FAIL'.startsWith(status) ? { found: 'more' } : { found: 'malformed' };
}

/** At most 65,535 bytes, by the four digits. */
export function takeCounted(bytes: Buffer): Taken<Buffer> {
  const digits = bytes.toString('latin1', 0, LENGTH_DIGITS);
  if (!HEX.test(digits.padEnd(LENGTH_DIGITS, '0'))) return { found: 'malformed' };
  const end = LENGTH_DIGITS + Number.parseInt(digits, 16);
  if (digits.length < LENGTH_DIGITS || bytes.length < end) return { found: 'more' };
  return { found: 'part', part: bytes.subarray(LENGTH_DIGITS, end), rest: bytes.subarray(end) };
}
