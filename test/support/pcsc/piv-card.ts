import { constants, createHash, privateEncrypt, timingSafeEqual, type KeyObject } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { rawEcdsa } from './raw-ecdsa.ts';

export const DEFAULT_PIN = '123456';
export const PIV_ATR = '3BFD1300008131FE158073C021C057597562694B657940';
/** Commands by their instruction byte, for `muteAt`. */
export const PIV_STEPS = { select: 0xa4, 'get-data': 0xcb, 'get-response': 0xc0, authenticate: 0x87, verify: 0x20 } as const;

export interface PivCardOptions {
  /** Keys by their reference; a copy of a card has the certificates and other keys, or none. */
  readonly keys: { readonly '9A'?: PivKey; readonly '9E'?: PivKey };
  readonly pin?: string;
  readonly triesLeft?: number;
  /** Contactless cards give no PIN away. */
  readonly contactless?: boolean;
  readonly gzip?: boolean;
  readonly uid?: string;
  /** Says nothing any more from the first command of this kind on. */
  readonly muteAt?: keyof typeof PIV_STEPS;
}
export type PivKey = { readonly certificate: Buffer; readonly key?: KeyObject };

export interface PivCard {
  readonly atr: string;
  /** APDU in hex → answer in hex, for `insertCard`. */
  answer(apdu: string): string | undefined;
  triesLeft(): number;
  /** PIN given and not forgotten. */
  isOpen(): boolean;
}

const APPLET = Buffer.from('A000000308000010000100', 'hex');
/** A second applet on every card: what another program selects. */
export const OTHER_APPLET = 'D27600012401';
const PIN_TRIES = 3;
const CERTIFICATES = { '5fc105': '9A', '5fc101': '9E' } as const;
const REFERENCES = { 0x9a: '9A', 0x9e: '9E' } as const;
const ALGORITHMS: Readonly<Record<number, number>> = { 0x07: 256, 0x11: 32, 0x14: 48 };
const NONE = Buffer.alloc(0);

function tlv(tag: string, ...parts: readonly Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  const length = value.length < 0x80 ? [value.length] : value.length < 0x100 ? [0x81, value.length] : [0x82, value.length >> 8, value.length & 0xff];
  return Buffer.concat([Buffer.from(tag, 'hex'), Buffer.from(length), value]);
}

function word(status: number): Buffer {
  return Buffer.from([status >> 8, status & 0xff]);
}

