import type { HubEvent } from '../../native/adapters.ts';
import { systemClock, type HostClock } from '../../native/clock.ts';
import { cambrionixHub, type HubPort } from '../../native/hub/cambrionix.ts';
import { emulatedHubApi } from '../support/cambrionix/hub-api.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';

export const UNIT = 'DB0074F5';
export const SLOTS: ReadonlyMap<number, HubPort> = new Map([
  [1, { unit: UNIT, port: 3 }],
  [2, { unit: UNIT, port: 4 }],
]);

/** How long the adapter waits for an answer. */
const DEADLINES: readonly number[] = [1_500, 1_800];

/** Waits between looks and retries take a tenth; deadlines their full time, or a busy machine would pass for a silent service. */
export const hurriedClock: HostClock = {
  monoMs: () => systemClock.monoMs() * 10,
  after: (ms, act) => systemClock.after(DEADLINES.includes(ms) ? ms : ms / 10, act),
  every: (ms, act) => systemClock.every(ms / 10, act),
};

/** An emulated Hub API with one hub of eight ports, and the adapter on it. */
export async function hubCart(options: { lights?: boolean; sync?: boolean; slots?: ReadonlyMap<number, HubPort> } = {}) {
  const api = await emulatedHubApi([{ serial: UNIT, ports: 8, ...options }]);
  const events: HubEvent[] = [];
  const hub = cambrionixHub({ clock: hurriedClock, slots: options.slots ?? SLOTS, port: api.tcpPort }).start((event) => events.push(event));
  const standing = () => events.findLast((event) => event.event === 'adapter');
  const until = (state: string, detail = '') => waitFor(`${state} ${detail}`, () => {
    const now = standing();
    return now?.state === state && (now.detail ?? '').includes(detail) && now;
  });
  return {
    api,
    hub,
    events,
    standing,
    until,
    light: (slot: number, light: 'off' | 'take' | 'put-back' | 'attention') => hub.command({ command: 'light', slot, light }),
    power: (slot: number, on: boolean) => hub.command({ command: 'port-power', slot, on }),
    readings: (slot: number) => events.flatMap((event) => (event.event === 'port' && event.slot === slot ? [event.reading] : [])),
    async end() {
      await hub.stop();
      if (api.listening()) await api.halt();
    },
  };
}
