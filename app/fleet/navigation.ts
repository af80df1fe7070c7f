import { useEffect, useRef } from 'react';
import { hrefOf } from './route.ts';
import type { Route } from './route.ts';
import { useFleet } from './store.ts';

/** Puts what is typed into the address, so that a filtered list can be sent to somebody; adds nothing to the history. */
export function setFilter(q: string): void {
  const route = { ...useFleet.getState().route, q };
  history.replaceState(history.state, '', hrefOf(route));
  useFleet.setState({ route });
}

const TITLES: Readonly<Record<Route['page'], string>> = {
  wards: 'Wards',
  devices: 'Tablets',
  device: 'Tablet',
  quarantine: 'Quarantine',
  stations: 'Carts',
  station: 'Cart',
  records: 'Records',
  morning: 'Morning',
  sheet: 'Morning sheet',
  certificates: 'Certificates',
  certificate: 'Certificate',
  conflicts: 'Conflicts',
  incidents: 'Incidents',
  keys: 'Keys',
  mdms: 'Tablet management',
  nowhere: 'Nothing here',
};

function placeKey(route: Route): string {
  switch (route.page) {
    case 'device':
      return route.serial;
    case 'station':
      return route.id;
    case 'sheet':
      return `${route.station} ${route.epoch} ${route.seq}`;
    case 'certificate':
      return route.leaf;
    default:
      return route.page;
  }
}

/** A new place starts at its top, says its name in the title, and takes the focus to its heading. */
export function useArrival(route: Route): void {
  const key = placeKey(route);
  const last = useRef(key);
  useEffect(() => {
    document.title = `${TITLES[route.page]} · Dockward`;
    if (last.current === key) return;
    last.current = key;
    scrollTo(0, 0);
    document.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true });
  }, [key, route.page]);
}
