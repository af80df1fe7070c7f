import type { ReactNode } from 'react';
import type { FleetEvent, FleetView } from '../contract/fleet.ts';
import { TabletName, doubtAbout } from './conflict-mark.tsx';
import type { Doubt } from './conflict-mark.tsx';
import { Contact } from './contact.tsx';
import { DataTable } from './data-table.tsx';
import type { Column } from './data-table.tsx';
import { isLost } from './feed.ts';
import { NothingFound } from './filter-box.tsx';
import { ListFrame, countWords } from './list-frame.tsx';
import { Empty } from './notices.tsx';
import { hrefOf } from './route.ts';
import { filterRows } from './row-filter.ts';
import { useFleet } from './store.ts';
import { dateOf, timeToTheSecond } from './times.ts';

interface RecordRow {
  readonly event: FleetEvent;
  readonly asset: string | undefined;
  readonly doubt: Doubt | undefined;
  readonly cart: string;
  readonly isToday: boolean;
  readonly text: string;
}

function recordRow(event: FleetEvent, view: FleetView | undefined, nowIso: string): RecordRow {
  const device = view?.devices.find(({ serial }) => serial === event.device);
  const asset = event.device === undefined ? undefined : (device?.asset ?? event.device);
  const cart = view?.stations.find(({ id }) => id === event.station)?.cart ?? event.station;
  const text = [timeToTheSecond(event.at), event.text, event.type, event.person, asset, event.device, cart, event.slot === undefined ? '' : `slot ${event.slot}`, event.seq].join(' ');
  return { event, asset, doubt: doubtAbout(device), cart, isToday: new Date(event.at).toDateString() === new Date(nowIso).toDateString(), text };
}

const COLUMNS: readonly Column<RecordRow>[] = [
  {
    head: 'Time',
    kind: 'lead',
    cell: ({ event, isToday }) => (
      <time dateTime={event.at}>
        {timeToTheSecond(event.at)}
        {!isToday && <span className="under">{dateOf(event.at)}</span>}
      </time>
    ),
  },
  { head: 'What happened', kind: 'wide', cell: ({ event }) => event.text },
  { head: 'Tablet', cell: ({ event, asset, doubt }) => (event.device === undefined ? <span className="none">–</span> : <TabletName serial={event.device} asset={asset ?? event.device} doubt={doubt} />) },
  { head: 'Person', cell: ({ event }) => (event.person === undefined ? <span className="none">–</span> : <a href={hrefOf({ page: 'records', q: event.person })}>{event.person}</a>) },
  {
    head: 'Where',
    cell: ({ event, cart }) => (
      <>
        <a href={hrefOf({ page: 'station', id: event.station, q: '' })}>{cart}</a>
        {event.slot === undefined ? '' : `, slot ${event.slot}`}
      </>
    ),
  },
  { head: 'Record', kind: 'number', cell: ({ event }) => <span className="quiet">{event.seq}</span> },
];

/** On a tablet's own page its name need not stand in every row. */
const OF_ONE_TABLET = COLUMNS.filter(({ head }) => head !== 'Tablet');

interface RecordListProps {
  readonly level: 1 | 2;
  readonly title: string;
  readonly q: string;
  /** Only these of the records that were read. */
  readonly only?: (event: FleetEvent) => boolean;
  readonly tools?: ReactNode;
}

/** The newest records behind whatever is open, newest first. */
export function RecordList({ level, title, q, only = () => true, tools }: RecordListProps) {
  const records = useFleet((state) => state.records);
  const fleet = useFleet((state) => state.fleet);
  const view = fleet.held?.value;
  const all = (records.held?.value.events ?? []).filter(only).map((event) => recordRow(event, view, records.held?.asOf ?? event.at));
  const rows = filterRows(all, q, ({ text }) => text);
  const limit = records.query?.limit ?? 0;
  const cut = records.held !== undefined && records.held.value.events.length >= limit;
  return (
    <ListFrame id="records" title={title} level={level} count={countWords(rows.length, all.length)} held={records.held} tools={tools}>
      {!isLost(fleet) && <Contact feed={records} />}
      {rows.length > 0 && <DataTable labelledBy="records" columns={records.query?.device === undefined ? COLUMNS : OF_ONE_TABLET} rows={rows} keyOf={({ event }) => `${event.station} ${event.seq} ${event.at}`} />}
      {rows.length === 0 && all.length > 0 && <NothingFound q={q} />}
      {records.held !== undefined && all.length === 0 && <Empty>Nothing has been recorded here yet.</Empty>}
      {records.held === undefined && !isLost(records) && <p className="quiet">Reading the records…</p>}
      {cut && <p className="more quiet">Taken from the newest {limit} records.</p>}
    </ListFrame>
  );
}
