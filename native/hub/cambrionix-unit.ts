import { z } from 'zod';
import type { LIGHTS, PortReading } from '../../app/contract/device-host.ts';
import type { CommandOutcome, HostRefusal } from '../adapters.ts';
import type { ApiOutcome, HubApi } from './hub-api.ts';
import { portReadings } from './port-readings.ts';

type Light = (typeof LIGHTS)[number];

/** Error codes of the API's manual. */
const KEY_NOT_FOUND = -10_003;
const CANNOT_SET = -10_004;

/**
 * `Port.N.leds` is three bytes, one per lamp (green, red, yellow or blue), each a pattern that the hub cycles through bit by
 * bit. The three lights differ in pattern as well as in colour.
 */
const LEDS: Readonly<Record<Light, number>> = { off: 0, take: 0b1111_1111, 'put-back': 0b1111_0000 << 8, attention: 0b1111_1100 << 16 };

/** One hub, as long as its handle is good. `gone`: the handle, the hub or the connection is lost. */
export interface HubUnit {
  read(): Promise<ReadonlyMap<number, PortReading> | 'gone' | 'nonsense'>;
  light(port: number, light: Light): Promise<CommandOutcome | 'gone'>;
  power(port: number, on: boolean): Promise<CommandOutcome | 'gone'>;
  /** Gives the lamps back to the hub and lets go of the handle. */
  release(): Promise<void>;
}

/** Undefined when the API does not open it; the hub may have just left. */
export async function openUnit(api: HubApi, serial: string): Promise<HubUnit | undefined> {
  const opened = await api.call('cbrx_connection_open', [serial]);
  const handle = z.int().safeParse(opened.ok ? opened.result : undefined);
  if (!handle.success) return undefined;
  const get = (key: string) => api.call('cbrx_connection_get', [handle.data, key]);
  const set = (key: string, value: unknown) => api.call('cbrx_connection_set', [handle.data, key, value]);
  // S: the hub can carry data. Hubs for PD always do, cannot be asked to, and call it `c`.
  const flags = await get('HardwareFlags');
  const onMode = flags.ok && z.string().catch('').parse(flags.result).includes('S') ? 's' : 'c';
  const settable = await api.call('cbrx_connection_setdictionary', [handle.data]);
  const keys = z.array(z.string()).safeParse(settable.ok ? settable.result : undefined);
  const hasLights = keys.success && keys.data.some((key) => /^port\.\d+\.leds$/i.test(key));
  let lampsTaken = false;

  return {
    async read() {
      const health = await get('Health');
      const info = await get('PortsInfo');
      if (!info.ok) return 'gone';
      return portReadings(info.result, health.ok ? health.result : undefined) ?? 'nonsense';
    },
    async light(port, light) {
      if (!hasLights) return { ok: false, reason: 'no-light' };
      // Until then the hub shows its own state and overwrites what it is told.
      if (!lampsTaken) {
        const taken = await set('RemoteControl', true);
        if (!taken.ok) return outcomeOf(taken, 'no-light');
        lampsTaken = true;
      }
      return outcomeOf(await set(`Port.${port}.leds`, LEDS[light]), 'no-light');
    },
    async power(port, on) {
      return outcomeOf(await set(`Port.${port}.mode`, on ? onMode : 'o'), 'no-power-control');
    },
    async release() {
      if (lampsTaken) await set('RemoteControl', false);
      await api.call('cbrx_connection_close', [handle.data]);
    },
  };
}

function outcomeOf(outcome: ApiOutcome, cannot: HostRefusal): CommandOutcome | 'gone' {
  if (outcome.ok) return { ok: true };
  if (outcome.error === 'busy') return { ok: false, reason: 'adapter-failing' };
  if (outcome.error === 'refused' && (outcome.code === KEY_NOT_FOUND || outcome.code === CANNOT_SET)) return { ok: false, reason: cannot };
  return 'gone';
}
