import { adbServer, type AdbServer } from '../adb/adb-server.ts';
import { fakeCart } from '../adb/fake-cart.ts';
import { virtualTablet, type VirtualTablet } from '../adb/virtual-tablet.ts';
import { announcedBus } from '../usb/announced-bus.ts';
import { portOf, TABLETS } from './soaked-cart.ts';

/** What physically stands where: on the kernel's USB bus, with its udev messages, and on the one that the real adb server sees. */
export interface PhysicalCart {
  readonly adb: AdbServer;
  readonly tablets: ReadonlyMap<string, VirtualTablet>;
  /** Slot by serial; a tablet that is out has none. */
  readonly at: ReadonlyMap<string, number>;
  dock(serial: string, slot: number): Promise<void>;
  undock(serial: string): Promise<void>;
  /** Puts the battery of a tablet at another level. */
  charge(serial: string, level: number): void;
  remove(): Promise<void>;
}

/** Every tablet in its slot, the adb server running. Only inside the testbed. */
export async function physicalCart(): Promise<PhysicalCart> {
  const bus = await announcedBus();
  const forAdb = fakeCart();
  const adb = await adbServer(forAdb.root);
  const tablets = new Map(TABLETS.map((serial) => [serial, virtualTablet(serial)]));
  const at = new Map<string, number>();
  let lastOnAdbBus: Promise<void> = Promise.resolve();

  /** That bus takes one change at a time. */
  function onAdbBus(change: () => Promise<void>): Promise<void> {
    lastOnAdbBus = lastOnAdbBus.then(change);
    return lastOnAdbBus;
  }

  function tablet(serial: string): VirtualTablet {
    const found = tablets.get(serial);
    if (found === undefined) throw new Error(`no tablet ${serial}`);
    return found;
  }

  const cart: PhysicalCart = {
    adb,
    tablets,
    at,
    async dock(serial, slot) {
      at.set(serial, slot);
      bus.plug(portOf(slot), { serial });
      // It remembers every question for other tests.
      tablet(serial).asked.length = 0;
      await onAdbBus(() => forAdb.plug(portOf(slot), tablet(serial)));
    },
    async undock(serial) {
      const slot = at.get(serial);
      if (slot === undefined) throw new Error(`${serial} is not in the cart`);
      at.delete(serial);
      bus.unplug(portOf(slot));
      await onAdbBus(() => forAdb.unplug(portOf(slot)));
    },
    charge: (serial, level) => void (tablet(serial).battery = { level, status: 2 }),
    async remove() {
      await adb.remove();
      await forAdb.remove();
      await bus.end();
    },
  };
  bus.plug('1-1', { hub: true });
  await adb.start();
  for (const [index, serial] of TABLETS.entries()) await cart.dock(serial, index + 1);
  await bus.announced();
  return cart;
}
