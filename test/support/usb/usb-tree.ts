import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const CONTROLLER = 'devices/pci0000:00/0000:00:14.0';
const HUB_CLASS = 9;

export interface UsbDeviceOptions {
  readonly serial?: string;
  readonly hub?: boolean;
  readonly product?: string;
  /** Of a hub. */
  readonly ports?: number;
}

/** A device as its kernel messages describe it. `path` is its place below /sys. */
export interface UsbDevice {
  readonly path: string;
  readonly port: string;
  readonly enumeration: number;
  readonly vendor: number;
  readonly product: number;
}

export interface UsbTree {
  /** The folder an adapter is given as its root: `<root>/bus/usb/devices`. */
  readonly devices: string;
  plug(port: string, options?: UsbDeviceOptions): UsbDevice;
  /** Takes the device and all that hangs on it, lowest first as the kernel does. Returns them in that order. */
  unplug(port: string): readonly UsbDevice[];
}

/** A USB host as the kernel shows it under /sys, here under `root`, with one root hub; `usb1` dies like any other hub. */
export function usbTree(root: string, told: (action: 'add' | 'remove', device: UsbDevice) => void = () => {}): UsbTree {
  const devices = join(root, 'bus/usb/devices');
  const present = new Map<string, UsbDevice>();
  let enumerations = 0;
  mkdirSync(devices, { recursive: true });

  function plug(port: string, { serial, hub = false, product = hub ? 'SuperSync15' : 'SM-T630', ports = 15 }: UsbDeviceOptions = {}): UsbDevice {
    const above = parentOf(port);
    if (above !== undefined && !present.has(above)) plug(above, { hub: true });
    if (present.has(port)) throw new Error(`something is plugged into ${port} already`);
    enumerations += 1;
    const [vendor, productId] = hub ? [0x0424, 0x2514] : [0x04e8, 0x6860];
    const device: UsbDevice = { path: join(above === undefined ? CONTROLLER : (present.get(above)?.path ?? ''), port), port, enumeration: enumerations, vendor, product: productId };
    const folder = join(root, device.path);
    mkdirSync(folder, { recursive: true });
    const hex = (value: number) => value.toString(16).padStart(4, '0');
    const attributes: Record<string, string> = {
      idVendor: hex(vendor), idProduct: hex(productId), bcdDevice: '0100', version: ' 2.00', speed: '480',
      bDeviceClass: hub ? '09' : '00', bDeviceSubClass: '00', bDeviceProtocol: '00', bMaxPacketSize0: '64',
      bConfigurationValue: '1', bNumConfigurations: '1', busnum: '1', devpath: port.split('-')[1] ?? '0', maxchild: hub ? String(ports) : '0',
      manufacturer: hub ? 'Cambrionix' : 'SAMSUNG', product, removable: 'removable', dev: `189:${enumerations - 1}`,
      uevent: `MAJOR=189\nMINOR=${enumerations - 1}\nDEVNAME=bus/usb/001/${number3(enumerations)}\nDEVTYPE=usb_device\nDRIVER=usb\nPRODUCT=${vendor.toString(16)}/${productId.toString(16)}/100\nTYPE=${hub ? 9 : 0}/0/0\nBUSNUM=001\nDEVNUM=${number3(enumerations)}`,
      ...(serial === undefined ? {} : { serial }),
    };
    for (const [name, value] of Object.entries(attributes)) writeFileSync(join(folder, name), `${value}\n`);
    writeFileSync(join(folder, 'descriptors'), descriptorsOf(device, hub));
    symlinkSync(relative(folder, join(root, 'bus/usb')), join(folder, 'subsystem'));
    // Last, as in the kernel: what can be found is complete.
    writeFileSync(join(folder, 'devnum'), `${enumerations}\n`);
    symlinkSync(relative(devices, folder), join(devices, port));
    present.set(port, device);
    told('add', device);
    return device;
  }

  function unplug(port: string): readonly UsbDevice[] {
    const device = present.get(port);
    if (device === undefined) throw new Error(`nothing is plugged into ${port}`);
    const below = [...present.keys()].filter((other) => parentOf(other) === port).flatMap((other) => unplug(other));
    present.delete(port);
    rmSync(join(devices, port));
    rmSync(join(root, device.path), { recursive: true });
    told('remove', device);
    return [...below, device];
  }

  plug('usb1', { hub: true, product: 'xHCI Host Controller' });
  return { devices, plug, unplug };
}

/** What the interface of a hub shows of one of its ports: the switch for its power, and its face on the other bus speed. */
export function powerSwitch(tree: UsbTree, port: string, peer?: string): { readonly file: string; read(): string } {
  const hub = parentOf(port) ?? '';
  const number = port.split(/[-.]/).at(-1) ?? '';
  const hubInterface = hub.startsWith('usb') ? `${hub.slice(3)}-0:1.0` : `${hub}:1.0`;
  const folder = join(tree.devices, hubInterface, `${hub}-port${number}`);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'disable');
  writeFileSync(file, '0\n');
  if (peer !== undefined && !existsSync(join(folder, 'peer'))) symlinkSync(relative(folder, peer), join(folder, 'peer'));
  return { file, read: () => readFileSync(file, 'utf8').trim() };
}

/** `1-1.4` hangs on `1-1`, which hangs on `usb1`. */
function parentOf(port: string): string | undefined {
  if (port.startsWith('usb')) return undefined;
  const cut = port.lastIndexOf('.');
  return cut < 0 ? `usb${port.split('-')[0] ?? ''}` : port.slice(0, cut);
}

const number3 = (value: number): string => String(value).padStart(3, '0');

/** Device, one configuration, one interface: the least that lsusb and libusb read without complaint. */
function descriptorsOf({ vendor, product }: UsbDevice, hub: boolean): Buffer {
  const device = Buffer.from([18, 1, 0, 2, hub ? HUB_CLASS : 0, 0, 0, 64, 0, 0, 0, 0, 0, 1, 1, 2, 3, 1]);
  device.writeUInt16LE(vendor, 8);
  device.writeUInt16LE(product, 10);
  return Buffer.concat([device, Buffer.from([9, 2, 18, 0, 1, 1, 0, 0x80, 250]), Buffer.from([9, 4, 0, 0, 0, hub ? HUB_CLASS : 0xff, 0x42, 1, 0])]);
}
