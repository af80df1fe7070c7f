import { useEffect, useState } from 'react';
import { useKiosk } from './store.ts';

/** The station's clock now, in Unix milliseconds: the snapshot's own time plus what has passed since it came. */
export function stationNow(): number {
  const { snapshot, receivedAtMs } = useKiosk.getState();
  return (snapshot?.atMs ?? 0) + performance.now() - receivedAtMs;
}

/** The same, redrawn every `everyMs`. */
export function useStationTime(everyMs: number): number {
  const receivedAtMs = useKiosk((state) => state.receivedAtMs);
  const [now, setNow] = useState(stationNow);
  useEffect(() => {
    setNow(stationNow());
    const timer = setInterval(() => setNow(stationNow()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs, receivedAtMs]);
  return now;
}
