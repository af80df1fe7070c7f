import type { ReactNode } from 'react';
import type { FleetStation, FleetView } from '../contract/fleet.ts';
import { DataTable } from './data-table.tsx';
import type { Column } from './data-table.tsx';
import { wardName } from './device-row.ts';
import { NothingFound } from './filter-box.tsx';
import { ListFrame, countWords } from './list-frame.tsx';
import { Empty } from './notices.tsx';
import { hrefOf } from './route.ts';
import { filterRows } from './row-filter.ts';
import { nowAtServer, useFleet } from './store.ts';
import { syncAge } from './sync-age.ts';
import { dateOf } from './times.ts';

/** The age of the station's last cosignature, ticking; anything but current is said in words and with a sign. */
export function SyncAge({ station }: { station: FleetStation }) {
  const words = useFleet((state) => syncAge(station, nowAtServer(state)).words);
  const standing = useFleet((state) => syncAge(station, nowAtServer(state)).standing);
  return (
    <span className="sync" data-standing={standing}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        {standing === 'current' ? <circle cx="8" cy="8" r="5" className="dot" /> : <path d="M8 1.5 15 14H1Z" className="alert" />}
      </svg>
      {words}
    </span>
  );
}

interface StationRow {
  readonly station: FleetStation;
  readonly ward: string;
  readonly tablets: number;
  readonly text: string;
}

function stationRows(view: FleetView): readonly StationRow[] {
  return view.stations.map((station) => {
    const ward = wardName(view, station.ward);
    const tablets = view.devices.filter(({ where }) => where.kind === 'cart' && where.station === station.id).length;
    return { station, ward, tablets, text: [station.cart, ward, station.id, station.denied ? 'denied' : ''].join(' ') };
  });
}

const COLUMNS: readonly Column<StationRow>[] = [
  {
    head: 'Cart',
    kind: 'lead',
    cell: ({ station, ward }) => (
      <>
        <a href={hrefOf({ page: 'station', id: station.id, q: '' })}>{station.cart}</a>
        <span className="under">{ward}</span>
      </>
    ),
  },
  { head: 'Last sync', kind: 'wide', cell: ({ station }) => <SyncAge station={station} /> },
  {
    head: 'Tablets in it',
    kind: 'number',
    cell: ({ station, tablets }) => (
      <>
        <a href={hrefOf({ page: 'station', id: station.id, q: '' })}>{tablets}</a> <span className="under">of {station.shelves.flat().length} slots</span>
      </>
    ),
  },
  { head: 'Records', kind: 'number', cell: ({ station }) => <a href={hrefOf({ page: 'station', id: station.id, q: '' })}>{station.size.toLocaleString('en-GB')}</a> },
  { head: 'Certificate until', cell: ({ station }) => dateOf(station.certificateUntil) },
  { head: 'Station', cell: ({ station }) => <span className="quiet">{station.id}</span> },
];

export function StationTable({ view, q, level, tools }: { view: FleetView; q: string; level: 1 | 2; tools?: ReactNode }) {
  const held = useFleet((state) => state.fleet.held);
  const all = stationRows(view);
  const rows = filterRows(all, q, ({ text }) => text);
  return (
    <ListFrame id="carts" title="Carts" level={level} count={countWords(rows.length, all.length)} held={held} tools={tools}>
      {rows.length > 0 && <DataTable labelledBy="carts" columns={COLUMNS} rows={rows} keyOf={({ station }) => station.id} />}
      {rows.length === 0 && all.length > 0 && <NothingFound q={q} />}
      {all.length === 0 && (
        <Empty>
          No cart has enrolled yet. {level === 1 ? 'Make a one-time code below and give it to the set-up of the first cart.' : <a href={hrefOf({ page: 'stations', q: '' })}>Make a code for the first one</a>}
        </Empty>
      )}
    </ListFrame>
  );
}
