/** What a station did to the files of its folder, in order, and what it said meanwhile (recorder.c). Offsets and sizes in bytes. */
export type Operation =
  | { readonly kind: 'write'; readonly name: string; readonly offset: number; readonly data: Buffer }
  | { readonly kind: 'truncate'; readonly name: string; readonly size: number }
  | { readonly kind: 'sync' | 'create' | 'unlink'; readonly name: string }
  | { readonly kind: 'sync-folder' }
  | { readonly kind: 'mark'; readonly text: string };

const HEAD_BYTES = 16;
const RENAME = 8;

/** Reads a log. A rename throws: the disk model has no answer for one, and the ledger makes none while it is open. */
export function parseRecord(log: Buffer): readonly Operation[] {
  const operations: Operation[] = [];
  for (let at = 0; at < log.length; ) {
    const code = log.readUInt8(at);
    const nameLength = log.readUInt8(at + 1);
    const length = log.readUInt32LE(at + 4);
    const offset = Number(log.readBigUInt64LE(at + 8));
    const name = log.toString('utf8', at + HEAD_BYTES, at + HEAD_BYTES + nameLength);
    const data = log.subarray(at + HEAD_BYTES + nameLength, at + HEAD_BYTES + nameLength + length);
    at += HEAD_BYTES + nameLength + length;
    if (at > log.length) throw new Error('the record ends in the middle of an operation');
    operations.push(operationOf(code, name, offset, data));
  }
  return operations;
}

function operationOf(code: number, name: string, offset: number, data: Buffer): Operation {
  switch (code) {
    case 1:
      return { kind: 'write', name, offset, data };
    case 2:
      return { kind: 'truncate', name, size: offset };
    case 3:
      return { kind: 'sync', name };
    case 4:
      return { kind: 'create', name };
    case 5:
      return { kind: 'unlink', name };
    case 6:
      return { kind: 'sync-folder' };
    case 7:
      return { kind: 'mark', text: data.toString().trimEnd() };
    case RENAME:
      throw new Error(`the station renamed ${name} to ${data.toString()}: the disk model knows no renames`);
    default:
      throw new Error(`operation ${code} is not in the list of recorder.c`);
  }
}
