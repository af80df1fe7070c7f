import { useEffect, useId, useRef, useSyncExternalStore } from 'react';
import type { ReactNode } from 'react';
import './edge.css';

interface EdgeProps {
  /** `accent`: time left to pull. `hazard`: something must go back. */
  readonly kind: 'accent' | 'hazard';
  /** Milliseconds left now, and in all; without them the edge stands still, whole. */
  readonly left?: { readonly ms: number; readonly of: number };
}

/**
 * The edge of the screen: a frame that drains from the top centre down both sides to the bottom centre.
 * Under reduced motion it loses a twelfth at a time.
 */
export function Edge({ kind, left }: EdgeProps): ReactNode {
  const halves = useRef<SVGGElement>(null);
  const pattern = `hazard-${useId().replaceAll(':', '')}`;
  const [width = 0, height = 0] = useSyncExternalStore(onResize, viewport).split('×').map(Number);
  const ms = left?.ms;
  const of = left?.of;
  useEffect(() => {
    if (ms === undefined || of === undefined || of <= 0) return undefined;
    const share = Math.min(1, Math.max(0, ms / of));
    const easing = matchMedia('(prefers-reduced-motion: reduce)').matches ? `steps(${Math.max(1, Math.ceil(share * 12))}, end)` : 'linear';
    const running = [...(halves.current?.children ?? [])].map((half) =>
      half.animate([{ strokeDashoffset: String(share - 1) }, { strokeDashoffset: '-1' }], { duration: Math.max(0, ms), easing, fill: 'both' }),
    );
    return () => running.forEach((animation) => animation.cancel());
  }, [ms, of]);
  return (
    <svg className="edge" data-kind={kind} aria-hidden="true" viewBox={`0 0 ${width} ${height}`}>
      <defs>
        <pattern id={pattern} className="edge-hazard" width="36" height="36" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect width="36" height="36" className="edge-dark" />
          <rect width="18" height="36" className="edge-light" />
        </pattern>
      </defs>
      <rect className="edge-track" width={width} height={height} />
      <g ref={halves} className="edge-run" stroke={kind === 'hazard' ? `url(#${pattern})` : undefined}>
        <path d={`M${width / 2} 0H0V${height}H${width / 2}`} pathLength="1" />
        <path d={`M${width / 2} 0H${width}V${height}H${width / 2}`} pathLength="1" />
      </g>
    </svg>
  );
}

const viewport = (): string => `${innerWidth}×${innerHeight}`;
const onResize = (changed: () => void): (() => void) => {
  addEventListener('resize', changed);
  return () => removeEventListener('resize', changed);
};
