import type { UsbDevice } from './usb-tree.ts';

const MAGIC = 0xfeedcafe;
const HEADER_BYTES = 40;

/** A message of udevd's monitor (libudev format) about a USB device that came or went; `sequence` as the kernel counts. */
export function udevMessage(action: 'add' | 'remove', { path, enumeration, vendor, product }: UsbDevice, sequence: number): Buffer {
  const number = String(enumeration).padStart(3, '0');
  const properties = Buffer.from(
    Object.entries({
      ACTION: action, DEVPATH: `/${path}`, SUBSYSTEM: 'usb', DEVTYPE: 'usb_device', DEVNAME: `/dev/bus/usb/001/${number}`,
      PRODUCT: `${vendor.toString(16)}/${product.toString(16)}/100`, BUSNUM: '001', DEVNUM: number, MAJOR: '189', MINOR: String(enumeration - 1),
      SEQNUM: String(sequence), USEC_INITIALIZED: '1',
    })
      .map(([name, value]) => `${name}=${value}\0`)
      .join(''),
  );
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('libudev\0');
  header.writeUInt32BE(MAGIC, 8);
  // Sizes in the machine's order, filters in the network's.
  header.writeUInt32LE(HEADER_BYTES, 12);
  header.writeUInt32LE(HEADER_BYTES, 16);
  header.writeUInt32LE(properties.length, 20);
  header.writeUInt32BE(murmur2('usb'), 24);
  header.writeUInt32BE(murmur2('usb_device'), 28);
  return Buffer.concat([header, properties]);
}

/** MurmurHash2 with seed 0, by which monitors filter subsystems in the kernel. */
function murmur2(text: string): number {
  const multiplier = 0x5bd1e995;
  const data = Buffer.from(text);
  let hash = data.length;
  let at = 0;
  for (; data.length - at >= 4; at += 4) {
    let word = Math.imul(data.readUInt32LE(at), multiplier);
    word = Math.imul(word ^ (word >>> 24), multiplier);
    hash = Math.imul(hash, multiplier) ^ word;
  }
  const rest = data.length - at;
  if (rest >= 3) hash ^= (data[at + 2] ?? 0) << 16;
  if (rest >= 2) hash ^= (data[at + 1] ?? 0) << 8;
  if (rest >= 1) hash = Math.imul(hash ^ (data[at] ?? 0), multiplier);
  hash = Math.imul(hash ^ (hash >>> 13), multiplier);
  return (hash ^ (hash >>> 15)) >>> 0;
}
