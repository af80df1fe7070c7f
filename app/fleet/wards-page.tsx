import type { FleetView } from '../contract/fleet.ts';
import { ConflictBanner } from './conflicts-page.tsx';
import { deviceRows } from './device-row.ts';
import { DeviceTable } from './device-table.tsx';
import { FilterBox } from './filter-box.tsx';
import { Empty } from './notices.tsx';
import { QuarantineTable } from './quarantine-table.tsx';
import type { Route } from './route.ts';
import { filterRows } from './row-filter.ts';
import { StationTable } from './station-table.tsx';
import { WardSection } from './ward-section.tsx';

const ON_ONE_PAGE = 60;

/** Everything at a glance: each ward's carts, then the lists under one filter. */
export function WardsPage({ view, route }: { view: FleetView; route: Route }) {
  const all = deviceRows(view);
  const rows = filterRows(all, route.q, ({ text }) => text);
  return (
    <>
      <h1 className="unseen" tabIndex={-1}>
        Wards
      </h1>
      <ConflictBanner conflicts={view.conflicts} />
      {view.wards.length === 0 && <Empty>No ward is set up on the server yet.</Empty>}
      {view.wards.map((ward) => (
        <WardSection key={ward.id} view={view} ward={ward} />
      ))}
      <FilterBox q={route.q} hint="tablet, person, cart, reason" />
      <QuarantineTable view={view} q={route.q} level={2} />
      <DeviceTable view={view} all={all} rows={rows} q={route.q} level={2} limit={ON_ONE_PAGE} />
      <StationTable view={view} q={route.q} level={2} />
    </>
  );
}
