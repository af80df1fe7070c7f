import type { StationConfig } from '../../app/station/config.ts';
import { loadUsbEvents } from '../../native/usb/hotplug.ts';
import { missing, ok, optional, type Finding } from './finding.ts';
import { byPort, hubOf, numberOf, type Bus, type BusDevice } from './usb-bus.ts';

const NEVER_SEEN = 'Tablets put into this slot are never seen: it cannot offer one, nor take one back.';
const WHICH = 'A tablet without a serial number is not known, and is never offered.';

/** Each configured slot, and what is on the bus besides. */
export function slots(config: StationConfig | undefined, bus: Bus): readonly Finding[] {
  const events = loadUsbEvents();
  const news = events.found ? [] : [optional(`USB: ${events.detail}`, 'Docking is noticed by looking four times a second, and not at once.', ['npm ci   (usb is an optional package)'])];
  if (config !== undefined && config.slots !== 'usb') return [...news, optional(`USB slots: not used ("slots": "${config.slots}" in the configuration)`)];
  if (config === undefined) return [...news, ...described(bus)];
  const mapped = Object.entries(config.ports).map(([slot, port]) => ({ slot: Number(slot), port }));
  const ports = new Set(mapped.map(({ port }) => port));
  return [...news, ...mapped.sort((a, b) => a.slot - b.slot).map(({ slot, port }) => slotOn(bus, slot, port, mapped)), ...others(bus, ports)];
}

function slotOn(bus: Bus, slot: number, port: string, mapped: readonly { readonly slot: number; readonly port: string }[]): Finding {
  const at = `slot ${slot} → port ${port}`;
  const trouble = portTrouble(bus, port);
  if (trouble !== undefined) return missing(`${at}: no such port, ${trouble.why}`, NEVER_SEEN, trouble.mend);
  const docked = bus.get(port);
  if (docked === undefined) return ok(`${at}: empty`);
  if (docked.hubPorts !== undefined) {
    return missing(`${at}: that is a hub, ${docked.product}, and no slot`, NEVER_SEEN, [`its own ports are ${port}.1 to ${port}.${docked.hubPorts}: npm run doctor -- --learn ${slot} finds out which`]);
  }
  if (docked.serial === undefined) return missing(`${at}: ${docked.product}, which tells no serial number`, WHICH, ['another cable: this one may only charge', 'or wake the tablet and plug it in anew']);
  const twin = mapped.find((other) => other.slot !== slot && bus.get(other.port)?.serial === docked.serial);
  if (twin !== undefined) return missing(`${at}: ${tablet(docked)}, the same as in slot ${twin.slot}`, 'Two tablets that say they are the same are both never offered.', ['take one of them out of service: its maker gave a number twice, or one was copied']);
  return ok(`${at}: ${tablet(docked)}`);
}

/** Why a port cannot be there; undefined where it can, empty or not. */
function portTrouble(bus: Bus, port: string): { readonly why: string; readonly mend: readonly string[] } | undefined {
  const hub = hubOf(port);
  const above = bus.get(hub);
  const learn = 'or the map is wrong: npm run doctor -- --learn makes it anew';
  if (above === undefined) return { why: `hub ${firstMissing(bus, hub)} is not connected`, mend: ['look at the cable between that hub and the computer, and at its power supply', learn] };
  if (above.hubPorts === undefined) return { why: `what is on ${hub} is no hub, but ${above.product}`, mend: [learn.replace('or ', '')] };
  if (above.hubPorts > 0 && numberOf(port) > above.hubPorts) return { why: `hub ${hub} has ${above.hubPorts} ports`, mend: [learn.replace('or ', '')] };
  return undefined;
}

/** The uppermost of a cascade: with it the others come back. */
function firstMissing(bus: Bus, hub: string): string {
  const above = hubOf(hub);
  return hub.startsWith('usb') || bus.has(above) ? hub : firstMissing(bus, above);
}

const tablet = ({ product, serial }: BusDevice): string => `${product}, serial ${serial ?? 'none'}`;

function others(bus: Bus, ports: ReadonlySet<string>): readonly Finding[] {
  return plain(bus).filter(({ port }) => !ports.has(port)).map((device) => ok(`port ${device.port}: ${device.product}, in no slot`));
}

function described(bus: Bus): readonly Finding[] {
  const found = plain(bus).map((device) => ok(`port ${device.port}: ${device.serial === undefined ? `${device.product}, no serial number` : tablet(device)}`));
  const learn = optional('which slot of the cart is which port', 'Only plugging shows it. The answer goes into station.json as "ports".', ['npm run doctor -- --learn 1-8   (the numbers on your cart; one tablet is plugged from slot to slot)']);
  return [...(found.length === 0 ? [optional('nothing is plugged into USB')] : found), learn];
}

/** What is no hub. */
function plain(bus: Bus): readonly BusDevice[] {
  return [...bus.values()].filter(({ hubPorts }) => hubPorts === undefined).sort((a, b) => byPort(a.port, b.port));
}
