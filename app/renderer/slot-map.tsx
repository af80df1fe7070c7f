import type { ReactNode } from 'react';
import type { Snapshot } from '../contract/kiosk.ts';
import { CartMap } from '../ui/cart-map.tsx';
import type { MapSlot } from '../ui/cart-map.tsx';
import { MapKey } from '../ui/map-key.tsx';
import { useWords } from './language.ts';
import type { Scene } from './scene.ts';
import { waitsWords } from './waits-line.tsx';

const NO_TIMES: NonNullable<Scene['readyAt']> = new Map();

/** This cart and what its shapes mean. `readyAt`: times drawn on the tablets that are not ready yet. */
export function SlotMap({ snapshot, focus, readyAt = NO_TIMES }: { readonly snapshot: Snapshot; readonly focus: number | undefined; readonly readyAt: Scene['readyAt'] }): ReactNode {
  const words = useWords();
  const { counts, shelves, timeZone, atMs, slots } = snapshot;
  const timeOf = ({ slot, look }: Pick<MapSlot, 'slot' | 'look'>): string | undefined => {
    const readyMs = look === 'ready' || look === 'empty' ? undefined : readyAt.get(slot);
    return readyMs === undefined ? undefined : words.time(readyMs, timeZone);
  };
  const spoken = (slot: MapSlot): string => {
    const look = slot.mark === undefined ? words.t(`cart.look.${slot.look}`) : words.t(`cart.mark.${slot.mark}`);
    const charge = slot.chargePercent === undefined ? '' : `, ${words.t('cart.charge', { percent: words.percent(slot.chargePercent) })}`;
    const time = timeOf(slot);
    const view = slots.find((known) => known.slot === slot.slot);
    const waits = view && waitsWords(view, atMs, words);
    return [words.t('cart.bay', { slot: slot.slot, look }) + charge, time && words.t('cart.ready-at', { time }), waits].filter((part) => part !== undefined).join('. ');
  };
  const drawn = slots.map((slot): MapSlot => ({ ...slot, note: timeOf(slot)?.split(':') }));
  const example = drawn.find(({ note }) => note !== undefined)?.note;
  const seen = (look: MapSlot['look']): number => slots.filter((slot) => slot.look === look).length;
  const key = [
    { look: 'ready' as const, count: counts.ready },
    { look: 'preparing' as const, count: counts.preparing },
    { look: 'waiting' as const, count: counts.waiting },
    { look: 'charging' as const, count: seen('charging') },
    { look: 'out-of-service' as const, count: counts.outOfService },
    { look: 'unknown' as const, count: seen('unknown') },
  ];
  return (
    <>
      <CartMap shelves={shelves} slots={drawn} focus={focus} labels={{ map: words.t('cart.map'), slot: spoken }} />
      <MapKey entries={key.filter(({ count }) => count > 0).map((entry) => ({ ...entry, label: words.t(`cart.look.${entry.look}`) }))} note={example && { example, label: words.t('cart.times') }} />
    </>
  );
}
