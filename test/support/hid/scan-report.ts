const REPORT_BYTES = 64;
const DATA_AT = 5;
const MOST_DATA = 56;

interface ScanOptions {
  /** More of the same code follows in the next report. */
  readonly continued?: boolean;
  /** AIM's identifier of the kind of bar code; Data Matrix unless told otherwise. */
  readonly aim?: string;
}

/**
 * An input report of a HID-POS scanner: number 2, length, AIM identifier, 56 bytes of data, two of the maker, Decode Data Continued.
 * As the manual of Access-IS LSR118 prints it (appendix B, "HID reports") and Honeywell's Voyager sends it.
 */
export function scanReport(data: string, { continued = false, aim = ']d1' }: ScanOptions = {}): Buffer {
  const report = Buffer.alloc(REPORT_BYTES);
  report.set([2, data.length]);
  report.write(aim, 2, 'latin1');
  report.write(data, DATA_AT, 'latin1');
  report.writeUInt8(0x73, 61);
  report.writeUInt8(continued ? 1 : 0, REPORT_BYTES - 1);
  return report;
}

/** All reports of one code, as long as it may be. */
export function scanReports(code: string): Buffer[] {
  const parts = code.match(new RegExp(`[^]{1,${MOST_DATA}}`, 'g')) ?? [''];
  return parts.map((part, index) => scanReport(part, { continued: index < parts.length - 1 }));
}
