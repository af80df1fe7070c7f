/** The messages between an adb server and a tablet: a header of six little-endian words and a payload. */
export const COMMANDS = { CNXN: 0x4e584e43, AUTH: 0x48545541, OPEN: 0x4e45504f, OKAY: 0x59414b4f, CLSE: 0x45534c43, WRTE: 0x45545257 } as const;
export const HEADER_BYTES = 24;

export interface Packet {
  readonly command: number;
  readonly first: number;
  readonly second: number;
  readonly payload: Buffer;
}

export function packet(command: number, first: number, second: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  const sum = payload.reduce((total, byte) => (total + byte) >>> 0, 0);
  [command, first, second, payload.length, sum, (command ^ 0xffffffff) >>> 0].forEach((word, index) => header.writeUInt32LE(word, index * 4));
  return Buffer.concat([header, payload]);
}

/** Takes whole packets off the front of what has arrived. Throws on a header that does not carry its own complement. */
export function takePackets(arrived: Buffer): { readonly packets: readonly Packet[]; readonly rest: Buffer } {
  const packets: Packet[] = [];
  let rest = arrived;
  while (rest.length >= HEADER_BYTES) {
    const command = rest.readUInt32LE(0);
    if (rest.readUInt32LE(20) !== (command ^ 0xffffffff) >>> 0) throw new Error('the adb server sent a header without its magic');
    const end = HEADER_BYTES + rest.readUInt32LE(12);
    if (rest.length < end) break;
    packets.push({ command, first: rest.readUInt32LE(4), second: rest.readUInt32LE(8), payload: Buffer.from(rest.subarray(HEADER_BYTES, end)) });
    rest = rest.subarray(end);
  }
  return { packets, rest };
}

const SHELL_IDS = { stdout: 1, stderr: 2, exit: 3 } as const;

/** One packet of the second shell protocol. */
export function shellPacket(id: keyof typeof SHELL_IDS, data: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt8(SHELL_IDS[id], 0);
  header.writeUInt32LE(data.length, 1);
  return Buffer.concat([header, data]);
}
