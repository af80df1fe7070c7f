/** One badge held to one reader, from the moment it was read until it left. Milliseconds of the device host's monotonic clock. */
export interface Presentation {
  readonly badge: string;
  readonly reader: string;
  readonly tappedMs: number;
  readonly leftMs?: number;
}

/** A badge that is back so soon has not been away: it shook in the field, or two readers saw it at once. Nobody taps twice that fast. */
export const BOUNCE_MS = 300;

/** Whether this is still the tap before it: a badge that lies on its reader has been tapped once, however often it is read. */
export function isSameTap(before: Presentation | undefined, tap: Pick<Presentation, 'badge' | 'reader' | 'tappedMs'>): boolean {
  if (before?.badge !== tap.badge) return false;
  if (before.reader === tap.reader && before.leftMs === undefined) return true;
  return tap.tappedMs - (before.leftMs ?? before.tappedMs) < BOUNCE_MS;
}
