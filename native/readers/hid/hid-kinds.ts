import type { HidDeviceInfo } from './node-hid-module.ts';
import { PCPROX_PRODUCT, PCPROX_VENDOR } from './pcprox-report.ts';

const DESKTOP_PAGE = 0x01;
const KEYBOARD_USAGES = [0x06, 0x07];
/** USB-IF, HID Point of Sale Usage Tables 1.02, section 3: page Bar Code Scanner, application usage Bar Code Scanner. */
const SCANNER_PAGE = 0x8c;
const SCANNER_USAGE = 0x02;
const NAME_LIMIT = 200;

/** What of all HID devices matters to a cart: the names people see, by path. A path is in one of them at most. */
export interface HidKinds {
  /** rf IDEAS readers that are asked by feature reports. */
  readonly readers: ReadonlyMap<string, string>;
  /** rf IDEAS readers that are a keyboard, wholly or in part, and therefore not opened. */
  readonly typing: ReadonlyMap<string, string>;
  /** Bar code scanners in HID-POS mode. */
  readonly scanners: ReadonlyMap<string, string>;
}

export interface HidChoice {
  /** The ward has told that its rf IDEAS readers look like keyboards although they do not type. */
  readonly keyboardShaped: boolean;
}

/** Sorts what node-hid lists. What is a keyboard, or does not say what it is, is no scanner, and no reader unless it may be. */
export function hidKinds(seen: readonly HidDeviceInfo[], { keyboardShaped }: HidChoice): HidKinds {
  const keyboards = new Set(seen.filter(isKeyboard).map(({ path }) => path));
  const [readers, typing, scanners] = [new Map<string, string>(), new Map<string, string>(), new Map<string, string>()];
  for (const device of seen) {
    const { path, vendorId, productId } = device;
    if (path === undefined) continue;
    const mayBeKeyboard = keyboardShaped && productId === PCPROX_PRODUCT;
    if (vendorId === PCPROX_VENDOR) (keyboards.has(path) && !mayBeKeyboard ? typing : readers).set(path, nameOf(device, 'pcProx'));
    else if (isScanner(device) && !keyboards.has(path)) scanners.set(path, nameOf(device, 'bar code scanner'));
  }
  return { readers, typing, scanners };
}

function nameOf({ path = '', product, serialNumber }: HidDeviceInfo, otherwise: string): string {
  const which = serialNumber === undefined || serialNumber === '' ? path : serialNumber;
  return `${product === undefined || product === '' ? otherwise : product} ${which}`.slice(0, NAME_LIMIT);
}

function isKeyboard({ usagePage, usage }: HidDeviceInfo): boolean {
  return usagePage === undefined || usage === undefined || (usagePage === DESKTOP_PAGE && KEYBOARD_USAGES.includes(usage));
}

function isScanner({ usagePage, usage }: HidDeviceInfo): boolean {
  return usagePage === SCANNER_PAGE && usage === SCANNER_USAGE;
}
