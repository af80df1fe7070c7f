import { useEffect, useId, useLayoutEffect, useRef, useState } from 'react';
import type { KeyboardEvent, ReactNode } from 'react';
import { planCart } from './cart-geometry.ts';
import type { BayPlace } from './cart-geometry.ts';
import { Tablet } from './tablet.tsx';
import type { Look } from './tablet.tsx';
import './cart-map.css';

/** One slot as the map needs it: the kiosk contract's `SlotView` fits, and so does less. */
export interface MapSlot {
  readonly slot: number;
  readonly look: Look;
  readonly mark?: 'take' | 'back' | undefined;
  readonly chargePercent?: number | undefined;
  readonly progress?: { readonly done: number; readonly of: number } | undefined;
  /** Short words on the tablet, one line under the other: a bay is narrow. */
  readonly note?: readonly string[] | undefined;
}
export interface CartMapLabels {
  /** Name of the whole drawing, for those who do not see it. */
  readonly map: string;
  /** Spoken text of one slot, for example "Slot 7: ready, 94 % charged". */
  readonly slot: (slot: MapSlot) => string;
}
export interface CartMapProps {
  /** Slot numbers as the shelves stand, top to bottom, left to right. */
  readonly shelves: readonly (readonly number[])[];
  readonly slots: readonly MapSlot[];
  readonly labels: CartMapLabels;
  /** CSS pixels; without it the drawing fills its container. */
  readonly size?: { readonly width: number; readonly height: number };
  /** Of several marked slots the one the message is about; the others are shown more quietly. */
  readonly focus?: number | undefined;
  /** Slots become buttons (the simulator's panel). The kiosk has none. */
  readonly onPick?: (slot: number) => void;
}

/** The cart: its own rows and columns, bays seen from the front, fill = charge. */
export function CartMap({ shelves, slots, labels, size, focus, onPick }: CartMapProps): ReactNode {
  const holder = useRef<HTMLDivElement>(null);
  const measured = useMeasured(holder);
  const { width, height } = size ?? measured;
  const id = useId().replaceAll(':', '');
  const bySlot = new Map(slots.map((slot) => [slot.slot, slot]));
  const plan = width > 0 && height > 0 ? planCart(shelves, width, height) : undefined;
  return (
    <div className="cart-map" ref={holder} data-fixed={size !== undefined || undefined}>
      {plan && (
        <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role={onPick ? 'group' : 'img'} aria-label={onPick ? labels.map : [labels.map, ...slots.map((slot) => labels.slot(slot))].join('. ')}>
          {plan.castors.map((castor) => (
            <circle key={castor.x} className="cart-castor" cx={castor.x} cy={castor.y} r={castor.radius} />
          ))}
          <rect className="cart-body" {...plan.body} rx={plan.fontSize * 0.55} />
          {plan.boards.map((board) => (
            <rect key={board.y} className="cart-board" {...board} rx={board.height / 2} />
          ))}
          {plan.bays.map((place) => {
            const slot = bySlot.get(place.slot) ?? { slot: place.slot, look: 'unknown' as const };
            return <Bay key={place.slot} id={`${id}-${place.slot}`} place={place} slot={slot} fontSize={plan.fontSize} isFocus={focus === place.slot} quiet={focus !== undefined && focus !== place.slot} label={labels.slot(slot)} onPick={onPick} />;
          })}
        </svg>
      )}
    </div>
  );
}

/** A bay at least so many times as tall as wide has room for a note and the sign of its look. */
const ROOM_FOR_BOTH = 3;

interface BayProps {
  readonly id: string;
  readonly place: BayPlace;
  readonly slot: MapSlot;
  readonly fontSize: number;
  readonly isFocus: boolean;
  readonly quiet: boolean;
  readonly label: string;
  readonly onPick: ((slot: number) => void) | undefined;
}

