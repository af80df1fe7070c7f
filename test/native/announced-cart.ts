import type { SlotEvent } from '../../native/adapters.ts';
import { systemClock, type HostClock } from '../../native/clock.ts';
import { usbSlots } from '../../native/usb/slots.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';
import { announcedBus, type AnnouncedBus } from '../support/usb/announced-bus.ts';
import { leavingOutAttachments } from './leaving-out-attachments.ts';

const PORTS = new Map([
  [1, '1-1.1'],
  [2, '1-1.2'],
]);
/** Never looks by itself: what is found was announced. */
export const unhurried: HostClock = { ...systemClock, every: () => () => {} };

export interface AnnouncedCart {
  readonly bus: AnnouncedBus;
  readonly events: SlotEvent[];
  /** The first word of a slot with these values. */
  slot(wanted: object): Promise<SlotEvent>;
  end(): Promise<void>;
}

/** Two slots on a hub of the testbed's bus, seen by the adapter as it is shipped. Only inside the testbed. */
export async function announcedCart(clock: HostClock): Promise<AnnouncedCart> {
  const bus = await announcedBus();
  bus.plug('1-1', { hub: true });
  const events: SlotEvent[] = [];
  const running = usbSlots({ clock, ports: PORTS }).start((event) => events.push(leavingOutAttachments(event)));
  await waitFor('the whole cart', () => events.some(({ event }) => event === 'slots'));
  return {
    bus,
    events,
    slot: (wanted) => waitFor(JSON.stringify(wanted), () => events.find((event) => event.event === 'slot' && Object.entries(wanted).every(([name, value]) => event[name as keyof typeof event] === value))),
    async end() {
      await running.stop();
      bus.unplug('usb1');
      await bus.end();
    },
  };
}
