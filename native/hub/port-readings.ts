import { z } from 'zod';
import type { PortReading } from '../../app/contract/device-host.ts';

/** What `PortsInfo` says of one port; fields that a hub leaves out, or gets wrong, are simply missing. Names as in the vendor's manual. */
const portInfo = z.looseObject({
  Port: z.int(),
  Current_mA: z.number().optional().catch(undefined),
  Energy_Wh: z.number().optional().catch(undefined),
  Flags: z.string().max(40).optional().catch(undefined),
  Battery: z.looseObject({ CurrentLevel: z.number() }).optional().catch(undefined),
});
const portsInfo = z.record(z.string(), z.unknown());
const rails = z.looseObject({
  Temperature_C: z.number().optional().catch(undefined),
  Temperature_flags: z.string().max(40).optional().catch(undefined),
  FiveVoltRail_flags: z.string().max(40).optional().catch(undefined),
  TwelveVoltRail_flags: z.string().max(40).optional().catch(undefined),
  InputRail_flags: z.string().max(40).optional().catch(undefined),
});

/** Only PD hubs have a third column of flags, with one of these. */
const QUICK_CHARGE = /^[-_+qQ]$/;
const FLAG_WORDS: Readonly<Record<string, string>> = { UV: 'under-voltage', OV: 'over-voltage', OT: 'over-temperature' };

/**
 * Readings by port number from the API's `PortsInfo` and, where the hub has one, `Health`; undefined when `PortsInfo` is nonsense.
 * Temperature is that of the hub's board, the nearest a hub has to a port's.
 */
export function portReadings(info: unknown, health: unknown): ReadonlyMap<number, PortReading> | undefined {
  const ports = portsInfo.safeParse(info);
  if (!ports.success) return undefined;
  const board = rails.safeParse(health);
  const celsius = board.success ? whole(board.data.Temperature_C, -50, 150) : undefined;
  const hubFault = board.success ? railFaults(board.data) : undefined;
  const readings = new Map<number, PortReading>();
  for (const value of Object.values(ports.data)) {
    const port = portInfo.safeParse(value);
    if (port.success) readings.set(port.data.Port, readingOf(port.data, celsius, hubFault));
  }
  return readings;
}

function readingOf({ Current_mA, Energy_Wh, Flags, Battery }: z.infer<typeof portInfo>, celsius: number | undefined, hubFault: string | undefined): PortReading {
  const milliamps = whole(Current_mA, 0, 20_000);
  const milliwattHours = Energy_Wh === undefined ? undefined : whole(Energy_Wh * 1_000, 0, Number.MAX_SAFE_INTEGER);
  const batteryPercent = whole(Battery?.CurrentLevel, 0, 100);
  const { power, fault: portFault } = flagsOf(Flags ?? '');
  const fault = portFault ?? hubFault;
  return {
    ...(milliamps === undefined ? {} : { milliamps }),
    ...(milliwattHours === undefined ? {} : { milliwattHours }),
    ...(celsius === undefined ? {} : { celsius }),
    ...(batteryPercent === undefined ? {} : { batteryPercent }),
    ...(fault === undefined ? {} : { fault }),
    ...(power === undefined ? {} : { power }),
  };
}

function flagsOf(flags: string): { readonly power?: PortReading['power']; readonly fault?: string } {
  const [attachment = '', ...rest] = flags.split(' ').filter((flag) => flag !== '');
  // PD hubs: columns of attachment, status, quick charge. Their ports always carry data.
  if (rest.some((flag) => QUICK_CHARGE.test(flag))) return { power: rest[0] === 'O' ? 'off' : 'sync' };
  const all = [attachment, ...rest];
  // `e` is not in the manual; Universal firmware shows it at a port that neither detects nor charges a device.
  const fault = all.includes('e') ? { fault: 'the hub says that this port is broken' } : {};
  if (all.includes('O')) return { power: 'off', ...fault };
  if (all.includes('S')) return { power: 'sync', ...fault };
  return /[BIPCF]/.test(all.join('')) ? { power: 'charge', ...fault } : fault;
}

function railFaults({ Temperature_flags, FiveVoltRail_flags, TwelveVoltRail_flags, InputRail_flags }: z.infer<typeof rails>): string | undefined {
  const named = [['hub', Temperature_flags], ['5 V supply', FiveVoltRail_flags], ['12 V supply', TwelveVoltRail_flags], ['input supply', InputRail_flags]] as const;
  const faults = named.flatMap(([what, flags]) => (flags ?? '').split(' ').flatMap((flag) => (FLAG_WORDS[flag] === undefined ? [] : [`${what}: ${FLAG_WORDS[flag]}`])));
  return faults.length === 0 ? undefined : faults.join('; ').slice(0, 120);
}

function whole(value: number | undefined, least: number, most: number): number | undefined {
  if (value === undefined || !Number.isFinite(value) || value < least || value > most) return undefined;
  return Math.round(value);
}

const MILLIAMPS_STEP = 100;
const MILLIWATT_HOURS_STEP = 1_000;
const CELSIUS_STEP = 2;

/** Whether a reading differs from the last one told by more than what charging does all the time. */
export function changeMatters(told: PortReading, now: PortReading): boolean {
  return (
    told.power !== now.power ||
    told.fault !== now.fault ||
    told.batteryPercent !== now.batteryPercent ||
    isApart(told.milliamps, now.milliamps, MILLIAMPS_STEP) ||
    isApart(told.milliwattHours, now.milliwattHours, MILLIWATT_HOURS_STEP) ||
    isApart(told.celsius, now.celsius, CELSIUS_STEP)
  );
}

function isApart(a: number | undefined, b: number | undefined, step: number): boolean {
  return a === undefined || b === undefined ? a !== b : Math.abs(a - b) >= step;
}
