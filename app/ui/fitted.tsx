import { useEffect, useLayoutEffect, useRef } from 'react';
import type { ReactNode } from 'react';

/** Shares of the designed type sizes, tried in turn: long languages step down, nothing scrolls. */
const STEPS = [1, 0.88, 0.76, 0.65, 0.55];

interface FittedProps {
  readonly className: string;
  readonly children: ReactNode;
}

/** A live region whose content always fits: sets `--fit` to the first step at which nothing overflows. */
export function Fitted({ className, children }: FittedProps): ReactNode {
  const ref = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    if (ref.current) fit(ref.current);
  });
  useEffect(() => {
    const element = ref.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => fit(element));
    observer.observe(element);
    document.fonts.addEventListener('loadingdone', refit);
    function refit(): void {
      if (ref.current) fit(ref.current);
    }
    return () => {
      observer.disconnect();
      document.fonts.removeEventListener('loadingdone', refit);
    };
  }, []);
  return (
    <section ref={ref} className={className} role="status" aria-live="polite">
      {children}
    </section>
  );
}

function fit(element: HTMLElement): void {
  for (const step of STEPS) {
    element.style.setProperty('--fit', String(step));
    if (!overflows(element)) return;
  }
}

function overflows(element: HTMLElement): boolean {
  const outer = element.getBoundingClientRect();
  const tolerance = 1;
  return [...element.children].some((child) => {
    const inner = child.getBoundingClientRect();
    return inner.top < outer.top - tolerance || inner.bottom > outer.bottom + tolerance || child.scrollWidth > child.clientWidth + tolerance;
  });
}
