import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adbdConnection } from './adbd.ts';
import type { VirtualTablet } from './virtual-tablet.ts';

/** A USB bus for the preloaded adb server, to which tablets are plugged by port path such as `1-1.4`. */
export interface FakeCart {
  /** Folder of the bus. */
  readonly root: string;
  /** `writable: false` is a machine without the udev rule for it. Done when the server can see it. */
  plug(port: string, tablet: VirtualTablet, rights?: { readonly writable: boolean }): Promise<void>;
  unplug(port: string): Promise<void>;
  remove(): Promise<void>;
}

interface Plugged {
  readonly name: string;
  readonly server: Server;
  readonly sockets: Set<Socket>;
}

export function fakeCart(): FakeCart {
  const root = mkdtempSync(join(tmpdir(), 'dockward-adb-bus-'));
  const bus = join(root, 'dev/bus/usb/001');
  const numbers = join(root, 'sys/dev/char');
  const devices = join(root, 'sys/bus/usb/devices');
  for (const folder of [bus, numbers, devices]) mkdirSync(folder, { recursive: true });
  const plugged = new Map<string, Plugged>();
  let lastNumber = 2;

  async function plug(port: string, tablet: VirtualTablet, { writable } = { writable: true }): Promise<void> {
    lastNumber += 1;
    const name = String(lastNumber).padStart(3, '0');
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      const receive = adbdConnection(tablet, { write: (bytes) => socket.write(bytes), drop: () => socket.destroy() });
      socket.on('data', receive);
      // A server that is killed resets its connections; `close` follows.
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(join(root, `001-${name}`), resolve));
    plugged.set(port, { name, server, sockets });
    mkdirSync(join(devices, port));
    writeFileSync(join(devices, port, 'serial'), `${tablet.serial}\n`);
    symlinkSync(`../../devices/pci0000:00/0000:00:14.0/usb1/${port}`, join(numbers, `189:${lastNumber - 1}`));
    // The server skips names that are not numbers, so it never sees half a device.
    const half = join(bus, `${name}.half`);
    writeFileSync(half, DESCRIPTORS);
    chmodSync(half, writable ? 0o644 : 0o444);
    renameSync(half, join(bus, name));
  }

  async function unplug(port: string): Promise<void> {
    const device = plugged.get(port);
    if (device === undefined) throw new Error(`nothing is plugged at ${port}`);
    plugged.delete(port);
    rmSync(join(bus, device.name));
    rmSync(join(numbers, `189:${Number(device.name) - 1}`));
    rmSync(join(devices, port), { recursive: true });
    const closed = new Promise<void>((resolve) => device.server.close(() => resolve()));
    for (const socket of device.sockets) socket.destroy();
    await closed;
  }

  return {
    root,
    plug,
    unplug,
    async remove() {
      await Promise.all([...plugged.keys()].map(unplug));
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** A device with one interface, Android's (ff/42/01), with a bulk endpoint each way. */
const DESCRIPTORS = Buffer.from([
  [18, 1, 0x00, 0x02, 0, 0, 0, 64, 0xe8, 0x04, 0x60, 0x68, 0x00, 0x01, 1, 2, 3, 1],
  [9, 2, 32, 0, 1, 1, 0, 0x80, 250],
  [9, 4, 0, 0, 2, 0xff, 0x42, 1, 0],
  [7, 5, 0x81, 2, 0x00, 0x02, 0],
  [7, 5, 0x01, 2, 0x00, 0x02, 0],
].flat());
