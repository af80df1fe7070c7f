import { dict } from './plist-xml.ts';
import { MalformedPlist, type PlistValue } from './plist.ts';

const MAGIC = 'bplist00';
const TRAILER_BYTES = 32;
const DEEPEST = 16;
/** More than any pair record has; it stops a small file that refers to the same list again and again. */
const MOST_VALUES = 10_000;
/** Seconds from 1970 to 2001, where Apple's time begins. */
const APPLE_EPOCH_SECONDS = 978_307_200;

export const isBinaryPlist = (bytes: Uint8Array): boolean => Buffer.from(bytes.subarray(0, MAGIC.length)).toString('latin1') === MAGIC;

/** Reads Apple's binary property lists, in which pair records are kept. Throws MalformedPlist. */
export function readBinaryPlist(given: Uint8Array): PlistValue {
  const bytes = Buffer.from(given.buffer, given.byteOffset, given.byteLength);
  if (!isBinaryPlist(bytes) || bytes.length < MAGIC.length + TRAILER_BYTES) throw new MalformedPlist('it is no binary property list');
  const trailer = bytes.length - TRAILER_BYTES;
  const [offsetBytes, referenceBytes] = [bytes.readUInt8(trailer + 6), bytes.readUInt8(trailer + 7)];
  const objects = unsigned(trailer + 8, 8);
  const root = unsigned(trailer + 16, 8);
  const table = unsigned(trailer + 24, 8);
  if (objects < 1 || table < MAGIC.length || table + objects * offsetBytes > trailer) throw new MalformedPlist('its table does not fit');
  let values = 0;

  /** Big-endian, 1 to 8 bytes. */
  function unsigned(at: number, length: number): number {
    if (length < 1 || length > 8 || at < 0 || at + length > bytes.length) throw new MalformedPlist('a number outside of it');
    let read = 0;
    for (const byte of bytes.subarray(at, at + length)) read = read * 256 + byte;
    if (!Number.isSafeInteger(read)) throw new MalformedPlist('an integer that cannot be held');
    return read;
  }

  function part(at: number, length: number): Buffer {
    if (at + length > table) throw new MalformedPlist('a value outside of it');
    return bytes.subarray(at, at + length);
  }

  /** Four bits, or an integer of its own where they are all set. */
  function counted(at: number): { readonly count: number; readonly body: number } {
    const short = bytes.readUInt8(at) & 0x0f;
    if (short !== 0x0f) return { count: short, body: at + 1 };
    const marker = part(at + 1, 1).readUInt8(0);
    if (marker >> 4 !== 0x1 || (marker & 0x0f) > 3) throw new MalformedPlist('a count that is no integer');
    const length = 2 ** (marker & 0x0f);
    return { count: unsigned(at + 2, length), body: at + 2 + length };
  }

  function object(reference: number, depth: number): PlistValue {
    values += 1;
    if (depth > DEEPEST || values > MOST_VALUES) throw new MalformedPlist('nested too deeply');
    if (reference >= objects) throw new MalformedPlist('it refers to nothing');
    const at = unsigned(table + reference * offsetBytes, offsetBytes);
    const marker = part(at, 1).readUInt8(0);
    const referred = (body: number, index: number) => object(unsigned(body + index * referenceBytes, referenceBytes), depth + 1);
    switch (marker >> 4) {
      case 0x0:
        if (marker === 0x08 || marker === 0x09) return marker === 0x09;
        break;
      case 0x1:
        return integer(part(at + 1, 2 ** (marker & 0x0f)));
      case 0x2:
        if (marker === 0x22) return part(at + 1, 4).readFloatBE(0);
        if (marker === 0x23) return part(at + 1, 8).readDoubleBE(0);
        break;
      case 0x3:
        return date(part(at + 1, 8).readDoubleBE(0));
      case 0x4: {
        const { count, body } = counted(at);
        return new Uint8Array(part(body, count));
      }
      case 0x5: {
        const { count, body } = counted(at);
        return part(body, count).toString('latin1');
      }
      case 0x6: {
        const { count, body } = counted(at);
        return Buffer.from(part(body, count * 2)).swap16().toString('utf16le');
      }
      case 0xa: {
        const { count, body } = counted(at);
        part(body, count * referenceBytes);
        return Array.from({ length: count }, (_, index) => referred(body, index));
      }
      case 0xd: {
        const { count, body } = counted(at);
        part(body, count * 2 * referenceBytes);
        return dict(
          Array.from({ length: count }, (_, index) => {
            const key = referred(body, index);
            if (typeof key !== 'string') throw new MalformedPlist('a key that is no string');
            return [key, referred(body, count + index)] as const;
          }),
        );
      }
    }
    throw new MalformedPlist('a kind of value that is not known');
  }

  return object(root, 0);
}

/** One to four bytes are unsigned, eight are signed, sixteen hold an unsigned one that needs all eight. */
function integer(bytes: Buffer): number {
  if (bytes.length === 16 && bytes.subarray(0, 8).some((byte) => byte !== 0)) throw new MalformedPlist('an integer that cannot be held');
  const read = bytes.length === 8 ? bytes.readBigInt64BE(0) : BigInt(`0x${bytes.toString('hex')}`);
  if (!Number.isSafeInteger(Number(read))) throw new MalformedPlist('an integer that cannot be held');
  return Number(read);
}

function date(seconds: number): string {
  const read = new Date((seconds + APPLE_EPOCH_SECONDS) * 1_000);
  if (Number.isNaN(read.getTime())) throw new MalformedPlist('a date that does not exist');
  return read.toISOString();
}
