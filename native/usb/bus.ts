import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { usbSerial } from '../../app/contract/device-host.ts';

/** The kernel's table of USB devices, by port path; a device's entry goes before the kernel announces that it went. */
export const USB_DEVICES = '/sys/bus/usb/devices';

const DEVICE_NAME = /^\d+-\d+(?:\.\d+)*$/;
const HUB_CLASS = '09';

/**
 * The number the kernel gave at enumeration; it changes whenever a device leaves and comes back, however quickly.
 * Undefined when nothing is there. Throws when the table cannot be read.
 */
export function enumerationAt(root: string, port: string): string | undefined {
  return attribute(root, port, 'devnum');
}

/** Port paths of all devices but root hubs, in the kernel's order. Throws when the table cannot be read. */
export function portsInUse(root: string): readonly string[] {
  return readdirSync(root).filter((name) => DEVICE_NAME.test(name));
}

/** False also for what has just left. */
export function isHub(root: string, port: string): boolean {
  return attribute(root, port, 'bDeviceClass') === HUB_CLASS;
}

/**
 * The serial a device reports; undefined when it reports none, one that cannot be one, or has just left.
 * May take seconds: the kernel holds this file back while it resets the device.
 */
export async function serialAt(root: string, port: string): Promise<string | undefined> {
  try {
    const serial = usbSerial.safeParse((await readFile(join(root, port, 'serial'), 'utf8')).trim());
    return serial.success ? serial.data : undefined;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

function attribute(root: string, port: string, name: string): string | undefined {
  try {
    return readFileSync(join(root, port, name), 'utf8').trim();
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** A device may leave between any two looks at it. */
function isGone(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ENODEV' || code === 'ENXIO' || code === 'ENOTDIR';
}
