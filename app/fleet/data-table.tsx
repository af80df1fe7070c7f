import type { ReactNode } from 'react';

export interface Column<T> {
  readonly head: string;
  readonly cell: (row: T) => ReactNode;
  /** `lead` names the row; `number` stands to the right; `wide` takes what is left. */
  readonly kind?: 'lead' | 'number' | 'wide';
}

interface DataTableProps<T> {
  readonly labelledBy: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => string;
}

/** A plain table that becomes a stack of cards on a narrow screen. Roles are spelled out because CSS changes the display. */
export function DataTable<T>({ labelledBy, columns, rows, keyOf }: DataTableProps<T>) {
  return (
    <table role="table" aria-labelledby={labelledBy}>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map(({ head, kind }) => (
            <th key={head} role="columnheader" scope="col" data-kind={kind}>
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr key={keyOf(row)} role="row">
            {columns.map((column) => (
              <Cell key={column.head} column={column} row={row} />
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Cell<T>({ column: { head, kind, cell }, row }: { column: Column<T>; row: T }) {
  if (kind === 'lead') {
    return (
      <th role="rowheader" scope="row" data-kind="lead">
        {cell(row)}
      </th>
    );
  }
  return (
    <td role="cell" data-kind={kind} data-head={head}>
      {cell(row)}
    </td>
  );
}
