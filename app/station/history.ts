import { pastIntervals, TOUCHES, type PastInterval, type Span } from '../domain/custody-history.ts';
import type { TimedEntry } from '../domain/custody-intervals.ts';
import { createLedgerReader } from '../domain/ledger-history.ts';
import { createPastReader, type PastState } from '../domain/past-state.ts';
import { projectEntry } from '../domain/projection.ts';
import { boundsOf, bootsAround, type Bounds } from '../domain/time-bounds.ts';
import { parseEntry } from '../ledger/entry.ts';
import { leafHash } from '../ledger/merkle.ts';
import { timedEntry } from '../ledger/timed-entry.ts';
import type { Store } from '../storage/store.ts';

/** One ledger to ask: its entries from the first on, as often as they are asked for, and how far a witness has seen them by which time. */
export interface LedgerSource {
  readonly origin: string;
  readonly entries: () => AsyncIterable<TimedEntry>;
  /** `notAfterMs`: the entries below `size` were not made after it, by the server's clock. */
  readonly cosigned?: { readonly size: number; readonly notAfterMs: number } | undefined;
}

/** What happened to the tablet inside an interval. */
export interface PastTouch {
  readonly entry: TimedEntry;
  readonly bounds: Bounds;
}

export interface DevicePast {
  readonly interval: PastInterval;
  readonly touches: readonly PastTouch[];
}

const PAGE = 500;

/** The station's own ledger. Of its cosignatures it keeps the last: earlier entries are bounded by that one, through the monotonic clock of their boot. */
export function ledgerOf(store: Pick<Store, 'entries' | 'size' | 'acked'>, origin: string): LedgerSource {
  const { size, atMs } = store.acked();
  return {
    origin,
    ...(size > 0 && atMs !== undefined ? { cosigned: { size, notAfterMs: atMs } } : {}),
    entries: async function* () {
      const end = store.size();
      for (let from = 0; from < end; from += PAGE) {
        for (const { bytes } of await store.entries(from, Math.min(PAGE, end - from))) {
          const parsed = parseEntry(bytes);
          if (parsed.ok) yield timedEntry(parsed.value, leafHash(bytes));
        }
      }
    },
  };
}

/** Who held or touched a tablet in a span, as one ledger tells it. Reads the ledger once; memory: the tablet's own entries. */
export async function devicePast(source: LedgerSource, serial: string, span: Span): Promise<readonly DevicePast[]> {
  const reader = createLedgerReader(source.origin, serial);
  const touched: TimedEntry[] = [];
  for await (const entry of source.entries()) {
    reader.push(entry);
    if (entry.device === serial && TOUCHES.has(entry.type)) touched.push(entry);
    if (source.cosigned && entry.seq === source.cosigned.size - 1) reader.cosigned(source.cosigned.notAfterMs);
  }
  const times = reader.times();
  return pastIntervals(reader.intervals(serial), [], () => times, span).map((interval) => ({
    interval,
    touches: touched
      .filter(({ seq }) => seq > interval.fromSeq && seq < (interval.toSeq ?? Number.POSITIVE_INFINITY))
      .map((entry) => ({ entry, bounds: boundsOf(bootsAround(times.boots, entry.seq), entry) })),
  }));
}

/** The ledger's tables at an instant of the server's clock. Reads the ledger twice: what bounds an entry may stand behind it. */
export async function stateAt(source: LedgerSource, atMs: number): Promise<PastState> {
  const times = createLedgerReader(source.origin, '');
  for await (const entry of source.entries()) {
    times.push(entry);
    if (source.cosigned && entry.seq === source.cosigned.size - 1) times.cosigned(source.cosigned.notAfterMs);
  }
  const reader = createPastReader(times.times().boots, atMs, projectEntry);
  for await (const entry of source.entries()) if (!reader.push(entry)) break;
  return reader.state();
}
