import { ok, refused, type Result } from '../../app/domain/result.ts';

const HEADER_BYTES = 5;
const STDOUT = 1;
const STDERR = 2;
const EXIT = 3;

/**
 * Reads a whole answer of adb's second shell protocol: packets of kind, length (32 bit, little-endian) and data, the exit code last.
 * `malformed` is also an answer that was cut off.
 */
export function shellOutput(bytes: Buffer): Result<{ readonly output: Buffer; readonly exit: number }, 'malformed'> {
  const output: Buffer[] = [];
  let at = 0;
  while (at + HEADER_BYTES <= bytes.length) {
    const kind = bytes.readUInt8(at);
    const start = at + HEADER_BYTES;
    const end = start + bytes.readUInt32LE(at + 1);
    if (end > bytes.length) return refused('malformed');
    if (kind === EXIT) return end === start + 1 && end === bytes.length ? ok({ output: Buffer.concat(output), exit: bytes.readUInt8(start) }) : refused('malformed');
    if (kind === STDOUT) output.push(bytes.subarray(start, end));
    else if (kind !== STDERR) return refused('malformed');
    at = end;
  }
  return refused('malformed');
}
