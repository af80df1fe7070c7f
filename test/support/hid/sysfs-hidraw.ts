import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** What a HID device says of itself, and of the one thing it is for. */
export interface HidrawDevice {
  readonly vendor: number;
  readonly product: number;
  readonly name: string;
  readonly serial?: string;
  readonly usagePage: number;
  readonly usage: number;
}

const USB_BUS_TYPE = '0003';
const HIDRAW_MAJOR = 244;

/**
 * A HID device below a USB device as the kernel shows it under `/sys`, with its node `/dev/hidrawN`: enough for libudev and hidapi to
 * list it (with SYSTEMD_DEVICE_VERIFY_SYSFS=0) and for programs to be refused its node. It cannot be spoken with. Both folders must be ours.
 */
export function plugHidraw(usbDevice: string, number: number, { vendor, product, name, serial = '', usagePage, usage }: HidrawDevice): string {
  const sys = '/sys';
  const usbFolder = join(sys, usbDevice);
  const port = usbFolder.split('/').at(-1) ?? '';
  const hex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0');
  const write = (folder: string, files: Record<string, string | Buffer>): void => {
    mkdirSync(folder, { recursive: true });
    for (const [file, content] of Object.entries(files)) writeFileSync(join(folder, file), content);
  };
  const link = (from: string, to: string): void => {
    mkdirSync(join(from, '..'), { recursive: true });
    symlinkSync(relative(join(from, '..'), to), from);
  };
  const usbInterface = join(usbFolder, `${port}:1.0`);
  const hid = join(usbInterface, `${USB_BUS_TYPE}:${hex(vendor, 4)}:${hex(product, 4)}.${hex(number + 1, 4)}`);
  const hidraw = join(hid, 'hidraw', `hidraw${number}`);
  for (const folder of ['bus/usb', 'bus/hid', 'class/hidraw']) mkdirSync(join(sys, folder), { recursive: true });
  write(usbFolder, { idVendor: `${hex(vendor, 4).toLowerCase()}\n`, idProduct: `${hex(product, 4).toLowerCase()}\n`, product: `${name}\n`, bcdDevice: '0730\n' });
  write(usbInterface, { uevent: 'DEVTYPE=usb_interface\nDRIVER=usbhid\n', bInterfaceNumber: '00\n', bInterfaceClass: '03\n', bInterfaceSubClass: '00\n', bInterfaceProtocol: '00\n' });
  write(hid, { uevent: `DRIVER=hid-generic\nHID_ID=${USB_BUS_TYPE}:${hex(vendor, 8)}:${hex(product, 8)}\nHID_NAME=${name}\nHID_UNIQ=${serial}\n`, report_descriptor: descriptor(usagePage, usage) });
  write(hidraw, { uevent: `MAJOR=${HIDRAW_MAJOR}\nMINOR=${number}\nDEVNAME=hidraw${number}\n`, dev: `${HIDRAW_MAJOR}:${number}\n` });
  link(join(usbInterface, 'subsystem'), join(sys, 'bus/usb'));
  link(join(hid, 'subsystem'), join(sys, 'bus/hid'));
  link(join(hidraw, 'subsystem'), join(sys, 'class/hidraw'));
  link(join(hidraw, 'device'), hid);
  link(join(sys, 'class/hidraw', `hidraw${number}`), hidraw);
  const node = `/dev/hidraw${number}`;
  makeNode(node, number);
  return node;
}

/** Root's own, as the kernel makes it. In a user namespace no device can be made: a file has the same rights. */
function makeNode(node: string, minor: number): void {
  try {
    execFileSync('mknod', ['-m', '600', node, 'c', String(HIDRAW_MAJOR), String(minor)], { stdio: 'ignore' });
  } catch {
    writeFileSync(node, '', { mode: 0o600 });
  }
}

/** One application collection with eight bytes each way and as a feature. */
function descriptor(usagePage: number, usage: number): Buffer {
  const page = usagePage > 0xff ? [0x06, usagePage & 0xff, usagePage >> 8] : [0x05, usagePage];
  return Buffer.from([...page, 0x09, usage, 0xa1, 0x01, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95, 0x08, 0x09, 0x01, 0x81, 0x02, 0x09, 0x01, 0xb1, 0x02, 0xc0]);
}
