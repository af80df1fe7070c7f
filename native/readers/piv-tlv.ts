/** One BER-TLV object inside `bytes`; `end` is the offset behind it. */
export interface Tlv {
  readonly tag: number;
  readonly value: Buffer;
  readonly end: number;
}

const TAG_BYTES_LIMIT = 3;
const LENGTH_BYTES_LIMIT = 3;

/** The object that starts at `offset`. Undefined where there is no whole one: lengths are believed only as far as bytes are there. */
export function tlvAt(bytes: Buffer, offset = 0): Tlv | undefined {
  let at = offset;
  let tag = bytes[at++];
  if (tag === undefined) return undefined;
  if ((tag & 0x1f) === 0x1f) {
    for (let more = true; more; ) {
      const next = bytes[at++];
      if (next === undefined || at - offset > TAG_BYTES_LIMIT) return undefined;
      tag = tag * 0x100 + next;
      more = (next & 0x80) !== 0;
    }
  }
  const first = bytes[at++];
  if (first === undefined || first === 0x80) return undefined;
  let length = first;
  if (first > 0x80) {
    const lengthBytes = first & 0x7f;
    if (lengthBytes > LENGTH_BYTES_LIMIT || at + lengthBytes > bytes.length) return undefined;
    length = bytes.readUIntBE(at, lengthBytes);
    at += lengthBytes;
  }
  const end = at + length;
  return end > bytes.length ? undefined : { tag, value: bytes.subarray(at, end), end };
}

/** The objects that `bytes` consist of; undefined where anything is left over. */
export function tlvList(bytes: Buffer): Tlv[] | undefined {
  const list: Tlv[] = [];
  for (let at = 0; at < bytes.length; ) {
    const next = tlvAt(bytes, at);
    if (next === undefined) return undefined;
    list.push(next);
    at = next.end;
  }
  return list;
}

/** The value behind a path of tags: of each level the first object with that tag. */
export function valueAt(bytes: Buffer, ...path: readonly number[]): Buffer | undefined {
  let level = bytes;
  for (const tag of path) {
    let found = tlvAt(level);
    while (found !== undefined && found.tag !== tag) found = tlvAt(level, found.end);
    if (found === undefined) return undefined;
    level = found.value;
  }
  return level;
}

/** Encodes one object of up to 65,535 bytes. */
export function tlv(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const value = Buffer.concat(parts);
  const tagHex = tag.toString(16);
  const tagBytes = Buffer.from(tagHex.length % 2 === 0 ? tagHex : `0${tagHex}`, 'hex');
  const { length } = value;
  const lengthBytes = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([tagBytes, Buffer.from(lengthBytes), value]);
}
