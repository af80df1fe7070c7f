import { useEffect } from 'react';
import type { CertificateRow } from '../contract/certificates.ts';
import { Seal } from './certificate-seal.tsx';
import { Contact } from './contact.tsx';
import { DataTable } from './data-table.tsx';
import type { Column } from './data-table.tsx';
import { isLost } from './feed.ts';
import { FilterBox, NothingFound } from './filter-box.tsx';
import { ListFrame } from './list-frame.tsx';
import { Empty } from './notices.tsx';
import { certificatesQuestion } from './questions.ts';
import { refreshNow } from './refresh.ts';
import { hrefOf } from './route.ts';
import type { Route } from './route.ts';
import { filterRows } from './row-filter.ts';
import { useFleet } from './store.ts';
import { dateOf, instant, timeToTheSecond } from './times.ts';
import { GRADE_WORDS } from './words.ts';

const COLUMNS: readonly Column<CertificateRow>[] = [
  {
    head: 'Proof complete',
    kind: 'lead',
    cell: ({ leaf, completedAt }) => (
      <a href={hrefOf({ page: 'certificate', leaf, q: '' })}>
        <time dateTime={completedAt}>
          {dateOf(completedAt)}, {timeToTheSecond(completedAt)}
        </time>
      </a>
    ),
  },
  {
    head: 'Tablet',
    cell: ({ serial, asset, model }) => (
      <>
        <a href={hrefOf({ page: 'device', serial, q: '' })}>{asset ?? serial}</a>
        <span className="under">{[asset === undefined ? undefined : serial, model].filter((part) => part !== undefined).join(', ')}</span>
      </>
    ),
  },
  {
    head: 'Where',
    cell: ({ station, cart, slot }) => (
      <>
        <a href={hrefOf({ page: 'station', id: station, q: '' })}>{cart}</a>
        {slot === undefined ? '' : `, slot ${slot}`}
      </>
    ),
  },
  {
    head: 'Grade',
    cell: ({ grade }) => (
      <>
        {grade}
        <span className="under">{GRADE_WORDS[grade]}</span>
      </>
    ),
  },
  {
    head: 'Standing',
    kind: 'wide',
    cell: ({ cosignedAt }) => (
      <span className="state">
        <Seal standing="cosigned" />
        <span>
          cosigned
          {cosignedAt !== undefined && <span className="under">{instant(cosignedAt)}</span>}
        </span>
      </span>
    ),
  },
];

/** How long a pause in typing is before the server is asked. */
const TYPED_MS = 250;

/** The certificates of sanitization of all carts, newest first; what is typed is sought in all of them, not in this page alone. */
export function CertificatesPage({ route }: { route: Extract<Route, { page: 'certificates' }> }) {
  const feed = useFleet((state) => state.certificates);
  const fleet = useFleet((state) => state.fleet);
  const { q, after } = route;
  useEffect(() => {
    const pause = setTimeout(() => void refreshNow(), TYPED_MS);
    return () => clearTimeout(pause);
  }, [q]);
  const all = feed.held?.value.certificates ?? [];
  const isAnswer = feed.query !== undefined && feed.query.key === certificatesQuestion(route)?.key;
  const rows = isAnswer ? all : filterRows(all, q, ({ serial, asset }) => `${serial} ${asset ?? ''}`);
  const last = all.at(-1);
  return (
    <ListFrame id="certificates" title="Certificates" level={1} count={countOf(rows.length, feed.held?.value.more === true || after !== undefined)} held={feed.held} tools={<FilterBox q={q} hint="serial or asset number" />}>
      {!isLost(fleet) && <Contact feed={feed} />}
      {rows.length > 0 && <DataTable labelledBy="certificates" columns={COLUMNS} rows={rows} keyOf={({ leaf }) => leaf} />}
      {rows.length === 0 && q !== '' && isAnswer && <NothingFound q={q} />}
      {rows.length === 0 && q === '' && isAnswer && <Empty>{after === undefined ? 'No sanitization has been proven yet.' : 'There is nothing older.'}</Empty>}
      {rows.length === 0 && !isAnswer && !isLost(feed) && <p className="quiet">Reading the certificates…</p>}
      {isAnswer && (after !== undefined || feed.held?.value.more === true) && (
        <nav className="more pages" aria-label="Pages of the list">
          {after !== undefined && <a href={hrefOf({ page: 'certificates', q })}>Newest</a>}
          {feed.held?.value.more === true && last !== undefined && <a href={hrefOf({ page: 'certificates', q, after: last.leaf })}>Older</a>}
        </nav>
      )}
    </ListFrame>
  );
}

/** A page is not all there are. */
const countOf = (shown: number, isPage: boolean): string => (isPage ? `${shown} on this page` : String(shown));
