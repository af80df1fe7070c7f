import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isHub, portsInUse, serialAt, USB_DEVICES } from '../../native/usb/bus.ts';
import { portFolder } from '../../native/hub/sysfs-power.ts';

/** A USB device as the kernel shows it now. */
export interface BusDevice {
  readonly port: string;
  readonly product: string;
  readonly manufacturer: string;
  /** Ports of a hub; undefined for what is none. */
  readonly hubPorts: number | undefined;
  readonly serial: string | undefined;
  /** Speaks adb: an interface ff/42/01. */
  readonly adb: boolean;
  /** Its node for programs such as the adb server. */
  readonly node: string;
}

/** Everything on the USB buses by port path; hubs of the computer itself as `usb1`. */
export type Bus = ReadonlyMap<string, BusDevice>;

const ADB_INTERFACE = 'ff4201';
const ROOT_HUB = /^usb\d+$/;

export async function readBus(): Promise<Bus> {
  const names = await readdir(USB_DEVICES).catch(() => []);
  const ports = names.length === 0 ? [] : [...names.filter((name) => ROOT_HUB.test(name)), ...portsInUse(USB_DEVICES)];
  const devices = await Promise.all(ports.sort(byPort).map((port) => read(port, names)));
  return new Map(devices.map((device) => [device.port, device]));
}

async function read(port: string, names: readonly string[]): Promise<BusDevice> {
  const hub = ROOT_HUB.test(port) || isHub(USB_DEVICES, port);
  const number = async (name: string): Promise<string> => (await text(port, name)).padStart(3, '0');
  return {
    port,
    product: (await text(port, 'product')) || 'a device without a name',
    manufacturer: await text(port, 'manufacturer'),
    hubPorts: hub ? Number(await text(port, 'maxchild')) || 0 : undefined,
    serial: await serialAt(USB_DEVICES, port).catch(() => undefined),
    adb: (await Promise.all(names.filter((name) => name.startsWith(`${port}:`)).map(interfaceClass))).includes(ADB_INTERFACE),
    node: `/dev/bus/usb/${await number('busnum')}/${await number('devnum')}`,
  };
}

async function interfaceClass(name: string): Promise<string> {
  const parts = await Promise.all(['bInterfaceClass', 'bInterfaceSubClass', 'bInterfaceProtocol'].map((part) => text(name, part)));
  return parts.join('').toLowerCase();
}

/** Empty where there is none. */
function text(name: string, attribute: string): Promise<string> {
  return readFile(join(USB_DEVICES, name, attribute), 'utf8').then((value) => value.trim(), () => '');
}

/** `1-1.4` hangs on `1-1`, which hangs on `usb1`. */
export function hubOf(port: string): string {
  const cut = port.lastIndexOf('.');
  return cut < 0 ? `usb${port.split('-')[0] ?? ''}` : port.slice(0, cut);
}

/** Which number of its hub's ports it is. */
export function numberOf(port: string): number {
  return Number(port.split(/[-.]/).at(-1));
}

/** `1-1.2` before `1-1.10`. */
export function byPort(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

/** Hubs beside the computer's own, in order. */
export function hubsOn(bus: Bus): readonly BusDevice[] {
  return [...bus.values()].filter(({ port, hubPorts }) => hubPorts !== undefined && !ROOT_HUB.test(port));
}

/** The kernel's switch for the power of a port; undefined where its hub has none. */
export async function powerSwitchOf(port: string): Promise<string | undefined> {
  const file = join(USB_DEVICES, portFolder(port), 'disable');
  return access(file).then(() => file, () => undefined);
}