function Bay({ id, place: { bay, label: strip }, slot, fontSize, isFocus, quiet, label, onPick }: BayProps): ReactNode {
  const moving = useTabletMotion(slot, bay.height);
  const lift = slot.mark === 'take' ? bay.width * 0.3 : 0;
  const inset = bay.width * 0.1;
  const box = { x: bay.x + inset, y: bay.y + inset - lift, width: bay.width - 2 * inset, height: bay.height - 2 * inset };
  const halo = bay.width * 0.11;
  const isShort = bay.height < ROOM_FOR_BOTH * bay.width;
  const pick = onPick && {
    role: 'button',
    tabIndex: 0,
    'aria-label': label,
    onClick: () => onPick(slot.slot),
    onKeyDown: (event: KeyboardEvent) => {
      if (event.key === 'Enter' || event.key === ' ') onPick(slot.slot);
    },
  };
  const shown = slot.look === 'empty' ? moving.leaving : slot;
  return (
    <g className="bay" data-bay={slot.slot} data-look={slot.look} data-mark={slot.mark} data-focus={isFocus || undefined} data-quiet={quiet || undefined} {...pick}>
      {slot.mark && <rect className="bay-halo" x={bay.x - halo} y={bay.y - halo - lift} width={bay.width + 2 * halo} height={bay.height + strip.height + 2 * halo + lift} rx={bay.width * 0.28} />}
      <rect className="bay-recess" {...bay} rx={bay.width * 0.2} strokeWidth={bay.width * 0.05} />
      {slot.look === 'empty' && slot.mark === undefined && (
        <rect className="bay-outline" x={bay.x + inset} y={bay.y + inset} width={bay.width - 2 * inset} height={bay.height - 2 * inset} rx={bay.width * 0.16} strokeWidth={bay.width * 0.05} strokeDasharray={`${bay.width * 0.13} ${bay.width * 0.12}`} />
      )}
      {slot.mark === 'back' && <path className="bay-arrow" strokeWidth={bay.width * 0.13} d={arrowInto(bay)} />}
      {shown && (
        <g ref={moving.ref} className={slot.look === 'empty' ? 'bay-leaving' : undefined}>
          <Tablet id={`${id}-clip`} look={shown.look} box={box} chargePercent={shown.chargePercent} progress={shown.progress} bare={shown.note !== undefined && isShort} />
          {shown.note?.map((line, row) => (
            <text key={`${row} ${line}`} className="bay-note" data-row={row} x={box.x + box.width / 2} y={box.y + box.height * (isShort ? 0.5 : 0.42) + row * box.width * 0.58} fontSize={box.width * 0.62} textAnchor="middle" dominantBaseline="central">
              {line}
            </text>
          ))}
        </g>
      )}
      {(slot.mark !== undefined || isFocus) && <rect className="bay-plate" x={strip.x - halo * 0.3} y={strip.y + strip.height * 0.16} width={strip.width + halo * 0.6} height={strip.height * 0.84} rx={bay.width * 0.16} />}
      <text className="bay-number" x={strip.x + strip.width / 2} y={strip.y + strip.height * 0.6} fontSize={fontSize} textAnchor="middle" dominantBaseline="central">
        {slot.slot}
      </text>
    </g>
  );
}

const arrowInto = ({ x, y, width, height }: { x: number; y: number; width: number; height: number }): string => {
  const middle = x + width / 2;
  const tip = y + height - width * 0.35;
  const head = width * 0.28;
  return `M${middle} ${y + width * 0.3}V${tip}m${-head} ${-head}l${head} ${head}l${head} ${-head}`;
};

/** The box of an element in CSS pixels, kept up to date. */
function useMeasured(holder: { readonly current: HTMLElement | null }): { width: number; height: number } {
  const [box, setBox] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = holder.current;
    if (element === null) return undefined;
    const read = (): void => setBox({ width: element.clientWidth, height: element.clientHeight });
    read();
    const observer = new ResizeObserver(read);
    observer.observe(element);
    return () => observer.disconnect();
  }, [holder]);
  return box;
}

/** A pulled tablet leaves its bay; one that arrives slides in. Both once, in under half a second. */
function useTabletMotion(slot: MapSlot, height: number): { ref: { current: SVGGElement | null }; leaving: MapSlot | undefined } {
  const ref = useRef<SVGGElement>(null);
  const before = useRef(slot);
  const [leaving, setLeaving] = useState<MapSlot>();
  const isEmpty = slot.look === 'empty';
  useEffect(() => {
    const wasEmpty = before.current.look === 'empty';
    const last = before.current;
    before.current = slot;
    if (wasEmpty === isEmpty || matchMedia('(prefers-reduced-motion: reduce)').matches) return;
    if (isEmpty) setLeaving(last);
    else {
      setLeaving(undefined);
      ref.current?.animate([{ transform: `translateY(${-height * 0.5}px)`, opacity: 0 }, { transform: 'none', opacity: 1 }], { duration: 420, easing: 'cubic-bezier(.2,.8,.2,1)' });
    }
  }, [slot, isEmpty, height]);
  useEffect(() => {
    const out = leaving && ref.current?.animate([{ transform: 'none', opacity: 1 }, { transform: `translateY(${-height * 0.6}px)`, opacity: 0 }], { duration: 460, easing: 'cubic-bezier(.5,0,.8,.4)' });
    out?.finished.then(() => setLeaving(undefined), () => setLeaving(undefined));
  }, [leaving, height]);
  return { ref, leaving };
}
