import type { ReactNode } from 'react';
import './need-tiles.css';

interface NeedTilesProps {
  readonly needed: number;
  readonly ready: number;
  /** Of those needed, how many will be missing; they stand last. */
  readonly short: number;
}

const WIDTH = 10;
const HEIGHT = 17;
const STEP = 14;
/** More than these say less than the number beside them. */
const MOST = 36;

/** What is needed, one small tablet each: solid = there, outline = still coming, dashed = will be missing. Always beside the words. */
export function NeedTiles({ needed, ready, short }: NeedTilesProps): ReactNode {
  if (needed === 0 || needed > MOST) return null;
  const kindOf = (place: number): string => (place < ready ? 'ready' : place >= needed - short ? 'short' : 'coming');
  return (
    <svg className="need-tiles" viewBox={`0 0 ${needed * STEP - STEP + WIDTH + 2} ${HEIGHT + 2}`} aria-hidden="true">
      {Array.from({ length: needed }, (_, place) => (
        <rect key={place} data-kind={kindOf(place)} x={place * STEP + 1} y={1} width={WIDTH} height={HEIGHT} rx={2.4} />
      ))}
    </svg>
  );
}
