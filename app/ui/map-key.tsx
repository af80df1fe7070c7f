import type { ReactNode } from 'react';
import { Tablet } from './tablet.tsx';
import type { Look } from './tablet.tsx';
import './map-key.css';

export interface KeyEntry {
  readonly look: Look;
  readonly label: string;
  readonly count: number;
}

/** What the shapes of the cart map mean, and how many there are of each; `note`: what the words on a tablet mean, by an example. */
export function MapKey({ entries, note }: { entries: readonly KeyEntry[]; note?: { readonly example: readonly string[]; readonly label: string } | undefined }): ReactNode {
  return (
    <ul className="map-key">
      {entries.map(({ look, label, count }) => (
        <li key={look}>
          <svg viewBox="0 0 26 40" aria-hidden="true">
            <Tablet id={`key-${look}`} look={look} box={{ x: 1, y: 1, width: 24, height: 38 }} chargePercent={look === 'ready' ? 100 : 0} progress={{ done: 2, of: 3 }} />
          </svg>
          <span>
            <b>{count}</b> {label}
          </span>
        </li>
      ))}
      {note && (
        <li>
          <svg viewBox="0 0 26 40" aria-hidden="true">
            {note.example.map((line, row) => (
              <text key={`${row} ${line}`} className="bay-note" data-row={row} x={13} y={12 + row * 17} fontSize={18} textAnchor="middle" dominantBaseline="central">
                {line}
              </text>
            ))}
          </svg>
          <span>{note.label}</span>
        </li>
      )}
    </ul>
  );
}
