import { useLayoutEffect, useRef } from 'react';
import type { CSSProperties, ReactNode } from 'react';

interface NumeralProps {
  readonly value: number;
  /** `slot`: a slot's number, grows out of that slot on the map. `count`: how many. */
  readonly of: 'slot' | 'count';
}

/** Advance and left bearing of each digit of Atkinson Hyperlegible Next Bold, in em, as Chromium measures them. */
const ADVANCE = [0.659, 0.44, 0.579, 0.6, 0.624, 0.608, 0.626, 0.537, 0.624, 0.571];
const BEARING = [0.047, 0.031, 0.016, 0.031, 0.016, 0.031, 0.047, 0, 0.031, 0.031];
/** The stylesheet's letter-spacing. */
const SPACING = -0.035;

/** The one number of the screen, readable from 3 m. Its box is exactly as tall as its digits. */
export function Numeral({ value, of }: NumeralProps): ReactNode {
  const ref = useRef<HTMLSpanElement>(null);
  useLayoutEffect(() => {
    const here = ref.current;
    const bay = document.querySelector(`[data-bay="${value}"]`);
    if (of !== 'slot' || here === null || bay === null || matchMedia('(prefers-reduced-motion: reduce)').matches) return;
    const [from, to] = [bay.getBoundingClientRect(), here.getBoundingClientRect()];
    const x = from.left + from.width / 2 - to.left - to.width / 2;
    const y = from.top + from.height / 2 - to.top - to.height / 2;
    here.animate([{ transform: `translate(${x}px, ${y}px) scale(${from.width / to.width})` }, { transform: 'none' }], { duration: 380, easing: 'cubic-bezier(.2,.8,.2,1)' });
  }, [value, of]);
  const digits = [...String(value)].map(Number);
  const width = digits.reduce((sum, digit) => sum + (ADVANCE[digit] ?? 0) + SPACING, 0);
  const optics = { '--em': width, '--bearing': BEARING[digits[0] ?? 0] };
  return (
    <span ref={ref} className="numeral" data-of={of} data-digits={digits.length} style={optics as CSSProperties}>
      {value}
    </span>
  );
}
