import { TABLE_NAMES, type CartView, type Change, type TableName, type Tables } from '../domain/tables.ts';

/** One table in memory. Rows are listed in the order of their keys, so that no fold can depend on when a row was written. */
interface TableRows {
  readonly rows: Map<string, unknown>;
  /** Keys in order, or undefined after one came or went. */
  order: readonly string[] | undefined;
}

/** A view whose rows can also be had with their keys, in the order of the keys. */
interface KeyedView extends CartView {
  keyed(name: TableName): Iterable<readonly [key: string, row: unknown]>;
}

/** The projection tables in memory, as committed. */
export interface Projections extends KeyedView {
  apply(changes: Iterable<Change>): void;
}

export function createProjections(rows: Iterable<Change> = []): Projections {
  const tables = new Map<TableName, TableRows>(TABLE_NAMES.map((name) => [name, { rows: new Map(), order: undefined }]));
  const tableOf = (name: TableName): TableRows => {
    const table = tables.get(name);
    if (table === undefined) throw new Error(`no table "${String(name)}"`);
    return table;
  };
  const projections: Projections = {
    get: <T extends TableName>(name: T, key: string) => tableOf(name).rows.get(key) as Tables[T] | undefined,
    all: <T extends TableName>(name: T) => rowsOf<T>(projections, name),
    *keyed(name) {
      const table = tableOf(name);
      table.order ??= [...table.rows.keys()].sort();
      for (const key of table.order) {
        const row = table.rows.get(key);
        if (row !== undefined) yield [key, row];
      }
    },
    apply(changes) {
      for (const { table: name, key, row } of changes) {
        const table = tableOf(name);
        if (row === undefined ? table.rows.delete(key) : !table.rows.has(key)) table.order = undefined;
        if (row !== undefined) table.rows.set(key, row);
      }
    },
  };
  projections.apply(rows);
  return projections;
}

/** Rows written on top of a view and not yet committed: what the fold of the next entry sees. */
export interface Overlay extends KeyedView {
  /** Remembers a change; the last one per row stands. */
  write(change: Change): void;
  changes(): Iterable<Change>;
}

export function createOverlay(base: KeyedView): Overlay {
  const changed = new Map<TableName, Map<string, Change>>();
  const overlay: Overlay = {
    get<T extends TableName>(name: T, key: string) {
      const change = changed.get(name)?.get(key);
      return change === undefined ? base.get(name, key) : (change.row as Tables[T] | undefined);
    },
    all: <T extends TableName>(name: T) => rowsOf<T>(overlay, name),
    keyed(name) {
      const changes = changed.get(name);
      return changes === undefined ? base.keyed(name) : merged(base.keyed(name), changes);
    },
    write(change) {
      if (!TABLE_NAMES.includes(change.table)) throw new Error(`no table "${String(change.table)}"`);
      const changes = changed.get(change.table) ?? new Map<string, Change>();
      changed.set(change.table, changes.set(change.key, change));
    },
    *changes() {
      for (const changes of changed.values()) yield* changes.values();
    },
  };
  return overlay;
}

function* rowsOf<T extends TableName>(view: KeyedView, name: T): Iterable<Tables[T]> {
  for (const [, row] of view.keyed(name)) yield row as Tables[T];
}

function merged(base: Iterable<readonly [string, unknown]>, changes: ReadonlyMap<string, Change>): readonly (readonly [string, unknown])[] {
  const rows: (readonly [string, unknown])[] = [];
  for (const pair of base) if (!changes.has(pair[0])) rows.push(pair);
  for (const { key, row } of changes.values()) if (row !== undefined) rows.push([key, row]);
  return rows.sort(([a], [b]) => (a < b ? -1 : 1));
}
