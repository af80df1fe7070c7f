import type { FleetDevice, FleetStation, FleetView } from '../contract/fleet.ts';
import type { SlotLook, SlotView } from '../contract/kiosk.ts';

const LOOKS: Readonly<Record<FleetDevice['state'], SlotLook>> = {
  proven: 'ready',
  preparing: 'preparing',
  waiting: 'waiting',
  quarantined: 'out-of-service',
  out: 'unknown',
  unknown: 'unknown',
};

/** The device that the ledgers last put into this slot; also one that this cart claims and another cart contradicts. */
export function deviceInSlot(view: FleetView, station: string, slot: number): FleetDevice | undefined {
  return view.devices.find(({ where }) => where.kind === 'cart' && where.station === station && where.slot === slot) ?? view.devices.find(({ where }) => where.kind === 'conflict' && where.sides.some((side) => side.holder === undefined && side.station === station && side.slot === slot));
}

/** The station's slots as the cart map draws them, from what the server knows of the devices in them. */
export function cartSlots(view: FleetView, station: FleetStation): SlotView[] {
  return station.shelves.flat().map((slot) => {
    const device = deviceInSlot(view, station.id, slot);
    return { slot, look: device === undefined ? 'empty' : device.where.kind === 'conflict' ? 'unknown' : LOOKS[device.state] };
  });
}
