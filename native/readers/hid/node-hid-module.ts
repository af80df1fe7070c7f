import type { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';

/** What is used of node-hid 3.4.0. Usage page and usage are told on Linux (hidraw) and Windows. */
export interface HidDeviceInfo {
  readonly vendorId?: number | undefined;
  readonly productId?: number | undefined;
  readonly path?: string | undefined;
  readonly serialNumber?: string | undefined;
  readonly product?: string | undefined;
  readonly usagePage?: number | undefined;
  readonly usage?: number | undefined;
}

/** Calls on one device are made one after the other, in a worker thread each. It is read from only while somebody listens to `data`. */
export interface HidDevice extends EventEmitter {
  sendFeatureReport(report: Buffer): Promise<number>;
  /** `length` counts the report's number, which is the first byte of the answer. */
  getFeatureReport(reportNumber: number, length: number): Promise<Buffer>;
  close(): Promise<void>;
}

export interface Hid {
  /** 0 stands for any. */
  devicesAsync(vendorId: number, productId: number): Promise<readonly HidDeviceInfo[]>;
  readonly HIDAsync: { open(path: string): Promise<HidDevice> };
}

export type HidModule = { readonly found: true; readonly hid: Hid } | { readonly found: false; readonly detail: string };

/** Loads the optional package; a missing or wrongly built one is an answer, not an exception. */
export function loadNodeHid(): HidModule {
  try {
    const loaded: unknown = createRequire(import.meta.url)('node-hid');
    const usable = typeof loaded === 'object' && loaded !== null && 'devicesAsync' in loaded && 'HIDAsync' in loaded;
    return usable ? { found: true, hid: loaded as Hid } : { found: false, detail: 'the package node-hid is not what it was: it cannot list devices' };
  } catch (error) {
    return { found: false, detail: missingDetail(error instanceof Error ? error.message : String(error)) };
  }
}

/** Its native part is loaded at the first use only, so this serves that failure too. */
export function missingDetail(message: string): string {
  if (/libudev|libusb/.test(message)) return 'a library of the USB badge reader driver is missing: install libudev1 and libusb-1.0-0';
  if (/Cannot find module|No native build|bindings/.test(message)) return 'USB badge reader driver not installed: install the packages again, with optional ones (node-hid)';
  return `USB badge readers cannot be looked for: ${message.split('\n')[0] ?? message}`;
}
