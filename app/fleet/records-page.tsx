import { FilterBox } from './filter-box.tsx';
import { Narrowed } from './list-page.tsx';
import { RecordList } from './record-list.tsx';
import type { Route } from './route.ts';
import { useFleet } from './store.ts';
import { timeOfDay } from './times.ts';

export function RecordsPage({ route }: { route: Extract<Route, { page: 'records' }> }) {
  const fleet = useFleet((state) => state.fleet.held?.value);
  const first = useFleet((state) => state.records.held?.value.events[0]);
  const { station, type, from, to } = route;
  const { station: _station, ...anyCart } = route;
  const { type: _type, ...anyType } = route;
  const { from: _from, to: _to, ...anyTime } = route;
  const tools = (
    <>
      <FilterBox q={route.q} hint="tablet, person, cart, what happened" />
      {station !== undefined && <Narrowed words={fleet?.stations.find(({ id }) => id === station)?.cart ?? station} without={anyCart} />}
      {type !== undefined && <Narrowed words={first?.type === type ? first.text : type} without={anyType} />}
      {from !== undefined && to !== undefined && <Narrowed words={`${timeOfDay(from, to)} to ${timeOfDay(to, to)}`} without={anyTime} />}
    </>
  );
  return <RecordList level={1} title="Records" q={route.q} tools={tools} />;
}
