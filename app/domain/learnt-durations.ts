/** A learnt time is believed within these, in milliseconds. */
export interface DurationBounds {
  readonly leastMs: number;
  readonly mostMs: number;
}

/** The latest observations count; older ones tell of an older OS and another network. */
export const OBSERVATIONS_KEPT = 20;
/** Fewer say nothing. */
export const FEWEST_OBSERVATIONS = 4;
/** Of ten observations nine were no longer: a single hang does not teach the cart to wait. */
const SHARE = 0.9;
/** Twice what nine of ten took is late. */
const OVERDUE_TIMES = 2;

/**
 * How long a piece of work takes on a model: the 90th percentile (nearest rank) of the latest observed durations, within
 * the bounds; `configuredMs` while too few were observed. `tookMs`: oldest first; what took no time is no observation.
 */
export function learntDurationMs(tookMs: readonly number[], configuredMs: number, bounds: DurationBounds): number {
  const observed = tookMs.filter((ms) => ms > 0 && Number.isFinite(ms)).slice(-OBSERVATIONS_KEPT);
  const ranked = observed.sort((a, b) => a - b);
  const learntMs = ranked.length < FEWEST_OBSERVATIONS ? configuredMs : (ranked[Math.ceil(ranked.length * SHARE) - 1] ?? configuredMs);
  return Math.min(bounds.mostMs, Math.max(bounds.leastMs, Math.round(learntMs)));
}

/** After how long such work is overdue; never later than `latestMs`, which policy sets. */
export function overdueAfterMs(durationMs: number, latestMs: number): number {
  return Math.min(latestMs, OVERDUE_TIMES * durationMs);
}
