import type { TimedEntry } from '../domain/custody-intervals.ts';
import { recordedEntry, type LedgerEntry } from './entry.ts';
import type { Hash } from './merkle.ts';

/** An entry as the history reads it: with its place in the station's monotonic time. */
export const timedEntry = (entry: LedgerEntry, leaf: Hash): TimedEntry => ({ ...recordedEntry(entry, leaf), boot: entry.boot, monoMs: entry.mono });
