/** Runs on a /sys and a udev of its own: prints one JSON array of [pull to kernel event heard, pull to ledger] in milliseconds. */
import { inMemoryPair } from '../../app/transport/in-memory.ts';
import { systemClock } from '../../native/clock.ts';
import { createDeviceHost } from '../../native/host.ts';
import { loadUsbEvents } from '../../native/usb/hotplug.ts';
import { usbSlots } from '../../native/usb/slots.ts';
import { announcedBus } from '../../test/support/usb/announced-bus.ts';
import { openBenchCart } from './one-cart.ts';

const PULLS = 60;
/** What follows a return (its wipe is asked for) is over by then, and nothing is held back any more. */
const PAUSE_MS = 400;

const bus = await announcedBus();
bus.plug('1-1', { hub: true });
const cart = await openBenchCart();
const slots = cart.slots();
const portOf = (slot: number): string => `1-1.${slot}`;
for (const { slot, serial } of slots) if (serial !== undefined) bus.plug(portOf(slot), { serial });
await bus.announced();

const [hostEnd, stationEnd] = inMemoryPair();
cart.station.attachHost(stationEnd);
const host = createDeviceHost({ transport: hostEnd, readers: [], slots: usbSlots({ clock: systemClock, ports: new Map(slots.map(({ slot }) => [slot, portOf(slot)])) }), clock: systemClock, version: 'bench' });
const events = loadUsbEvents();
if (!events.found) throw new Error(events.detail);
let heard = (): void => undefined;
await events.watch(() => heard());

/** When the ledger has more entries than `size`: written, acknowledged, folded. */
async function recorded(size: number): Promise<number> {
  while (cart.store.size() <= size) await pause(1);
  return performance.now();
}

const times: [number, number][] = [];
for (let turn = 0; turn < PULLS; turn += 1) {
  const { slot, serial } = slots[turn % slots.length] ?? {};
  if (slot === undefined || serial === undefined) throw new Error('the bench cart has an empty slot');
  await pause(PAUSE_MS);
  const kernel = new Promise<number>((resolve) => (heard = () => resolve(performance.now())));
  const before = cart.store.size();
  const start = performance.now();
  bus.unplug(portOf(slot));
  const out = recorded(before);
  times.push([(await kernel) - start, (await out) - start]);
  const away = cart.store.size();
  bus.plug(portOf(slot), { serial });
  await recorded(away);
}
process.stdout.write(`${JSON.stringify(times)}\n`);
await host.stop();
await cart.close();
await bus.end();
process.exit(0);

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
