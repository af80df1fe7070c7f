import type { FleetView } from '../contract/fleet.ts';
import { AsItStood } from './as-it-stood.tsx';
import { AsOf } from './as-of.tsx';
import { CartDrawing } from './cart-drawing.tsx';
import { wardName } from './device-row.ts';
import { Facts } from './facts.tsx';
import { RecordList } from './record-list.tsx';
import { hrefOf } from './route.ts';
import { SyncAge } from './station-table.tsx';
import { useFleet } from './store.ts';
import { dateOf } from './times.ts';

/** One cart: its slots, its contact with the server, and its newest records. */
export function StationPage({ view, id }: { view: FleetView; id: string }) {
  const held = useFleet((state) => state.fleet.held);
  const q = useFleet((state) => state.route.q);
  const station = view.stations.find((known) => known.id === id);
  if (station === undefined) {
    return (
      <>
        <h1 tabIndex={-1}>No cart has this address</h1>
        <p>
          <a href={hrefOf({ page: 'stations', q: '' })}>All carts</a>
        </p>
      </>
    );
  }
  const slots = station.shelves.flat().length;
  const inside = view.devices.filter(({ where }) => where.kind === 'cart' && where.station === id).length;
  const doubtful = view.devices.filter(({ where }) => where.kind === 'conflict' && where.sides.some(({ station: claims, holder }) => claims === id && holder === undefined)).length;
  return (
    <>
      <section className="sheet" aria-labelledby="station">
        <div className="sheet-title">
          <h1 id="station" tabIndex={-1}>
            {station.cart}
          </h1>
          <span className="count">{wardName(view, station.ward)}</span>
          <AsOf held={held} />
        </div>
        <CartDrawing view={view} station={station} />
        <Facts
          facts={[
            ['Last sync', <SyncAge station={station} />],
            ['Records the server holds', station.size.toLocaleString('en-GB')],
            ['Tablets in it', `${inside} in ${slots} slots${doubtful === 0 ? '' : `, ${doubtful} more not certain`}`],
            ['Certificate until', dateOf(station.certificateUntil)],
            ['Station', station.id],
          ]}
        />
      </section>
      <AsItStood station={station} />
      <RecordList level={2} title="Records" q={q} only={(event) => event.station === id} />
    </>
  );
}
