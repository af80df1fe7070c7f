import type { Reading, Refusal } from './api.ts';
import { elapsedMs } from './clock.ts';
import type { Moment } from './clock.ts';

/** A list that is read again and again: what is known, since when, and what went wrong since. */
export interface Feed<T> {
  readonly held?: Held<T>;
  /** Readings that failed since the last good one. */
  readonly failures: number;
  readonly refusal?: Refusal;
}

export interface Held<T> {
  readonly value: T;
  readonly etag?: string;
  /** Server time at which the value was last known to be true; ISO 8601. */
  readonly asOf: string;
  /** The moment here at which that was confirmed. */
  readonly confirmed: Moment;
}

export const EMPTY_FEED: Feed<never> = { failures: 0 };

/** The feed after one more reading. A failure never takes away what is held. */
export function afterReading<T>(feed: Feed<T>, reading: Reading<T>, now: Moment): Feed<T> {
  if (!reading.ok) return { ...feed, failures: feed.failures + 1, refusal: reading.refusal };
  if (!reading.unchanged) {
    const { value, etag } = reading;
    return { held: { value, asOf: reading.asOf ?? new Date(now.wallMs).toISOString(), confirmed: now, ...(etag === undefined ? {} : { etag }) }, failures: 0 };
  }
  const { held } = feed;
  if (held === undefined) return { failures: feed.failures + 1, refusal: { kind: 'unreadable' } };
  return { held: { ...held, asOf: reading.asOf ?? serverTime(held, now), confirmed: now }, failures: 0 };
}

/** The server's time now, reckoned from its last answer and the time that has passed here; ISO 8601. */
export function serverTime(held: Held<unknown>, now: Moment): string {
  return new Date(Date.parse(held.asOf) + elapsedMs(held.confirmed, now)).toISOString();
}

/** One lost reading is nothing to speak of while something is shown; with nothing to show it is. */
export function isLost(feed: Feed<unknown>): boolean {
  return feed.failures >= (feed.held === undefined ? 1 : 2);
}

/** Milliseconds until the next reading: `everyMs`, doubling with each failure, at most 5 s. */
export function pauseMs(failures: number, everyMs: number): number {
  return Math.min(5000, everyMs * 2 ** Math.min(failures, 8));
}
