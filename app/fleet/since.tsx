import { nowAtServer, useFleet } from './store.ts';
import { duration, msBetween, timeOfDay } from './times.ts';

/** " (4 min)": how long something has been waited for, by the server's clock. */
export function Waited({ iso }: { iso: string | undefined }) {
  const words = useFleet((state) => (iso === undefined ? '' : ` (${duration(msBetween(iso, nowAtServer(state)))})`));
  return iso === undefined ? null : <span className="waited">{words}</span>;
}

/** Since when, and how long that is by the server's clock: "06:51 · 12 min". */
export function Since({ iso }: { iso: string | undefined }) {
  const at = useFleet((state) => (iso === undefined ? '' : timeOfDay(iso, nowAtServer(state))));
  const length = useFleet((state) => (iso === undefined ? '' : duration(msBetween(iso, nowAtServer(state)))));
  if (iso === undefined) return <span className="none">–</span>;
  return (
    <time dateTime={iso} className="since">
      {at} <span className="quiet">{length}</span>
    </time>
  );
}
