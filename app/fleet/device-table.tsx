import type { ReactNode } from 'react';
import type { FleetView } from '../contract/fleet.ts';
import { TabletName, doubtAbout } from './conflict-mark.tsx';
import { DataTable } from './data-table.tsx';
import type { Column } from './data-table.tsx';
import type { DeviceRow } from './device-row.ts';
import { NothingFound } from './filter-box.tsx';
import { ListFrame, countWords } from './list-frame.tsx';
import { Empty } from './notices.tsx';
import { hrefOf } from './route.ts';
import { Since, Waited } from './since.tsx';
import { StateMark } from './state-mark.tsx';
import { useFleet } from './store.ts';
import { GRADE_WORDS } from './words.ts';

const COLUMNS: readonly Column<DeviceRow>[] = [
  {
    head: 'Tablet',
    kind: 'lead',
    cell: ({ device }) => (
      <>
        <TabletName serial={device.serial} asset={device.asset} doubt={doubtAbout(device)} />
        <span className="under">{device.model}</span>
      </>
    ),
  },
  {
    head: 'State',
    kind: 'wide',
    cell: ({ device, state, reason }) => (
      <span className="state">
        <StateMark state={device.where.kind === 'conflict' ? 'unknown' : device.state} />
        <span>
          {state}
          {reason !== undefined && (
            <span className="under">
              {reason}
              <Waited iso={device.reasonSince} />
            </span>
          )}
        </span>
      </span>
    ),
  },
  { head: 'Where', cell: (row) => <Where row={row} /> },
  { head: 'Held by', cell: (row) => <Holder row={row} /> },
  { head: 'Since', cell: ({ since }) => <Since iso={since} /> },
  { head: 'Ward', cell: ({ ward }) => ward },
  { head: 'Grade', cell: ({ device }) => <abbr title={GRADE_WORDS[device.grade]}>{device.grade}</abbr> },
];

function Where({ row: { device, place } }: { row: DeviceRow }) {
  return device.where.kind === 'cart' ? <a href={hrefOf({ page: 'station', id: device.where.station, q: '' })}>{place}</a> : place;
}

function Holder({ row: { device, holder } }: { row: DeviceRow }) {
  if (holder === undefined) return <span className="none">–</span>;
  if (device.where.kind === 'unidentified') return <strong>{holder}</strong>;
  return <a href={hrefOf({ page: 'records', q: holder })}>{holder}</a>;
}

interface DeviceTableProps {
  readonly view: FleetView;
  /** All rows of this list, and those that the filter leaves. */
  readonly all: readonly DeviceRow[];
  readonly rows: readonly DeviceRow[];
  readonly q: string;
  readonly level: 1 | 2;
  readonly tools?: ReactNode;
  /** Rows at most; the rest is behind a link. */
  readonly limit?: number;
}

export function DeviceTable({ view, all, rows, q, level, tools, limit = Number.POSITIVE_INFINITY }: DeviceTableProps) {
  const held = useFleet((state) => state.fleet.held);
  const shown = rows.slice(0, limit);
  return (
    <ListFrame id="tablets" title="Tablets" level={level} count={countWords(rows.length, all.length)} held={held} tools={tools}>
      {shown.length > 0 && <DataTable labelledBy="tablets" columns={COLUMNS} rows={shown} keyOf={({ device }) => device.serial} />}
      {shown.length === 0 && all.length > 0 && q !== '' && <NothingFound q={q} />}
      {all.length === 0 && <Empty>{view.devices.length === 0 ? 'No tablet is known yet. Each appears here when a cart has seen it.' : 'No tablet is in this state now.'}</Empty>}
      {shown.length < rows.length && (
        <p className="more">
          <a href={hrefOf({ page: 'devices', q })}>Show all {rows.length}</a>
        </p>
      )}
    </ListFrame>
  );
}
