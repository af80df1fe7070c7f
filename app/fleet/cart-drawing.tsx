import type { CSSProperties } from 'react';
import type { FleetDevice, FleetStation, FleetView } from '../contract/fleet.ts';
import { CartMap } from '../ui/cart-map.tsx';
import { cartSlots, deviceInSlot } from './cart-slots.ts';
import { hrefOf } from './route.ts';
import { nowAtServer, useFleet } from './store.ts';
import { duration, msBetween } from './times.ts';
import { STATE_WORDS, reasonWords } from './words.ts';

/** Width and height that give a bay the same size in every cart of the page; the map itself fits whatever it is given. */
export function proportions(shelves: FleetStation['shelves']): { readonly columns: number; readonly aspectRatio: string } {
  const columns = Math.max(1, ...shelves.map((shelf) => shelf.length));
  return { columns, aspectRatio: `${columns * 1.17 + 0.55} / ${shelves.length * 3.1 + 0.7}` };
}

/** How a cart shares the row with others: by its columns, up to a comfortable size. */
export function cartWidth({ shelves }: FleetStation): CSSProperties {
  const { columns } = proportions(shelves);
  return { flex: `${columns} 1 ${columns * 2.05}rem`, maxWidth: `${columns * 2.75}rem` };
}

/** The station's cart as its kiosk draws it; every slot opens the records of its tablet, an empty one those of the cart. */
export function CartDrawing({ view, station }: { view: FleetView; station: FleetStation }) {
  // In steps of ten seconds: the drawing need not be made anew for every one.
  const now = useFleet((state) => `${nowAtServer(state).slice(0, 18)}0Z`);
  const waitWords = ({ state, reason, reasonSince }: FleetDevice): string => {
    if (reason === undefined || (state !== 'waiting' && state !== 'quarantined')) return '';
    return `. ${reasonWords(reason)}${reasonSince === undefined ? '' : ` (${duration(msBetween(reasonSince, now))})`}`;
  };
  const say = (slot: number): string => {
    const device = deviceInSlot(view, station.id, slot);
    if (device === undefined) return `Slot ${slot}: empty`;
    return device.where.kind === 'conflict' ? `Slot ${slot}: not certain, ${device.asset} is claimed by two carts` : `Slot ${slot}: ${device.asset}, ${STATE_WORDS[device.state]}${device.conflict === true ? ', in conflict' : ''}${waitWords(device)}`;
  };
  const open = (slot: number): void => {
    const device = deviceInSlot(view, station.id, slot);
    location.hash = hrefOf(device === undefined ? { page: 'station', id: station.id, q: '' } : { page: 'device', serial: device.serial, q: '' });
  };
  return (
    <div className="cart-drawing" style={{ aspectRatio: proportions(station.shelves).aspectRatio }}>
      <CartMap shelves={station.shelves} slots={cartSlots(view, station)} labels={{ map: `Slots of ${station.cart}`, slot: ({ slot }) => say(slot) }} onPick={open} />
    </div>
  );
}
