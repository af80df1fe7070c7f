import type { FleetStation, WardNight } from '../contract/fleet.ts';
import { NeedTiles } from '../ui/need-tiles.tsx';
import { Notice } from './morning-parts.tsx';
import { hrefOf } from './route.ts';
import type { DeviceState } from './route.ts';
import { SyncAge } from './station-table.tsx';
import { nowAtServer, useFleet } from './store.ts';
import { syncAge } from './sync-age.ts';
import { timeToTheMinute } from './times.ts';

const READY: DeviceState = 'proven';
/** From when on silence of a cart means that nobody here knows how its night goes. */
const UNHEARD: readonly string[] = ['silent', 'never', 'denied'];

interface NightOf {
  readonly id: string;
  readonly night: WardNight;
  readonly stations: readonly FleetStation[];
}

/** How the ward's carts prepare the morning: ready now, needed, expected by then, what is short and why; and how old that word is. */
export function WardTonight({ id, night, stations }: NightOf) {
  const { due, needed, clean, shortBy, carts, told } = night;
  const title = `night-${id}`;
  const own = stations.filter((station) => carts.some((cart) => cart.station === station.id));
  return (
    <div className="ward-night" role="group" aria-labelledby={title}>
      <h3 id={title}>Tonight</h3>
      <div className="ward-night-says">
        <NeedTiles needed={needed} ready={Math.min(clean, needed - shortBy)} short={shortBy} />
        <p>
          <a href={hrefOf({ page: 'devices', ward: id, state: READY, q: '' })}>
            <b>{clean}</b> ready
          </a>{' '}
          of <b>{needed}</b> needed at {timeToTheMinute(due)}. <Outlook night={night} own={own} />
        </p>
      </div>
      <ul aria-label="What each cart told">
        {carts.map(({ station, cart, needed: asked, together, began }) => (
          <li key={`${station} ${together ?? ''}`}>
            <a href={hrefOf({ page: 'records', station, type: 'night-began', ...around(began), q: '' })}>{asked} needed</a> from {together ? `all carts, told by ${cart}` : cart}
            {own.filter((one) => one.id === station).map((one) => <SyncAge key={one.id} station={one} />)}
          </li>
        ))}
        {told.map(({ station, cart, notice, madeUp }) => (
          <li key={`${station} ${notice.evidence.seq}`} className="ward-night-told">
            <Notice notice={notice} station={station} cart={cart} />
            {madeUp ? '; the other carts have what it lacks' : shortBy === 0 && '; made good since'}
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Said only by who was heard: a silent cart may be short of all without this server knowing. */
function Outlook({ night: { needed, clean, expected, shortBy, unread }, own }: { readonly night: WardNight; readonly own: readonly FleetStation[] }) {
  const unheard = useFleet((state) => own.some((station) => UNHEARD.includes(syncAge(station, nowAtServer(state)).standing)));
  if (unread.length > 0) return <strong className="needs-short">A newer station told that it will be short; this server cannot read by how many. Update the server.</strong>;
  if (shortBy > 0) {
    return (
      <>
        {expected} expected by then, <strong className="needs-short">short by {shortBy}</strong>
      </>
    );
  }
  if (clean >= needed) return 'All that is needed is ready.';
  return unheard ? <strong className="needs-short">How it goes on is not known: a cart is out of contact.</strong> : `${expected} expected by then, on course`;
}

const around = (iso: string): { readonly from: string; readonly to: string } => ({ from: new Date(Date.parse(iso) - 1000).toISOString(), to: new Date(Date.parse(iso) + 1000).toISOString() });
