import { z } from 'zod';
import { hidReadersConfig, hubConfig, portsOfSlots, tabletsConfig } from '../contract/hardware-config.ts';

const slot = z.int().min(1).max(99);

/** A station's configuration file (README "A real cart"). Everything has a default but the shelves of a real cart. */
export const stationConfig = z
  .strictObject({
    /** The stations' listener of the central server, `https://host:port`. */
    central: z.url({ protocol: /^https$/ }).optional(),
    readers: z.enum(['pcsc', 'simulated', 'none']).default('pcsc'),
    /** USB badge readers that speak HID (native/readers/hid), beside the others. */
    hidReaders: hidReadersConfig.default(false),
    slots: z.enum(['usb', 'simulated', 'none']).default('usb'),
    /** Slot numbers shelf by shelf, as they stand on the cart: top to bottom, left to right. */
    shelves: z.array(z.array(slot).min(1)).min(1),
    /** Slot number → USB port path (`lsusb -t` or `npm run doctor` shows them). */
    ports: portsOfSlots.default({}),
    hub: hubConfig.default({ kind: 'none' }),
    tablets: tabletsConfig.default({}),
    timeZone: z.string().default('UTC').refine(isTimeZone, 'is not an IANA time zone such as Europe/Berlin'),
    language: z.string().default('en'),
    kioskPort: z.int().min(0).max(65_535).default(0),
  })
  .refine(({ shelves }) => new Set(shelves.flat()).size === shelves.flat().length, { path: ['shelves'], message: 'a slot number stands twice' })
  .refine(({ slots, shelves, ports }) => slots !== 'usb' || shelves.flat().every((number) => String(number) in ports), { path: ['ports'], message: 'every slot on the shelves needs its USB port path' });
export type StationConfig = z.infer<typeof stationConfig>;

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone.length > 0;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
