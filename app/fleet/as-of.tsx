import { elapsedMs } from './clock.ts';
import type { Held } from './feed.ts';
import { useFleet } from './store.ts';
import { duration, timeToTheSecond } from './times.ts';

const OLD_MS = 10_000;

/** "as of 06:51:12, 2 s ago": the server's time of the list, and its age by this machine's clocks. */
export function AsOf({ held }: { held: Held<unknown> | undefined }) {
  const now = useFleet((state) => state.now);
  if (held === undefined) return null;
  const ageMs = elapsedMs(held.confirmed, now);
  return (
    <span className={ageMs >= OLD_MS ? 'as-of old' : 'as-of'}>
      as of {timeToTheSecond(held.asOf)}, {duration(ageMs)} ago
    </span>
  );
}
