import { inflateSync } from 'node:zlib';

const WOFF_HEADER = 44;
const WOFF_RECORD = 20;
const RECORD = 16;

/** The OpenType font inside a WOFF 1.0 file (W3C, 2012): the same tables, inflated. PDF libraries trip over the packed form. */
export function openTypeOf(woff: Buffer): Buffer {
  if (woff.toString('latin1', 0, 4) !== 'wOFF') throw new TypeError('not a WOFF font');
  const count = woff.readUInt16BE(12);
  const power = Math.floor(Math.log2(count));
  const head = Buffer.alloc(12 + RECORD * count);
  woff.copy(head, 0, 4, 8);
  head.writeUInt16BE(count, 4);
  head.writeUInt16BE(2 ** power * RECORD, 6);
  head.writeUInt16BE(power, 8);
  head.writeUInt16BE((count - 2 ** power) * RECORD, 10);
  const parts: Buffer[] = [head];
  let offset = head.length;
  for (let table = 0; table < count; table += 1) {
    const from = WOFF_HEADER + WOFF_RECORD * table;
    const [start, packed, length] = [4, 8, 12].map((field) => woff.readUInt32BE(from + field)) as [number, number, number];
    const raw = woff.subarray(start, start + packed);
    const to = 12 + RECORD * table;
    woff.copy(head, to, from, from + 4);
    woff.copy(head, to + 4, from + 16, from + 20);
    head.writeUInt32BE(offset, to + 8);
    head.writeUInt32BE(length, to + 12);
    const padding = Buffer.alloc((4 - (length % 4)) % 4);
    parts.push(packed < length ? inflateSync(raw) : raw, padding);
    offset += length + padding.length;
  }
  return Buffer.concat(parts);
}
