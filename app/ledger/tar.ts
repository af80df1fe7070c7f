import { ok, refused, type Result } from '../domain/result.ts';

/**
 * POSIX ustar, one spelling only: regular files, mode 0644, owner 0, time 0, names of at most 100 characters, padding and
 * the end marker of two blocks all zero, nothing behind it. A reader can so hold every byte against what a writer would have put.
 */
const BLOCK = 512;
const NAME_BYTES = 100;
const CHECKSUM_AT = 148;
/** The largest file a reader takes into memory: an entry bundle of 256 entries has at most 2.1 MB. */
export const MAX_FILE_BYTES = 16 * 1024 * 1024;

export interface TarFile {
  readonly name: string;
  readonly content: Buffer;
}

export const TAR_FAULTS = ['header', 'too-large', 'padding', 'end', 'cut-short', 'bytes-behind'] as const;
export type TarFault = (typeof TAR_FAULTS)[number];

/** Header, content and padding of one file. Throws for a name that is empty, too long or not plain ASCII. */
export function tarFile({ name, content }: TarFile): Buffer {
  const padded = BLOCK + Math.ceil(content.length / BLOCK) * BLOCK;
  const bytes = Buffer.alloc(padded);
  bytes.set(tarHeader(name, content.length));
  bytes.set(content, BLOCK);
  return bytes;
}

/** What stands behind the last file. */
export const tarEnd = (): Buffer => Buffer.alloc(2 * BLOCK);

function tarHeader(name: string, size: number): Buffer {
  if (!/^[!-~]{1,100}$/.test(name)) throw new TypeError(`"${name}" cannot name a file of a bundle`);
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`;
  header.write(name, 0, 'latin1');
  header.write(octal(0o644, 7) + octal(0, 7) + octal(0, 7) + octal(size, 11) + octal(0, 11), NAME_BYTES, 'latin1');
  header.write('        0', CHECKSUM_AT, 'latin1');
  header.write('ustar\u000000', 257, 'latin1');
  header.write(octal(0, 7) + octal(0, 7), 329, 'latin1');
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${octal(sum, 6)} `, CHECKSUM_AT, 'latin1');
  return header;
}

/** The files of a tar, one at a time. The first refusal ends it; without one the whole stream was canonical. Contents may be parts of the chunks, which must not be written to meanwhile. */
export async function* readTar(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Result<TarFile, TarFault>> {
  const source = createSource(chunks);
  for (;;) {
    const header = await source.take(BLOCK);
    if (header === undefined) return yield refused('cut-short');
    if (isZero(header)) break;
    const read = readHeader(header);
    if (read === undefined) return yield refused('header');
    if (read.size > MAX_FILE_BYTES) return yield refused('too-large');
    const padded = await source.take(Math.ceil(read.size / BLOCK) * BLOCK);
    if (padded === undefined) return yield refused('cut-short');
    if (!isZero(padded.subarray(read.size))) return yield refused('padding');
    yield ok({ name: read.name, content: padded.subarray(0, read.size) });
  }
  const last = await source.take(BLOCK);
  if (last === undefined) return yield refused('cut-short');
  if (!isZero(last)) return yield refused('end');
  if (await source.more()) yield refused('bytes-behind');
}

/** Name and size, if the block is to the byte the header that this program would write for them. */
function readHeader(header: Buffer): { readonly name: string; readonly size: number } | undefined {
  const end = header.indexOf(0);
  const name = header.toString('latin1', 0, end < 0 ? NAME_BYTES : Math.min(end, NAME_BYTES));
  const sizeText = header.toString('latin1', 124, 135);
  if (!/^[!-~]{1,100}$/.test(name) || !/^[0-7]{11}$/.test(sizeText)) return undefined;
  const size = Number.parseInt(sizeText, 8);
  return tarHeader(name, size).equals(header) ? { name, size } : undefined;
}

const ZEROS = Buffer.alloc(BLOCK);
const isZero = (bytes: Buffer): boolean => bytes.equals(ZEROS.subarray(0, bytes.length));

/** Takes exact numbers of bytes from chunks of any size; undefined where the stream ends before. */
function createSource(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
  const iterator = Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
  let held: Buffer = Buffer.alloc(0);
  const fill = async (count: number): Promise<boolean> => {
    if (held.length >= count) return true;
    const parts = [held];
    let length = held.length;
    while (length < count) {
      const next = await iterator.next();
      if (next.done === true) break;
      parts.push(Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength));
      length += next.value.byteLength;
    }
    held = parts.length === 2 && held.length === 0 ? (parts[1] ?? held) : Buffer.concat(parts);
    return held.length >= count;
  };
  return {
    take: async (count: number): Promise<Buffer | undefined> => {
      if (!(await fill(count))) return undefined;
      const taken = held.subarray(0, count);
      held = held.subarray(count);
      return taken;
    },
    more: (): Promise<boolean> => fill(1),
  };
}