/** A PIV card of NIST SP 800-73-4: SELECT, GET DATA, VERIFY, GENERAL AUTHENTICATE with P-256, P-384 and RSA-2048, chaining both ways. */
export function pivCard(options: PivCardOptions): PivCard {
  const { keys, pin = DEFAULT_PIN, contactless = false, gzip = false, uid = '04112233445566', muteAt } = options;
  const mute = muteAt === undefined ? undefined : PIV_STEPS[muteAt];
  let triesLeft = options.triesLeft ?? PIN_TRIES;
  let selected = false;
  let open = false;
  let silent = false;
  let unsent: Buffer = NONE;
  let chain: Buffer = NONE;

  function certificateObject(slot: '9A' | '9E'): Buffer | undefined {
    const stored = keys[slot]?.certificate;
    if (stored === undefined) return undefined;
    return Buffer.concat([tlv('70', gzip ? gzipSync(stored) : stored), tlv('71', Buffer.from([gzip ? 1 : 0])), tlv('fe')]);
  }

  function objectOf(id: string): Buffer | undefined {
    if (id in CERTIFICATES) return certificateObject(CERTIFICATES[id as keyof typeof CERTIFICATES]);
    if (id === '5fc107') return CAPABILITIES;
    if (id === '5fc102') return holderId(keys);
    return undefined;
  }

  function send(data: Buffer, le: number): Buffer {
    if (data.length <= le) return Buffer.concat([data, word(0x9000)]);
    unsent = data.subarray(le);
    return Buffer.concat([data.subarray(0, le), word(0x6100 | (unsent.length > 255 ? 0 : unsent.length))]);
  }

  function select(data: Buffer, le: number): Buffer {
    chain = NONE;
    const isOther = data.equals(Buffer.from(OTHER_APPLET, 'hex'));
    // A name that no applet has leaves the one selected that is (SP 800-73-4 part 2, 3.1.1).
    if (!isOther && !(data.length >= 5 && APPLET.subarray(0, data.length).equals(data))) return word(0x6a82);
    if (isOther) open = false;
    selected = !isOther;
    if (isOther) return word(0x9000);
    return send(tlv('61', tlv('4f', APPLET.subarray(5)), tlv('79', tlv('4f', APPLET.subarray(0, 5)))), le);
  }

  function verify(p1: number, p2: number, data: Buffer): Buffer {
    if (contactless) return word(0x6982);
    if (p2 !== 0x80) return word(0x6a88);
    if (p1 === 0xff) {
      open = false;
      return word(0x9000);
    }
    if (data.length === 0) return word(open ? 0x9000 : triesWord());
    if (triesLeft === 0) return word(0x6983);
    const wanted = Buffer.alloc(8, 0xff);
    wanted.write(pin);
    open = data.length === 8 && timingSafeEqual(data, wanted);
    triesLeft = open ? PIN_TRIES : triesLeft - 1;
    return word(open ? 0x9000 : triesWord());
  }

  function triesWord(): number {
    return triesLeft === 0 ? 0x6983 : 0x63c0 | triesLeft;
  }

  function getData(data: Buffer, le: number): Buffer {
    const id = data.subarray(2, 2 + (data[1] ?? 0)).toString('hex');
    if (id === '7e') return send(tlv('7e', tlv('4f', APPLET), tlv('5f2f', Buffer.from([0x40, 0]))), le);
    const object = objectOf(id);
    return object === undefined ? word(0x6a82) : send(tlv('53', object), le);
  }

  function authenticate(algorithm: number, reference: number, data: Buffer, le: number): Buffer {
    const slot = REFERENCES[reference as keyof typeof REFERENCES] as '9A' | '9E' | undefined;
    const key = slot && keys[slot]?.key;
    const size = ALGORITHMS[algorithm];
    if (key === undefined || size === undefined) return word(0x6a86);
    if (slot !== '9E' && !open) return word(0x6982);
    const toSign = data.subarray(data.length - size);
    if (data.length < size || (key.asymmetricKeyType === 'rsa') !== (algorithm === 0x07)) return word(0x6a80);
    const signature = algorithm === 0x07 ? privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, toSign) : rawEcdsa(key, toSign);
    return send(tlv('7c', tlv('82', signature)), le);
  }

  function answer(apdu: Buffer): Buffer {
    const [cla = 0, ins = 0, p1 = 0, p2 = 0] = apdu;
    const { data: block, le } = bodyOf(apdu);
    if (ins === PIV_STEPS['get-response']) {
      const rest = unsent;
      unsent = NONE;
      return rest.length === 0 ? word(0x6985) : send(rest, le);
    }
    if (cla === 0xff) return p1 === 0 && ins === 0xca ? Buffer.concat([Buffer.from(uid, 'hex'), word(0x9000)]) : word(0x6d00);
    if (ins === PIV_STEPS.select && p1 === 4) return select(block, le);
    if (!selected) return word(0x6d00);
    chain = Buffer.concat([chain, block]);
    if ((cla & 0x10) !== 0) return word(0x9000);
    const data = chain;
    chain = NONE;
    if (ins === PIV_STEPS.verify) return verify(p1, p2, data);
    if (ins === PIV_STEPS['get-data']) return getData(data, le);
    if (ins === PIV_STEPS.authenticate) return authenticate(p1, p2, data, le);
    return word(0x6d00);
  }

  return {
    atr: PIV_ATR,
    triesLeft: () => triesLeft,
    isOpen: () => open,
    answer(hex) {
      const apdu = Buffer.from(hex, 'hex');
      silent ||= apdu[1] === mute;
      return silent ? undefined : answer(apdu).toString('hex').toUpperCase();
    },
  };
}

/** Short APDUs, and extended ones as OpenSC may send. */
function bodyOf(apdu: Buffer): { data: Buffer; le: number } {
  if (apdu.length > 7 && apdu[4] === 0) return { data: apdu.subarray(7, 7 + apdu.readUInt16BE(5)), le: 65_536 };
  const first = apdu[4] ?? 0;
  if (apdu.length <= 5) return { data: NONE, le: first || 256 };
  return { data: apdu.subarray(5, 5 + first), le: (apdu[5 + first] ?? 0) || 256 };
}

const CAPABILITIES = Buffer.concat([
  tlv('f0', Buffer.from('a000000116ff02', 'hex'), Buffer.alloc(14, 0x11)),
  ...['f1', 'f2'].map((tag) => tlv(tag, Buffer.from([0x21]))),
  tlv('f3'),
  tlv('f4', Buffer.from([0])),
  tlv('f5', Buffer.from([0x10])),
  ...['f6', 'f7', 'fa', 'fb', 'fc', 'fd', 'fe'].map((tag) => tlv(tag)),
]);

/** The card holder unique identifier; its number is drawn from the keys so that each card has its own. */
function holderId(keys: PivCardOptions['keys']): Buffer {
  const number = createHash('sha256').update(keys['9E']?.certificate ?? keys['9A']?.certificate ?? NONE).digest().subarray(0, 16);
  return Buffer.concat([tlv('30', Buffer.from('d4e739da739ced39ce739d836858210842108421c84210c3eb', 'hex')), tlv('34', number), tlv('35', Buffer.from('20401231')), tlv('3e'), tlv('fe')]);
}
