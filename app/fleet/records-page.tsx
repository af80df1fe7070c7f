import { FilterBox } from './filter-box.tsx';
import { RecordList } from './record-list.tsx';
import type { Route } from './route.ts';

export function RecordsPage({ route }: { route: Route }) {
  return <RecordList level={1} title="Records" q={route.q} tools={<FilterBox q={route.q} hint="tablet, person, cart, what happened" />} />;
}
