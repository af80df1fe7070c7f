import type { FleetView } from '../contract/fleet.ts';
import { AsOf } from './as-of.tsx';
import { CartDrawing, cartWidth } from './cart-drawing.tsx';
import { TabletName, doubtAbout } from './conflict-mark.tsx';
import { deviceRows } from './device-row.ts';
import { Empty } from './notices.tsx';
import { hrefOf } from './route.ts';
import type { DeviceState } from './route.ts';
import { Since } from './since.tsx';
import { SyncAge } from './station-table.tsx';
import { StateMark } from './state-mark.tsx';
import { useFleet } from './store.ts';
import { WardTonight } from './ward-night.tsx';
import { STATE_WORDS } from './words.ts';

type Ward = FleetView['wards'][number];

const BESIDE_READY = ['preparing', 'waiting', 'out', 'quarantined'] as const satisfies readonly DeviceState[];
const MOST_NAMES = 6;

/** One ward: what the night will bring while one is on, how many are ready, its carts as they stand, and who is out with a tablet. */
export function WardSection({ view, ward }: { view: FleetView; ward: Ward }) {
  const held = useFleet((state) => state.fleet.held);
  const carts = view.stations.filter((station) => station.ward === ward.id);
  const title = `ward-${ward.id}`;
  return (
    <section className="ward" aria-labelledby={title}>
      <div className="ward-head">
        <h2 id={title}>{ward.name}</h2>
        <AsOf held={held} />
      </div>
      {ward.night !== undefined && <WardTonight id={ward.id} night={ward.night} stations={view.stations} />}
      <WardCounts ward={ward} unseen={view.devices.filter((device) => device.ward === ward.id && device.state === 'unknown').length} />
      <div className="carts">
        {carts.map((station) => (
          <figure key={station.id} style={cartWidth(station)}>
            <figcaption>
              <a href={hrefOf({ page: 'station', id: station.id, q: '' })}>{station.cart}</a>
              <SyncAge station={station} />
            </figcaption>
            <CartDrawing view={view} station={station} />
          </figure>
        ))}
        {carts.length === 0 && (
          <Empty>
            No cart stands here yet. <a href={hrefOf({ page: 'stations', q: '' })}>Add a cart</a>
          </Empty>
        )}
      </div>
      <TakenFrom view={view} ward={ward} />
    </section>
  );
}

/** `unseen`: tablets of the ward of which no cart has told yet; named only when there are some. */
function WardCounts({ ward, unseen }: { ward: Ward; unseen: number }) {
  const beside: readonly (readonly [DeviceState, number])[] = BESIDE_READY.map((state) => [state, ward[state]]);
  const counts = unseen === 0 ? beside : [...beside, ['unknown', unseen] as const];
  return (
    <div className="ward-counts">
      <a className="ready" href={hrefOf({ page: 'devices', ward: ward.id, state: 'proven', q: '' })}>
        <b>{ward.proven}</b> <span>ready</span>
      </a>
      <ul>
        {counts.map(([state, count]) => (
          <li key={state} data-none={count === 0 || undefined}>
            <a href={hrefOf({ page: 'devices', ward: ward.id, state, q: '' })}>
              <StateMark state={state} />
              <b>{count}</b> <span>{STATE_WORDS[state]}</span>
            </a>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Who has a tablet of this ward; a tablet that left with nobody named stands first, then the longest out. */
function TakenFrom({ view, ward }: { view: FleetView; ward: Ward }) {
  const out = deviceRows(view)
    .filter(({ device, holder }) => device.ward === ward.id && holder !== undefined)
    .sort((a, b) => Number(b.device.where.kind === 'unidentified') - Number(a.device.where.kind === 'unidentified') || (a.since ?? '').localeCompare(b.since ?? ''));
  const id = `taken-${ward.id}`;
  return (
    <div className="taken">
      <h3 id={id}>Taken</h3>
      {out.length === 0 && <p className="quiet">Nobody has a tablet of this ward.</p>}
      {out.length > 0 && (
        <ul aria-labelledby={id}>
          {out.slice(0, MOST_NAMES).map(({ device, holder, since }) => (
            <li key={device.serial} data-unnamed={device.where.kind === 'unidentified' || undefined}>
              <span>{holder}</span>
              <TabletName serial={device.serial} asset={device.asset} doubt={doubtAbout(device)} />
              <Since iso={since} />
            </li>
          ))}
        </ul>
      )}
      <NotCertain view={view} ward={ward} />
      {out.length > MOST_NAMES && <a href={hrefOf({ page: 'devices', ward: ward.id, state: 'out', q: '' })}>All {out.length}</a>}
    </div>
  );
}

/** Tablets of the ward that more than one cart claims: never shown at one place as if that were known. */
function NotCertain({ view, ward }: { view: FleetView; ward: Ward }) {
  const claimed = deviceRows(view).filter(({ device }) => device.ward === ward.id && device.where.kind === 'conflict');
  const id = `not-certain-${ward.id}`;
  if (claimed.length === 0) return null;
  return (
    <>
      <h3 id={id} className="not-certain">
        Not certain
      </h3>
      <ul aria-labelledby={id}>
        {claimed.map(({ device, place }) => (
          <li key={device.serial}>
            <TabletName serial={device.serial} asset={device.asset} doubt={doubtAbout(device)} />
            <span className="under">{place}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
