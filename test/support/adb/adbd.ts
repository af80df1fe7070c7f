import { createPublicKey, publicDecrypt, randomBytes, type KeyObject } from 'node:crypto';
import { COMMANDS, packet, shellPacket, takePackets, type Packet } from './packets.ts';
import { shellAnswer, type VirtualTablet } from './virtual-tablet.ts';

const VERSION = 0x01000001;
const MAX_PAYLOAD = 256 * 1024;
const AUTH_TOKEN = 1;
const AUTH_SIGNATURE = 2;
const AUTH_PUBLIC_KEY = 3;
/** ASN.1 of "a SHA-1 digest follows", as PKCS #1 puts it before the signed token. */
const SHA1_PREFIX = Buffer.from('3021300906052b0e03021a05000414', 'hex');

interface Stream {
  readonly remote: number;
  readonly queue: Buffer[];
  awaiting: boolean;
  ending: boolean;
}

/**
 * The tablet's end of one adb connection: proves the server's RSA key, then answers shell commands.
 * Give it what arrives; it writes packets and asks for the connection to be dropped when the server breaks the protocol.
 */
export function adbdConnection(tablet: VirtualTablet, wire: { write(bytes: Buffer): void; drop(): void }): (bytes: Buffer) => void {
  const streams = new Map<number, Stream>();
  let arrived: Buffer = Buffer.alloc(0);
  let token = randomBytes(20);
  let maxPayload = 4096;
  let authorised = false;
  let nextStream = 1;

  const send = (command: number, first: number, second: number, payload?: Buffer) => wire.write(packet(command, first, second, payload));

  function welcome(): void {
    authorised = true;
    const { properties } = tablet;
    const named = ['ro.product.name', 'ro.product.model', 'ro.product.device'].map((key) => `${key}=${properties[key] ?? ''};`).join('');
    send(COMMANDS.CNXN, VERSION, MAX_PAYLOAD, Buffer.from(`device::${named}features=shell_v2,cmd`));
  }

  function challenge(): void {
    token = randomBytes(20);
    send(COMMANDS.AUTH, AUTH_TOKEN, 0, token);
  }

  function authenticate({ first, payload }: Packet): void {
    if (first === AUTH_SIGNATURE) return tablet.trusted.some((key) => signed(keyOf(key), payload, token)) ? welcome() : challenge();
    if (first !== AUTH_PUBLIC_KEY) return wire.drop();
    // Otherwise the question stays on the tablet's screen and the server hears nothing.
    if (!tablet.trusting) return;
    tablet.trusted.push(payload.toString());
    welcome();
  }

  function open({ first: remote, payload }: Packet): void {
    const service = payload.toString().replace(/\0$/, '');
    const command = /^shell,([^:]*):(.*)$/s.exec(service);
    tablet.asked.push(service);
    if (command === null || !(command[1] ?? '').split(',').includes('v2')) return send(COMMANDS.CLSE, 0, remote);
    const id = nextStream;
    nextStream += 1;
    const stream: Stream = { remote, queue: [], awaiting: false, ending: false };
    streams.set(id, stream);
    send(COMMANDS.OKAY, id, remote);
    if (tablet.mute) return;
    const { output, exit } = shellAnswer(tablet, command[2] ?? '');
    const bytes = Buffer.concat([shellPacket('stdout', Buffer.from(output)), shellPacket('exit', Buffer.from([exit]))]);
    for (let at = 0; at < bytes.length; at += maxPayload) stream.queue.push(bytes.subarray(at, at + maxPayload));
    stream.ending = true;
    pump(id, stream);
  }

  function pump(id: number, stream: Stream): void {
    if (stream.awaiting) return;
    const next = stream.queue.shift();
    if (next !== undefined) {
      stream.awaiting = true;
      send(COMMANDS.WRTE, id, stream.remote, next);
    } else if (stream.ending) {
      streams.delete(id);
      send(COMMANDS.CLSE, id, stream.remote);
    }
  }

  function take(message: Packet): void {
    const { command, first, second } = message;
    if (command === COMMANDS.CNXN) {
      maxPayload = Math.min(second, MAX_PAYLOAD);
      return challenge();
    }
    if (command === COMMANDS.AUTH) return authenticate(message);
    if (!authorised) return wire.drop();
    const stream = streams.get(second);
    if (command === COMMANDS.OPEN) open(message);
    else if (command === COMMANDS.CLSE) streams.delete(second);
    else if (command === COMMANDS.WRTE) send(stream === undefined ? COMMANDS.CLSE : COMMANDS.OKAY, stream === undefined ? 0 : second, first);
    else if (command === COMMANDS.OKAY && stream !== undefined) {
      stream.awaiting = false;
      pump(second, stream);
    }
  }

  return (bytes) => {
    const { packets, rest } = takePackets(Buffer.concat([arrived, bytes]));
    arrived = rest;
    for (const message of packets) take(message);
  };
}

/** adb writes a public key as base64 of little-endian words: their count, an inverse, the modulus, R squared, the exponent. */
function keyOf(written: string): KeyObject {
  const raw = Buffer.from(written.split(/[ \0]/)[0] ?? '', 'base64');
  const bytes = raw.readUInt32LE(0) * 4;
  const modulus = Buffer.from(raw.subarray(8, 8 + bytes)).reverse();
  const exponent = Buffer.alloc(4);
  exponent.writeUInt32BE(raw.readUInt32LE(8 + bytes * 2));
  const significant = exponent.subarray(exponent.findIndex((byte) => byte !== 0));
  return createPublicKey({ key: { kty: 'RSA', n: modulus.toString('base64url'), e: significant.toString('base64url') }, format: 'jwk' });
}

function signed(key: KeyObject, signature: Buffer, token: Buffer): boolean {
  try {
    return publicDecrypt(key, signature).equals(Buffer.concat([SHA1_PREFIX, token]));
  } catch {
    // OpenSSL throws for a signature of another key.
    return false;
  }
}
