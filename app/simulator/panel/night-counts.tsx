import type { ReactNode } from 'react';
import { Tablet, type Look } from '../../ui/tablet.tsx';
import type { NightView } from './world.ts';

const SHAPES: readonly (readonly [keyof NightView['tablets'], Look, string])[] = [
  ['clean', 'ready', 'clean'],
  ['underWay', 'preparing', 'being wiped'],
  ['owed', 'waiting', 'not clean'],
  ['stuck', 'out-of-service', 'stuck'],
  ['out', 'empty', 'out'],
];

/** What the tablets truly are, in the shapes that the cart draws them. */
export function NightCounts({ tablets }: { tablets: NightView['tablets'] }): ReactNode {
  return (
    <ul className="night-counts" aria-label="The tablets, as they truly are">
      {SHAPES.map(([kind, look, words]) => (
        <li key={kind} data-none={tablets[kind] === 0 || undefined}>
          <svg viewBox="0 0 26 40" aria-hidden="true">
            {look === 'empty' ? <rect className="night-out" x={2} y={2} width={22} height={36} rx={4} /> : <Tablet id={`night-${kind}`} look={look} box={{ x: 1, y: 1, width: 24, height: 38 }} chargePercent={look === 'ready' ? 100 : 0} progress={{ done: 2, of: 3 }} />}
          </svg>
          <b>{tablets[kind]}</b> {words}
        </li>
      ))}
    </ul>
  );
}
