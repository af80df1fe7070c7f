/** Counts requests of one caller per minute; answers whether this one is still within `most`. */
export type RequestRate = (caller: string) => boolean;

const MINUTE_MS = 60_000;
/** More callers than this at once, and the counting begins anew: it must not become a way to fill the memory. */
const MOST_CALLERS = 10_000;

/** `now`: Unix milliseconds. Counted in this process alone. */
export function createRequestRate(most: number, now: () => number): RequestRate {
  let minute = 0;
  const counts = new Map<string, number>();
  return (caller) => {
    const current = Math.floor(now() / MINUTE_MS);
    if (current !== minute || counts.size >= MOST_CALLERS) counts.clear();
    minute = current;
    const count = (counts.get(caller) ?? 0) + 1;
    counts.set(caller, count);
    return count <= most;
  };
}
