import type { Broken, Exchange } from './card-link.ts';

/** No object on a card is larger; who sends more is lying. */
export const OBJECT_LIMIT = 16 * 1024;
/** Answers to one command. Real cards need a dozen for the largest object. */
const ANSWERS_LIMIT = 256;
const BLOCK = 255;
const CHAINED = 0x10;
const GET_RESPONSE = 0xc0;
const MORE = 0x61;
const WRONG_LENGTH = 0x6c;
export const DONE = 0x9000;

export interface Command {
  readonly ins: number;
  readonly p1: number;
  readonly p2: number;
  readonly data: Buffer;
  /** An answer with data is awaited. */
  readonly answered: boolean;
}

/** What a card says: its data joined, and its last status word. */
export type Answered = { readonly ok: true; readonly status: number; readonly data: Buffer } | Broken;

/** The APDUs of a command: chained in blocks of 255 bytes (ISO/IEC 7816-4, 5.1.1). */
export function apdusOf({ ins, p1, p2, data, answered }: Command): Buffer[] {
  const apdus: Buffer[] = [];
  for (let at = 0; at === 0 || at < data.length; at += BLOCK) {
    const block = data.subarray(at, at + BLOCK);
    const last = at + BLOCK >= data.length;
    const length = block.length === 0 ? [] : [block.length];
    apdus.push(Buffer.concat([Buffer.from([last ? 0 : CHAINED, ins, p1, p2, ...length]), block, Buffer.from(last && answered ? [0] : [])]));
  }
  return apdus;
}

/** Sends a command and collects its whole answer, however the card cuts it up. What was sent is wiped: it may be a PIN. */
export async function ask(exchange: Exchange, command: Command): Promise<Answered> {
  const apdus = apdusOf(command);
  try {
    for (const apdu of apdus.slice(0, -1)) {
      const answered = await exchange(apdu);
      if (!answered.ok) return answered;
      const status = statusOf(answered.answer);
      if (status !== DONE) return { ok: true, status, data: Buffer.alloc(0) };
    }
    return await collect(exchange, apdus.at(-1) ?? Buffer.alloc(0), command.answered);
  } finally {
    for (const apdu of apdus) apdu.fill(0);
  }
}

/** `hasLength`: the command ends with the length awaited, so that another one can take its place. */
async function collect(exchange: Exchange, last: Buffer, hasLength: boolean): Promise<Answered> {
  const parts: Buffer[] = [];
  let size = 0;
  let next = last;
  for (let answers = 0; answers < ANSWERS_LIMIT; answers += 1) {
    const answered = await exchange(next);
    if (!answered.ok) return answered;
    const part = answered.answer.subarray(0, -2);
    const status = statusOf(answered.answer);
    parts.push(part);
    size += part.length;
    if (size > OBJECT_LIMIT) break;
    const [kind, count] = [status >> 8, status & 0xff];
    if (kind === MORE) next = Buffer.from([0, GET_RESPONSE, 0, 0, count]);
    else if (kind === WRONG_LENGTH && hasLength) next = Buffer.concat([next.subarray(0, -1), Buffer.from([count])]);
    else return { ok: true, status, data: Buffer.concat(parts) };
  }
  return { ok: false, cause: 'protocol' };
}

function statusOf(answer: Buffer): number {
  return answer.readUInt16BE(answer.length - 2);
}
