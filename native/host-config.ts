import { z } from 'zod';
import { hidReadersConfig, hubConfig, portsOfSlots, tabletsConfig } from '../app/contract/hardware-config.ts';

/** What the station tells its device host at start, as JSON in DOCKWARD_HOST_CONFIG. */
export const hostConfig = z
  .strictObject({
    readers: z.enum(['pcsc', 'simulated', 'none']),
    hidReaders: hidReadersConfig.default(false),
    slots: z.enum(['usb', 'simulated', 'none']),
    /** Slot number → USB port path, for a real cart. */
    ports: portsOfSlots.default({}),
    hub: hubConfig.default({ kind: 'none' }),
    tablets: tabletsConfig.default({}),
    simulatorUrl: z.url({ protocol: /^(?:https?|wss?)$/ }).optional(),
  })
  .refine((config) => config.simulatorUrl !== undefined || (config.readers !== 'simulated' && config.slots !== 'simulated'), {
    path: ['simulatorUrl'],
    message: 'is needed for simulated hardware',
  });
export type HostConfig = z.infer<typeof hostConfig>;

export const HOST_CONFIG_VARIABLE = 'DOCKWARD_HOST_CONFIG';

/** Throws an Error whose message a person can act on. */
export function readHostConfig(json: string | undefined): HostConfig {
  if (json === undefined) throw new Error(`${HOST_CONFIG_VARIABLE} is not set: the station sets it when it starts its device host`);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new Error(`${HOST_CONFIG_VARIABLE} is not JSON`);
  }
  const parsed = hostConfig.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'configuration'}: ${issue.message}`);
  throw new Error(`${HOST_CONFIG_VARIABLE} is wrong: ${issues.join('; ')}`);
}

/** Port paths by slot number, as the USB adapter takes them. */
export function portsBySlot(config: HostConfig): ReadonlyMap<number, string> {
  return new Map(Object.entries(config.ports).map(([slot, port]) => [Number(slot), port]));
}
