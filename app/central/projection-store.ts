import type { CartView, Change, TableName, Tables } from '../domain/tables.ts';
import { TABLE_NAMES } from '../domain/tables.ts';
import type { Queryable } from './database.ts';

type Rows = { readonly [T in TableName]: Map<string, Tables[T]> };

/** The projection of one ledger in memory, as it stands after `size` entries. */
export interface OriginRows {
  readonly size: number;
  /** How often the projection had been made anew when these rows were read. */
  readonly refolded: number;
  readonly rows: Rows;
}

/** Changes on top of rows that stay as they are until the transaction has committed. */
export interface Overlay {
  readonly view: CartView;
  apply(changes: readonly Change[]): void;
  /** The last change per row. */
  changes(): readonly Change[];
}

/** The projection of a ledger without entries. */
export const emptyRows = (size = 0, refolded = 0): OriginRows => ({ size, refolded, rows: { device: new Map(), offer: new Map(), person: new Map(), enrolment: new Map(), cart: new Map(), slot: new Map(), model: new Map() } });

export async function loadRows(client: Queryable, origin: string, size: number, refolded: number): Promise<OriginRows> {
  const empty = emptyRows(size, refolded);
  const { rows } = empty;
  const found = await client.query<{ tbl: string; key: string; row: never }>('select tbl, key, row from projection where origin = $1', [origin]);
  for (const { tbl, key, row } of found.rows) {
    const table = TABLE_NAMES.find((name) => name === tbl);
    if (!table) throw new Error(`the projection of ${origin} holds a table ${tbl} that this program does not know`);
    rows[table].set(key, row);
  }
  return empty;
}

export function overlayOn(base: OriginRows): Overlay {
  const staged = new Map<string, Change>();
  const nameOf = (table: TableName, key: string): string => `${table} ${key}`;
  return {
    view: {
      get<T extends TableName>(table: T, key: string): Tables[T] | undefined {
        const change = staged.get(nameOf(table, key));
        // The change stands under its own table's name, so its row is of that table.
        return change ? (change.row as Tables[T] | undefined) : base.rows[table].get(key);
      },
      *all<T extends TableName>(table: T): Iterable<Tables[T]> {
        for (const [key, row] of base.rows[table]) if (!staged.has(nameOf(table, key))) yield row;
        for (const change of staged.values()) if (change.table === table && change.row !== undefined) yield change.row as Tables[T];
      },
    },
    apply(changes) {
      for (const change of changes) staged.set(nameOf(change.table, change.key), change);
    },
    // What came and went on top of the rows never was in them.
    changes: () => [...staged.values()].filter(({ table, key, row }) => row !== undefined || base.rows[table].has(key)),
  };
}

/** Makes the changes part of the rows in memory, once they are committed. */
export function settle(base: OriginRows, changes: readonly Change[], size: number): OriginRows {
  for (const change of changes) {
    const rows: Map<string, unknown> = base.rows[change.table];
    if (change.row === undefined) rows.delete(change.key);
    else rows.set(change.key, change.row);
  }
  return { size, refolded: base.refolded, rows: base.rows };
}

export async function saveChanges(client: Queryable, origin: string, changes: readonly Change[]): Promise<void> {
  const removed = changes.filter((change) => change.row === undefined);
  if (removed.length > 0) {
    await client.query('delete from projection using unnest($2::text[], $3::text[]) as gone (tbl, key) where origin = $1 and projection.tbl = gone.tbl and projection.key = gone.key', [
      origin,
      removed.map((change) => change.table),
      removed.map((change) => change.key),
    ]);
  }
  const written = changes.filter((change) => change.row !== undefined);
  if (written.length > 0) {
    await client.query(
      `insert into projection (origin, tbl, key, row) select $1, tbl, key, row from jsonb_to_recordset($2::jsonb) as fresh (tbl text, key text, row jsonb)
       on conflict (origin, tbl, key) do update set row = excluded.row`,
      [origin, JSON.stringify(written.map(({ table, key, row }) => ({ tbl: table, key, row })))],
    );
  }
}
