import type { FleetView } from '../contract/fleet.ts';
import type { IncidentView } from '../contract/incidents.ts';
import { ConflictBanner } from './conflicts-page.tsx';
import { Contact } from './contact.tsx';
import { CopyButton } from './copy-button.tsx';
import { isLost } from './feed.ts';
import { FilterBox, NothingFound } from './filter-box.tsx';
import { ListFrame, countWords } from './list-frame.tsx';
import { Empty } from './notices.tsx';
import { hrefOf } from './route.ts';
import { filterRows } from './row-filter.ts';
import { SetAside } from './set-aside.tsx';
import { useFleet } from './store.ts';
import { instant, isSameDay, timeToTheSecond } from './times.ts';
import { INCIDENT_WORDS } from './words.ts';

/** What the witness noticed about ledgers, and records whose effect was set aside. */
export function IncidentsPage({ view, q }: { view: FleetView; q: string }) {
  const feed = useFleet((state) => state.incidents);
  const fleet = useFleet((state) => state.fleet);
  const all = feed.held?.value.incidents ?? [];
  const rows = filterRows(all, q, ({ cart, station, origin, kind, text }) => [cart, station, origin, INCIDENT_WORDS[kind], text].join(' '));
  return (
    <>
      <ConflictBanner conflicts={view.conflicts} />
      <ListFrame id="incidents" title="Incidents" level={1} count={all.length === 0 ? '' : countWords(rows.length, all.length)} held={feed.held} tools={all.length > 1 && <FilterBox q={q} hint="cart, what was noticed" />}>
        {!isLost(fleet) && <Contact feed={feed} />}
        {rows.length > 0 && (
          <ol className="incidents">
            {rows.map((incident) => (
              <Incident key={incident.id} incident={incident} />
            ))}
          </ol>
        )}
        {rows.length === 0 && all.length > 0 && <NothingFound q={q} />}
        {feed.held !== undefined && all.length === 0 && <Empty>The witness has noticed nothing.</Empty>}
        {feed.held === undefined && !isLost(feed) && <p className="quiet">Reading the incidents…</p>}
        {view.conflicts.length === 0 && (
          <p className="more quiet">
            No conflict is known. <a href={hrefOf({ page: 'conflicts', q: '' })}>About conflicts</a>
          </p>
        )}
      </ListFrame>
      <SetAside view={view} />
    </>
  );
}

function Incident({ incident: { kind, station, cart, origin, text, firstAt, lastAt, count, note } }: { incident: IncidentView }) {
  return (
    <li>
      <div className="incident-when">
        <time dateTime={lastAt}>{instant(lastAt)}</time>
        {count > 1 && (
          <span className="under">
            {count} times since {isSameDay(firstAt, lastAt) ? timeToTheSecond(firstAt) : instant(firstAt)}
          </span>
        )}
      </div>
      <div>
        <h2>
          {INCIDENT_WORDS[kind]} <a href={hrefOf({ page: 'station', id: station, q: '' })}>{cart}</a>
        </h2>
        <p>{text}</p>
        <p className="under">{origin}</p>
        {note !== undefined && (
          <details className="evidence">
            <summary>The cart’s signed checkpoint</summary>
            <p className="quiet">Whoever signed this cannot deny it: it can be checked with the ledger’s key alone.</p>
            <pre tabIndex={0}>{note}</pre>
            <CopyButton text={note} what="the checkpoint" />
          </details>
        )}
      </div>
    </li>
  );
}
