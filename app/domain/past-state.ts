import type { TimedEntry } from './custody-intervals.ts';
import { momentAt, type PastMoment } from './ledger-history.ts';
import type { RecordedEntry } from './entries.ts';
import type { CartView, Change, TableName, Tables } from './tables.ts';
import { bootsAround, type BootTimes } from './time-bounds.ts';

/** A ledger's tables as they stood at an instant. */
export interface PastState {
  readonly view: CartView;
  /** Entries in it. */
  readonly size: number;
  /** The last of them. */
  readonly last: { readonly entry: TimedEntry; readonly moment: PastMoment } | undefined;
  /** Entries of which the bounds do not say whether they had been made by then. */
  readonly uncertain: { readonly fromSeq: number; readonly toSeq: number; readonly count: number } | undefined;
}

export interface PastReader {
  /** Entries in order; false once nothing that follows can have been made by then. */
  push(entry: TimedEntry): boolean;
  state(): PastState;
}

/**
 * Folds a ledger up to an instant of the server's clock. An entry is in the state if its clock, moved into its bounds, says that it
 * had been made by then; that never decreases within a ledger, so that the state is a prefix of it.
 */
export function createPastReader(boots: readonly BootTimes[], atMs: number, project: (view: CartView, entry: RecordedEntry) => readonly Change[]): PastReader {
  const tables: { readonly [T in TableName]: Map<string, Tables[T]> } = { device: new Map(), offer: new Map(), person: new Map(), enrolment: new Map(), cart: new Map(), slot: new Map(), model: new Map() };
  const view: CartView = { get: (table, key) => tables[table].get(key), all: (table) => tables[table].values() };
  let last: PastState['last'];
  let size = 0;
  let over = false;
  let near: readonly BootTimes[] = [];
  let nearUpTo = -1;
  let uncertain: PastState['uncertain'];

  const fold = (entry: TimedEntry): void => {
    let changes: readonly Change[];
    try {
      changes = project(view, entry);
    } catch {
      // What the ledger's own server could not fold either has no effect; it stands among the poison there.
      return;
    }
    for (const { table, key, row } of changes) {
      if (row === undefined) tables[table].delete(key);
      else (tables[table] as Map<string, unknown>).set(key, row);
    }
  };
  return {
    push(entry) {
      if (entry.seq > nearUpTo) {
        near = bootsAround(boots, entry.seq);
        nearUpTo = boots.find(({ last: end }) => entry.seq <= end.seq)?.last.seq ?? Number.MAX_SAFE_INTEGER;
      }
      const moment = momentAt(near, entry, atMs);
      if (moment.when === 'uncertain') uncertain = { fromSeq: uncertain?.fromSeq ?? entry.seq, toSeq: entry.seq, count: (uncertain?.count ?? 0) + 1 };
      over ||= moment.estimateMs > atMs;
      if (!over) {
        fold(entry);
        last = { entry, moment };
        size = entry.seq + 1;
      }
      return !over || moment.when !== 'after';
    },
    state: () => ({ view, size, last, uncertain }),
  };
}
