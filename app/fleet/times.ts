const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const clockWithSeconds = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const longDay = new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long' });
const dayWithYear = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });

/** "06:51:12" in this browser's zone. */
export function timeToTheSecond(iso: string): string {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? 'an unknown time' : clockWithSeconds.format(at);
}

/** "06:51" today, "20 Nov 22:10" on another day, seen from `nowIso`. */
export function timeOfDay(iso: string, nowIso: string): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return 'unknown';
  const sameDay = at.toDateString() === new Date(nowIso).toDateString();
  return sameDay ? clock.format(at) : `${day.format(at)} ${clock.format(at)}`;
}

/** "06:51" in this browser's zone. */
export function timeToTheMinute(iso: string): string {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? 'an unknown time' : clock.format(at);
}

/** "Sunday 22 November". */
export function dayInWords(iso: string): string {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? 'unknown' : longDay.format(at).replace(',', '');
}

/** "27 Nov". */
export function dayOf(iso: string): string {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? 'unknown' : day.format(at);
}

export function isSameDay(iso: string, otherIso: string): boolean {
  return new Date(iso).toDateString() === new Date(otherIso).toDateString();
}

/** "22 Nov 2026, 02:14:03". */
export function instant(iso: string): string {
  return `${dateOf(iso)}, ${timeToTheSecond(iso)}`;
}

/** "27 Nov 2026". */
export function dateOf(iso: string): string {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? 'unknown' : dayWithYear.format(at);
}

/** A length of time in its one or two largest units: "2 s", "12 min", "2 h 5 min", "3 d". */
export function duration(ms: number): string {
  if (ms < MINUTE) return `${Math.floor(Math.max(0, ms) / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms >= 2 * DAY) return `${Math.floor(ms / DAY)} d`;
  const minutes = Math.floor((ms % HOUR) / MINUTE);
  return `${Math.floor(ms / HOUR)} h${minutes === 0 ? '' : ` ${minutes} min`}`;
}

/** Milliseconds from `iso` to `nowIso`, both of the server's clock; never negative. */
export function msBetween(iso: string, nowIso: string): number {
  const ms = Date.parse(nowIso) - Date.parse(iso);
  return Number.isNaN(ms) ? 0 : Math.max(0, ms);
}
