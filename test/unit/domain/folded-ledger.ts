import type { EntryDraft, RecordedEntry } from '../../../app/domain/entries.ts';
import { projectEntry } from '../../../app/domain/projection.ts';
import type { CartView, TableName, Tables } from '../../../app/domain/tables.ts';

/** A ledger in memory: the fold and nothing else. */
export interface FoldedLedger {
  readonly view: CartView;
  readonly entries: RecordedEntry[];
  record(draft: EntryDraft, atMs?: number): RecordedEntry;
  /** Every row of every table, by key. */
  rows(): unknown;
}

export function foldedLedger(): FoldedLedger {
  const tables: { [T in TableName]: Map<string, Tables[T]> } = { device: new Map(), offer: new Map(), person: new Map(), enrolment: new Map(), cart: new Map(), slot: new Map(), model: new Map() };
  const view: CartView = { get: (table, key) => tables[table].get(key) as never, all: (table) => tables[table].values() as never };
  const entries: RecordedEntry[] = [];
  return {
    view,
    entries,
    record: (draft, atMs = entries.length) => {
      const entry = { ...draft, seq: entries.length, leaf: `leaf-${entries.length}`, atMs, station: 'cart-7' } as RecordedEntry;
      for (const { table, key, row } of projectEntry(view, entry)) {
        if (row === undefined) tables[table].delete(key);
        else (tables[table] as Map<string, unknown>).set(key, row);
      }
      entries.push(entry);
      return entry;
    },
    rows: () => Object.fromEntries(Object.entries(tables).map(([name, rows]) => [name, [...rows].sort(([a], [b]) => (a < b ? -1 : 1))])),
  };
}
