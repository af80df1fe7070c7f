import { FIRST_FOLD, foldCustody, statedMs, type CustodyFold, type CustodyInterval, type TimedEntry } from './custody-intervals.ts';
import type { LedgerTimes } from './custody-order.ts';
import { bootOf, boundsOf, withCosignature, withEntry, type BootTimes, type Bounds, type Moment } from './time-bounds.ts';

/** Reads one ledger from its first entry on and keeps what its history is answered from: all intervals of all tablets, or of one, and the anchors. */
export interface LedgerReader {
  push(entry: TimedEntry): void;
  /** The witness cosigned the entries up to `seq`, the newest pushed, not after `atMs`. */
  cosigned(atMs: number): void;
  /** In order of opening. */
  intervals(serial: string): readonly CustodyInterval[];
  times(): LedgerTimes;
}

/** Memory: the open intervals, and every interval of `serial`. */
export function createLedgerReader(origin: string, serial?: string): LedgerReader {
  let fold: CustodyFold = FIRST_FOLD;
  const boots: BootTimes[] = [];
  const tails = new Map<string, CustodyInterval>();
  const rows = new Map<string, CustodyInterval>();
  const view = { get: (device: string) => tails.get(device), docked: () => [...tails.values()].filter(({ kind }) => kind === 'docked') };
  return {
    push(entry) {
      const moment: Moment = { seq: entry.seq, boot: entry.boot, monoMs: entry.monoMs };
      const last = boots.at(-1);
      const grown = last && withEntry(last, moment, statedMs(entry));
      if (grown) boots[boots.length - 1] = grown;
      else boots.push(bootOf(moment, statedMs(entry)));
      const next = foldCustody(fold, view, origin, entry);
      ({ fold } = next);
      for (const row of next.rows) {
        tails.set(row.serial, row);
        if (serial === undefined || row.serial === serial) rows.set(`${row.serial} ${row.opened.mark.seq}`, row);
      }
    },
    cosigned(atMs) {
      const last = boots.at(-1);
      if (last) boots[boots.length - 1] = withCosignature(last, last.last, atMs);
    },
    intervals: (device) => [...rows.values()].filter((row) => row.serial === device).sort((a, b) => a.opened.mark.seq - b.opened.mark.seq),
    times: () => ({ boots, newest: boots.at(-1)?.last }),
  };
}

/** Where an entry stands against an instant: made by then, made after it, or not decided by the bounds. */
export type When = 'before' | 'after' | 'uncertain';

export interface PastMoment {
  readonly when: When;
  readonly bounds: Bounds;
  /** What the clock claimed, moved into the bounds: never decreases within a ledger. */
  readonly estimateMs: number;
}

export function momentAt(boots: readonly BootTimes[], entry: TimedEntry, atMs: number): PastMoment {
  const bounds = boundsOf(boots, entry);
  const { notBeforeMs = Number.NEGATIVE_INFINITY, notAfterMs = Number.POSITIVE_INFINITY } = bounds;
  return { bounds, estimateMs: Math.min(Math.max(entry.atMs, notBeforeMs), notAfterMs), when: notAfterMs <= atMs ? 'before' : notBeforeMs > atMs ? 'after' : 'uncertain' };
}
