const REPORT_BYTES = 64;
const SCAN_REPORT = 2;
const LENGTH_AT = 1;
const AIM_START_AT = 2;
const AIM_START = 0x5d;
const DATA_AT = 5;
const MOST_DATA = 56;
const CONTINUED_AT = 63;
const CONTINUED = 0x01;
/** An asset label is short; what is longer is another kind of code. */
export const LONGEST_LABEL = 64;
/** What is kept of a code that is still coming: enough to know, once it is trimmed, whether it is too long. */
const KEPT = 2 * LONGEST_LABEL;
const PRINTABLE = /^[\x20-\x7e]+$/;
/** Scanners are set up to end a code with a line end, printers to pad it. */
const AROUND = /^[ \r\n]+|[ \r\n]+$/g;

export type ScanCause = 'protocol' | 'too-long' | 'not-text';
/** A label as it was scanned, or why what came is none: not this kind of report, too long, no plain text. */
export type LabelScan = { readonly ok: true; readonly label: string } | { readonly ok: false; readonly cause: ScanCause };

/**
 * Reads labels out of the input reports of a HID point-of-sale scanner (report 2 on usage page 0x8C), which may come several in
 * one read and spread one label over several. Gives what each read completed; nothing means that the rest is still to come.
 * After something malformed the rest of that read and the label begun are dropped: half a label is another label.
 */
export function labelReader(): (read: Uint8Array) => LabelScan[] {
  let begun = '';
  let isTooLong = false;

  function report(bytes: Uint8Array): LabelScan | undefined {
    const length = bytes[LENGTH_AT] ?? 0;
    if (bytes[0] !== SCAN_REPORT || length > MOST_DATA || bytes[AIM_START_AT] !== AIM_START) return { ok: false, cause: 'protocol' };
    begun += Buffer.from(bytes.subarray(DATA_AT, DATA_AT + length)).toString('latin1');
    if (begun.length > KEPT) [begun, isTooLong] = ['', true];
    if (((bytes[CONTINUED_AT] ?? 0) & CONTINUED) !== 0) return undefined;
    const label = begun.replace(AROUND, '');
    const tooLong = isTooLong || label.length > LONGEST_LABEL;
    [begun, isTooLong] = ['', false];
    if (tooLong) return { ok: false, cause: 'too-long' };
    return PRINTABLE.test(label) ? { ok: true, label } : { ok: false, cause: 'not-text' };
  }

  return (read) => {
    const scans: LabelScan[] = [];
    for (let at = 0; at < read.length; at += REPORT_BYTES) {
      const bytes = read.subarray(at, at + REPORT_BYTES);
      const scan: LabelScan | undefined = bytes.length === REPORT_BYTES ? report(bytes) : { ok: false, cause: 'protocol' };
      if (scan !== undefined) scans.push(scan);
      if (scan?.ok === false && scan.cause === 'protocol') {
        [begun, isTooLong] = ['', false];
        break;
      }
    }
    return scans;
  };
}
