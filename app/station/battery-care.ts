import { BATTERY_LIMITS, judgeBattery, type BatteryVerdict } from '../domain/battery-care.ts';
import type { Record } from './record.ts';
import type { StationContext } from './state.ts';

/** An older word of a battery is none: it may have cooled, or begun to burn. */
const FRESH_MS = 10 * 60_000;

/** Keeps tablets with a dangerous battery in (R4.6): a person looks at them, and they come back by way of service. */
export function createBatteryCare({ deps: { clock, store }, state }: StationContext, record: Record): { tick(): Promise<void>; mayCharge(serial: string): boolean } {
  const verdicts = new Map<string, BatteryVerdict>();
  return {
    tick: async () => {
      for (const serial of verdicts.keys()) if (!state.tablets.has(serial)) verdicts.delete(serial);
      for (const [serial, { facts, readMonoMs }] of state.tablets) {
        if (clock.monoMs() - readMonoMs > FRESH_MS) continue;
        const { batteryCelsius: temperatureC, batteryHealth: health } = facts;
        const verdict = judgeBattery({ ...(temperatureC === undefined ? {} : { temperatureC }), ...(health === undefined ? {} : { health }) }, BATTERY_LIMITS, verdicts.get(serial));
        verdicts.set(serial, verdict);
        const device = store.view.get('device', serial);
        if (!verdict.danger || !device || device.quarantine || device.custody.kind !== 'cart' || device.standing !== 'admitted') continue;
        await record([{ type: 'quarantined', device: serial, slot: device.custody.slot, body: { reason: verdict.danger === 'hot' ? 'battery-heat' : 'fault-reported' } }]);
      }
    },
    mayCharge: (serial) => verdicts.get(serial)?.mayCharge ?? true,
  };
}
