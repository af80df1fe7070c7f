import { useState } from 'react';
import type { CustodyConflict } from '../contract/custody.ts';
import type { FleetDevice, FleetView } from '../contract/fleet.ts';
import { ConflictMark } from './conflict-mark.tsx';
import { ConflictSheet } from './conflict-sheet.tsx';
import { readCustody } from './custody-api.ts';
import { FilterBox, NothingFound } from './filter-box.tsx';
import { ListFrame, countWords } from './list-frame.tsx';
import { Empty } from './notices.tsx';
import { hrefOf } from './route.ts';
import { filterRows } from './row-filter.ts';
import { useFleet } from './store.ts';

const textOf = ({ device, asset, sides }: CustodyConflict): string => [device, asset, ...sides.map(({ place }) => place.cart)].join(' ');

/** Every open conflict in full. */
export function ConflictsPage({ view, q }: { view: FleetView; q: string }) {
  const held = useFleet((state) => state.fleet.held);
  const [closed, setClosed] = useState<readonly CustodyConflict[]>([]);
  const rows = filterRows(view.conflicts, q, textOf);
  const shown = closed.filter(({ id }) => !view.conflicts.some((open) => open.id === id));
  /** The fleet's list holds open conflicts only; what was closed here just now is shown as the server keeps it. */
  const keep = async (conflict: CustodyConflict) => {
    const reading = await readCustody({ device: conflict.device, from: conflict.foundAt, to: new Date(Date.parse(conflict.foundAt) + 1000).toISOString() });
    const kept = reading.ok && !reading.unchanged ? reading.value.conflicts.find(({ id }) => id === conflict.id) : undefined;
    if (kept !== undefined) setClosed((before) => [kept, ...before]);
  };
  return (
    <ListFrame id="conflicts" title="Conflicts" level={1} count={view.conflicts.length === 0 ? '' : countWords(rows.length, view.conflicts.length)} held={held} tools={view.conflicts.length > 1 && <FilterBox q={q} hint="tablet, cart" />}>
      {rows.map((conflict) => (
        <ConflictSheet key={conflict.id} conflict={conflict} level={2} asOf={view.at} onClosed={() => void keep(conflict)} />
      ))}
      {shown.map((conflict) => (
        <ConflictSheet key={conflict.id} conflict={conflict} level={2} asOf={view.at} />
      ))}
      {rows.length === 0 && view.conflicts.length > 0 && <NothingFound q={q} />}
      {view.conflicts.length === 0 && <Empty>No conflict is known.</Empty>}
      <p className="more quiet">A closed conflict stays on its tablet’s page, under “Who had it”, with who closed it and why.</p>
    </ListFrame>
  );
}

/** One line where it is seen at once; nothing while no conflict is open. */
export function ConflictBanner({ conflicts }: { conflicts: FleetView['conflicts'] }) {
  const [first] = conflicts;
  if (first === undefined) return null;
  const tablets = new Set(conflicts.map(({ device }) => device)).size;
  return (
    <p className="conflict-banner">
      <ConflictMark />
      <span>
        <strong>{tablets === 1 ? `${first.asset ?? first.device} is claimed by two carts.` : `${tablets} tablets are claimed by two carts each.`}</strong> Both cannot be right. <a href={hrefOf({ page: 'conflicts', q: '' })}>Look at the evidence</a>
      </span>
    </p>
  );
}

/** On a tablet's own page: that its place is not certain, and where to read why. */
export function ConflictLine({ device }: { device: FleetDevice }) {
  return (
    <p className="conflict-banner">
      <ConflictMark />
      <span>
        {device.where.kind === 'conflict' && device.where.because === 'undecided' ? (
          <strong>Which cart had it last cannot be told from the clocks.</strong>
        ) : (
          <>
            <strong>Two carts say that they had it at the same time.</strong> Both cannot be right. <a href={hrefOf({ page: 'conflicts', q: device.asset })}>Look at the evidence</a>
          </>
        )}
      </span>
    </p>
  );
}
