/** Making a formatter costs more than the rest of a snapshot; a station has one zone. */
const clocks = new Map<string, Intl.DateTimeFormat>();
const DAY_MINUTES = 1_440;
const MINUTE_MS = 60_000;

/** `HH:MM` in an IANA zone. */
export function timeOfDay(timeZone: string, atMs: number): string {
  const known = clocks.get(timeZone);
  const clock = known ?? new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', timeZone });
  if (!known) clocks.set(timeZone, clock);
  return clock.format(atMs);
}

/** Whether the time of day lies in a span that may pass midnight; its end is not in it. */
export function isBetween(clock: string, from: string, to: string): boolean {
  return from > to ? clock >= from || clock < to : clock >= from && clock < to;
}

/** When the zone's clocks show `HH:MM` next, Unix milliseconds, later than `afterMs`; also where they are put forward or back in between. */
export function nextTimeOfDay(timeZone: string, wanted: string, afterMs: number): number {
  const minuteMs = Math.floor(afterMs / MINUTE_MS) * MINUTE_MS;
  const away = (minutesOf(wanted) - minutesOf(timeOfDay(timeZone, minuteMs)) + DAY_MINUTES) % DAY_MINUTES;
  const guess = minuteMs + (away === 0 ? DAY_MINUTES : away) * MINUTE_MS;
  const off = (minutesOf(wanted) - minutesOf(timeOfDay(timeZone, guess)) + DAY_MINUTES) % DAY_MINUTES;
  return guess + (off > DAY_MINUTES / 2 ? off - DAY_MINUTES : off) * MINUTE_MS;
}

function minutesOf(clock: string): number {
  const [hours = 0, minutes = 0] = clock.split(':').map(Number);
  return hours * 60 + minutes;
}
