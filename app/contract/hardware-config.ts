import { z } from 'zod';

const slotKey = z.string().regex(/^[1-9][0-9]?$/, 'a slot is a number from 1 to 99');
const tcpPort = z.int().min(1).max(65_535);

/** USB port path of each slot as the kernel names it (`npm run doctor` shows them). */
export const portsOfSlots = z
  .record(slotKey, z.string().regex(/^\d+-\d+(?:\.\d+)*$/, 'a USB port path looks like 1-1.4.2'))
  .refine((ports) => new Set(Object.values(ports)).size === Object.keys(ports).length, 'one USB port is mapped to two slots');

/**
 * USB badge readers and scanners that speak HID. `keyboardShaped`: rf IDEAS readers that look like keyboards are used as well, by
 * their answers alone; for SDK models, which type nothing.
 */
export const hidReadersConfig = z.union([z.boolean(), z.strictObject({ keyboardShaped: z.boolean() })]);

/** What works lights and port power. `kernel`: hubs that switch their ports through the kernel; without lights. */
export const hubConfig = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('kernel') }),
  z.strictObject({
    kind: z.literal('cambrionix'),
    /** Where the vendor's Hub API listens. */
    host: z.string().default('127.0.0.1'),
    port: tcpPort.default(43_424),
    /** Slot number → serial number of the unit, and the port's number on it. */
    slots: z.record(slotKey, z.strictObject({ unit: z.string().min(1).max(64), port: z.int().min(1).max(64) })),
  }),
]);
export type HubConfig = z.infer<typeof hubConfig>;

/** Whom the cart asks about tablets. Nobody, unless it is set: a ward's tablets may be hardened, and adb is a right to give. */
export const tabletsConfig = z.strictObject({
  /** The adb server; `start`: run `adb start-server` where none answers. */
  adb: z.strictObject({ port: tcpPort.default(5_037), start: z.boolean().default(false) }).optional(),
  /** usbmuxd, with its pair records; `{}` is enough. `socket`: where it is not at its usual place. */
  apple: z.strictObject({ socket: z.string().min(1).optional() }).optional(),
});
export type TabletsConfig = z.infer<typeof tabletsConfig>;
