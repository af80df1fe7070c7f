import { z } from 'zod';

const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/);
/** What the ward's rules say of its nights; times of day are local. */
export const nightRules = z.object({ from: timeOfDay, shift: timeOfDay, needs: z.array(z.object({ ward: z.string(), cart: z.string().optional(), count: z.int().min(0) })) });
export type NightRules = z.infer<typeof nightRules>;

/** The parts of a demo ward that the virtual world is made of. */
export const directory = z.object({
  wards: z.array(z.object({ id: z.string(), name: z.string() })),
  cart: z.object({ ward: z.string(), name: z.string(), shelves: z.array(z.array(z.int().min(1).max(99)).min(1)).min(1) }),
  faults: z.array(z.object({ slot: z.int(), fault: z.string(), ms: z.int().optional() })).default([]),
  staff: z.array(
    z.object({ id: z.string(), name: z.string(), short: z.string(), roles: z.array(z.string()), wards: z.array(z.string()), badgeUid: z.string().regex(/^(?:[0-9A-F]{2}){4,10}$/), pin: z.string() }),
  ),
  devices: z.array(
    z.object({ serial: z.string().min(1), asset: z.string(), ward: z.string(), model: z.string(), profile: z.string(), slot: z.int().optional(), chargePercent: z.int().min(0).max(100).default(80), /** Security patch level of a system update that waits for it. */ updateTo: z.string().regex(/^\d{4}-\d\d-\d\d$/).optional() }),
  ),
  rules: z.object({ batteryFloorPercent: z.int().min(0).max(100), nightFrom: timeOfDay, nightTo: timeOfDay, overnight: nightRules.optional() }),
});
export type Directory = z.infer<typeof directory>;
export type Staff = Directory['staff'][number];
