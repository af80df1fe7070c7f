import type { ReactNode } from 'react';
import type { FleetView } from '../contract/fleet.ts';
import { TabletName, doubtAbout } from './conflict-mark.tsx';
import type { Doubt } from './conflict-mark.tsx';
import { DataTable } from './data-table.tsx';
import type { Column } from './data-table.tsx';
import { deviceRow } from './device-row.ts';
import { NothingFound } from './filter-box.tsx';
import { ListFrame, countWords } from './list-frame.tsx';
import { Empty } from './notices.tsx';
import { filterRows } from './row-filter.ts';
import { Since } from './since.tsx';
import { StateMark } from './state-mark.tsx';
import { useFleet } from './store.ts';
import { FAILURE_WORDS, reasonWords } from './words.ts';

type Quarantined = FleetView['quarantine'][number];

export interface QuarantineRow {
  readonly item: Quarantined;
  readonly place: string;
  readonly doubt: Doubt | undefined;
  readonly ward: string;
  readonly text: string;
}

/** Devices in quarantine with where they stand, longest first. */
export function quarantineRows(view: FleetView): readonly QuarantineRow[] {
  return [...view.quarantine]
    .sort((a, b) => Date.parse(a.since) - Date.parse(b.since))
    .map((item) => {
      const device = view.devices.find(({ serial }) => serial === item.serial);
      const { place, ward } = device === undefined ? { place: 'not seen yet', ward: '' } : deviceRow(device, view);
      const why = item.failure === undefined ? '' : FAILURE_WORDS[item.failure];
      return { item, place, ward, doubt: doubtAbout(device), text: [item.asset, item.serial, reasonWords(item.reason), why, place, ward].join(' ') };
    });
}

const COLUMNS: readonly Column<QuarantineRow>[] = [
  { head: 'Tablet', kind: 'lead', cell: ({ item, doubt }) => <TabletName serial={item.serial} asset={item.asset} doubt={doubt} /> },
  {
    head: 'Why',
    kind: 'wide',
    cell: ({ item }) => (
      <span className="state">
        <StateMark state="quarantined" />
        <span>
          {reasonWords(item.reason)}
          {item.failure !== undefined && <span className="under">{FAILURE_WORDS[item.failure]}</span>}
        </span>
      </span>
    ),
  },
  { head: 'Where', cell: ({ place }) => place },
  { head: 'Ward', cell: ({ ward }) => ward },
  { head: 'Since', cell: ({ item }) => <Since iso={item.since} /> },
];

export function QuarantineTable({ view, q, level, tools }: { view: FleetView; q: string; level: 1 | 2; tools?: ReactNode }) {
  const held = useFleet((state) => state.fleet.held);
  const all = quarantineRows(view);
  const rows = filterRows(all, q, ({ text }) => text);
  return (
    <ListFrame id="quarantine" title="Quarantine" level={level} count={countWords(rows.length, all.length)} held={held} tools={tools}>
      {rows.length > 0 && <DataTable labelledBy="quarantine" columns={COLUMNS} rows={rows} keyOf={({ item }) => item.serial} />}
      {rows.length === 0 && all.length > 0 && <NothingFound q={q} />}
      {all.length === 0 && <Empty>Nothing is in quarantine.</Empty>}
    </ListFrame>
  );
}
