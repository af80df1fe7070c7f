import { useState, type DragEvent, type MouseEvent, type ReactNode } from 'react';
import { CartMap, type MapSlot } from '../../ui/cart-map.tsx';
import { Tablet, type Look } from '../../ui/tablet.tsx';
import type { VirtualTablet, WorldView } from './world.ts';
import { truthOf } from './words.ts';

interface CartProps {
  readonly world: WorldView;
  /** What a click on this slot does now, in words. */
  readonly hint: string;
  readonly onPick: (slot: number) => void;
  readonly onDrop: (serial: string, slot: number) => void;
}

/** The cart as it truly stands: fill = charge, shape = what is really on the tablet. */
export function Cart({ world, hint, onPick, onDrop }: CartProps): ReactNode {
  const [pointed, setPointed] = useState<number>();
  const byserial = new Map(world.tablets.map((tablet) => [tablet.serial, tablet]));
  const slots = world.slots.map((slot) => drawn(slot, slot.serial === null ? undefined : byserial.get(slot.serial)));
  const point = (event: MouseEvent): void => setPointed(slotUnder(event.target));
  return (
    <section className="scene-cart" aria-label="The cart">
      <div
        className="scene-cart-map"
        onMouseOver={point}
        onMouseLeave={() => setPointed(undefined)}
        onDragOver={(event: DragEvent) => {
          if (isEmptySlot(world, slotUnder(event.target))) event.preventDefault();
        }}
        onDrop={(event: DragEvent) => {
          const slot = slotUnder(event.target);
          if (slot === undefined) return;
          event.preventDefault();
          onDrop(event.dataTransfer.getData('text/plain'), slot);
        }}
      >
        <CartMap shelves={world.shelves} slots={slots} labels={{ map: 'The cart', slot: (slot) => describe(world, slot.slot) }} onPick={onPick} />
      </div>
      <p className="truth">{pointed === undefined ? hint : describe(world, pointed)}</p>
      <ul className="truth-key" aria-label="What the shapes mean">
        {KEY.map(([look, words]) => (
          <li key={look}>
            <svg viewBox="0 0 26 40" aria-hidden="true">
              <Tablet id={`truth-${look}`} look={look} box={{ x: 1, y: 1, width: 24, height: 38 }} chargePercent={look === 'ready' ? 100 : 0} progress={{ done: 2, of: 3 }} />
            </svg>
            {words}
          </li>
        ))}
      </ul>
    </section>
  );
}

const KEY: readonly (readonly [Look, string])[] = [
  ['ready', 'truly clean'],
  ['preparing', 'being wiped or updated'],
  ['waiting', 'not clean'],
  ['out-of-service', 'cannot be reached'],
];

function slotUnder(target: EventTarget): number | undefined {
  const bay = target instanceof Element ? target.closest('[data-bay]') : null;
  return bay === null ? undefined : Number(bay.getAttribute('data-bay'));
}

const isEmptySlot = (world: WorldView, slot: number | undefined): boolean => world.slots.some((one) => one.slot === slot && one.serial === null);

function drawn(slot: WorldView['slots'][number], tablet: VirtualTablet | undefined): MapSlot {
  const mark = slot.light === 'take' ? 'take' : slot.light === 'put-back' ? 'back' : undefined;
  if (!tablet) return { slot: slot.slot, look: 'empty', mark };
  const steps = tablet.rebooting ? 2 : tablet.enrolment === null ? 3 : 1;
  const look = slot.fault !== 'none' || (tablet.asleep && !tablet.clean) ? 'out-of-service' : tablet.clean ? 'ready' : tablet.wipeAsked || tablet.updating ? 'preparing' : 'waiting';
  return { slot: slot.slot, look, mark, chargePercent: tablet.chargePercent, ...(look === 'preparing' && !tablet.updating ? { progress: { done: steps, of: 4 } } : {}) };
}

const FAULTS = { none: '', 'no-data': ' Bad cable: it charges, but its serial is never read.', dead: ' Dead port: no charge, no data.' };

function describe(world: WorldView, number: number): string {
  const slot = world.slots.find((one) => one.slot === number);
  if (!slot) return '';
  const tablet = world.tablets.find((one) => one.serial === slot.serial);
  if (!tablet) return `Slot ${number} is empty.${FAULTS[slot.fault]}`;
  return `Slot ${number}: ${tablet.asset}, ${tablet.chargePercent} %. ${truthOf(tablet, world)}${FAULTS[slot.fault]}`;
}
