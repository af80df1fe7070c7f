import { useId } from 'react';
import { Tablet } from '../ui/tablet.tsx';
import type { Look } from '../ui/tablet.tsx';
import type { DeviceState } from './route.ts';

const LOOKS: Readonly<Record<DeviceState, Look | 'away'>> = {
  proven: 'ready',
  preparing: 'preparing',
  waiting: 'waiting',
  out: 'away',
  quarantined: 'out-of-service',
  unknown: 'unknown',
};

/** The cart map's shape for a state, as a sign beside its word. A tablet that is away leaves an empty bay. */
export function StateMark({ state }: { state: DeviceState }) {
  const id = useId();
  const look = LOOKS[state];
  return (
    <svg className="state-mark" viewBox="0 0 26 36" aria-hidden="true">
      {look === 'away' ? <rect className="away" x="2.5" y="2.5" width="21" height="31" rx="4" /> : <Tablet id={id} look={look} box={{ x: 1, y: 1, width: 24, height: 34 }} progress={{ done: 2, of: 3 }} />}
    </svg>
  );
}
