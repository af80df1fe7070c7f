import { connect, type Socket } from 'node:net';

/** Answer-to-reset of a contactless storage card (PC/SC part 3, 3.1.3.2.3.2): here MIFARE Classic 1K. */
export const STORAGE_CARD_ATR = '3B8F8001804F0CA000000306030001000000006A';
/** Answer-to-reset of a DESFire card. */
export const DESFIRE_ATR = '3B8180018080';

/** Control bytes of the vpcd wire: frames of one byte. Only the last is answered. */
const CONTROL_OFF = 0x00;
const CONTROL_ON = 0x01;
const CONTROL_RESET = 0x02;
const CONTROL_GET_ATR = 0x04;
const GET_UID = 'FFCA0000';

export interface CardOptions {
  /** Hex; what Get UID answers, before 90 00. */
  readonly uid?: string;
  /** Hex. */
  readonly atr?: string;
  /** Answers its ATR and then nothing any more. */
  readonly mute?: boolean;
  /** Any other behaviour: APDU in hex → answer in hex; undefined stays silent. Takes precedence over `uid` and `mute`. */
  readonly answer?: (apdu: string) => string | undefined;
}

export interface VirtualCard {
  /** Every APDU so far, in hex. */
  readonly apdus: readonly string[];
  /** Resolves with the first APDU, when the reader has begun to read this card. */
  readonly asked: Promise<string>;
  /** Out of the field, also in the middle of an APDU. */
  remove(): Promise<void>;
}

function answerOf({ uid = '04A1B2C3', mute = false }: CardOptions): (apdu: string) => string | undefined {
  if (mute) return () => undefined;
  return (apdu) => (apdu.startsWith(GET_UID) ? `${uid}9000` : '6D00');
}

/** Puts a card on the virtual slot that listens on 127.0.0.1:`port`; resolves when it is in the field. */
export function insertCard(port: number, options: CardOptions = {}): Promise<VirtualCard> {
  const answer = options.answer ?? answerOf(options);
  const apdus: string[] = [];
  const asked = Promise.withResolvers<string>();

  let powered = false;

  function onControl(socket: Socket, control: number | undefined): void {
    if (control === CONTROL_GET_ATR) sendFrame(socket, options.atr ?? STORAGE_CARD_ATR);
    else if (control === CONTROL_ON || control === CONTROL_RESET) powered = true;
    else if (control === CONTROL_OFF) powered = false;
  }

  function onFrame(socket: Socket, frame: Buffer): void {
    if (frame.length === 1) return onControl(socket, frame[0]);
    const apdu = frame.toString('hex').toUpperCase();
    apdus.push(apdu);
    asked.resolve(apdu);
    // A card that came back without being noticed has no power and hears nothing.
    const said = powered ? answer(apdu) : undefined;
    if (said !== undefined) sendFrame(socket, said);
  }

  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const gone = new Promise<void>((left) => socket.once('close', () => left()));
    let received = Buffer.alloc(0);
    socket.once('error', reject);
    socket.once('connect', () => {
      resolve({
        apdus,
        asked: asked.promise,
        remove() {
          socket.destroy();
          return gone;
        },
      });
    });
    socket.on('data', (data: Buffer) => {
      received = Buffer.concat([received, data]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        const frame = received.subarray(2, end);
        received = received.subarray(end);
        onFrame(socket, frame);
      }
    });
  });
}

function sendFrame(socket: Socket, hex: string): void {
  const payload = Buffer.from(hex, 'hex');
  const length = Buffer.alloc(2);
  length.writeUInt16BE(payload.length);
  socket.write(Buffer.concat([length, payload]));
}
