/** Spans of time as people name and type them. Instants are ISO 8601; what is typed is in this browser's zone. */
export interface Span {
  readonly from: string;
  readonly to: string;
}

const HOUR_MS = 3_600_000;

export function lastHours(hours: number, nowIso: string): Span {
  return { from: new Date(Date.parse(nowIso) - hours * HOUR_MS).toISOString(), to: nowIso };
}

/** From 22:00 to 06:00: the night that is still running, else the one that ended last. */
export function lastNight(nowIso: string): Span {
  const now = new Date(nowIso);
  const at = (dayOffset: number, hour: number): string => new Date(now.getFullYear(), now.getMonth(), now.getDate() + dayOffset, hour).toISOString();
  return { from: at(-1, 22), to: at(0, 6) };
}

/** "2026-11-22T02:14:03", the form of a date-time field. */
export function toField(iso: string): string {
  const at = new Date(iso);
  const two = (number: number): string => String(number).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** What a date-time field holds as an instant; undefined while it is not filled in. */
export function fromField(value: string): string | undefined {
  const at = new Date(value);
  return value === '' || Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}

/** "Europe/Berlin": the zone of every time that this browser shows. */
export function zoneName(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

const STEPS_H = [0.25, 1, 3, 6, 12, 24, 48, 168];
const MOST_TICKS = 12;

/** Round moments inside a span, counted from midnight, at most twelve. */
export function ticks({ from, to }: Span): readonly string[] {
  const [start, end] = [Date.parse(from), Date.parse(to)];
  const step = (STEPS_H.find((hours) => (end - start) / (hours * HOUR_MS) <= MOST_TICKS) ?? (end - start) / HOUR_MS / MOST_TICKS) * HOUR_MS;
  const first = new Date(start);
  const midnight = new Date(first.getFullYear(), first.getMonth(), first.getDate()).getTime();
  const found: string[] = [];
  for (let at = midnight; at < end; at += step) if (at > start) found.push(new Date(at).toISOString());
  return found;
}
