import type { FleetView } from '../contract/fleet.ts';
import { AddCart } from './add-cart.tsx';
import { deviceRows, wardName } from './device-row.ts';
import { DeviceTable } from './device-table.tsx';
import { FilterBox } from './filter-box.tsx';
import { QuarantineTable } from './quarantine-table.tsx';
import { hrefOf } from './route.ts';
import type { Route } from './route.ts';
import { filterRows } from './row-filter.ts';
import { StationTable } from './station-table.tsx';
import { STATE_WORDS } from './words.ts';

type ListRoute = Extract<Route, { page: 'devices' | 'quarantine' | 'stations' }>;
type DevicesRoute = Extract<Route, { page: 'devices' }>;

/** One list with the page to itself. */
export function ListPage({ view, route }: { view: FleetView; route: ListRoute }) {
  switch (route.page) {
    case 'devices':
      return <DevicesPage view={view} route={route} />;
    case 'quarantine':
      return <QuarantineTable view={view} q={route.q} level={1} tools={<FilterBox q={route.q} hint="tablet, reason, ward" />} />;
    case 'stations':
      return (
        <>
          <StationTable view={view} q={route.q} level={1} tools={<FilterBox q={route.q} hint="cart, ward" />} />
          <AddCart view={view} />
        </>
      );
  }
}

function DevicesPage({ view, route }: { view: FleetView; route: DevicesRoute }) {
  const { ward, state, q } = route;
  const all = deviceRows(view).filter(({ device }) => (ward === undefined || device.ward === ward) && (state === undefined || device.state === state));
  const rows = filterRows(all, q, ({ text }) => text);
  const tools = (
    <>
      <FilterBox q={q} hint="tablet, person, cart, reason" />
      {ward !== undefined && <Narrowed words={wardName(view, ward)} without={{ page: 'devices', q, ...(state === undefined ? {} : { state }) }} />}
      {state !== undefined && <Narrowed words={STATE_WORDS[state]} without={{ page: 'devices', q, ...(ward === undefined ? {} : { ward }) }} />}
    </>
  );
  return <DeviceTable view={view} all={all} rows={rows} q={q} level={1} tools={tools} />;
}

/** A condition of the list, with the way to be rid of it. */
export function Narrowed({ words, without }: { words: string; without: Route }) {
  return (
    <a className="chip" href={hrefOf(without)} aria-label={`Only ${words}. Show without this`}>
      {words}
      <svg viewBox="0 0 12 12" aria-hidden="true">
        <path d="M2 2l8 8m0-8l-8 8" />
      </svg>
    </a>
  );
}
