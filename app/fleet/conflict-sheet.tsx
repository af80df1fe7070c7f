import type { ConflictSide, CustodyConflict } from '../contract/custody.ts';
import { boundWords, drawnAt, mayBeTrue } from './bounds.ts';
import { CloseConflict } from './close-conflict.tsx';
import { contradiction, endWords, placeWords } from './custody-words.ts';
import { EvidenceFold } from './evidence.tsx';
import { askAnew } from './refresh.ts';
import { hrefOf } from './route.ts';
import { SpanBand } from './span-band.tsx';
import type { Bar } from './span-band.tsx';
import { dateOf, instant, isSameDay, timeToTheSecond } from './times.ts';

interface ConflictSheetProps {
  readonly conflict: CustodyConflict;
  readonly level: 2 | 3;
  /** Until when a side that goes on is known. */
  readonly asOf: string;
  readonly onClosed?: () => void;
}

/** Two carts that cannot both be right, side by side, each with its evidence. */
export function ConflictSheet({ conflict, level, asOf, onClosed = askAnew }: ConflictSheetProps) {
  const { id, device, asset, sides, count, foundAt, lastAt, closed } = conflict;
  const Heading = level === 2 ? 'h2' : 'h3';
  const both = contradiction(sides, Date.parse(asOf));
  return (
    <section className="conflict" aria-labelledby={`conflict-${id}`} data-closed={closed !== undefined || undefined}>
      <div className="conflict-head">
        <Heading id={`conflict-${id}`}>
          <a href={hrefOf({ page: 'device', serial: device, q: '' })}>{asset ?? device}</a> {closed === undefined ? 'is claimed by two carts' : 'was claimed by two carts'}
        </Heading>
        <p className="quiet">
          found {instant(foundAt)}
          {count > 1 && `, ${count} times since, last ${isSameDay(foundAt, lastAt) ? timeToTheSecond(lastAt) : instant(lastAt)}`}
        </p>
      </div>
      {both !== undefined && (
        <p className="conflict-both">
          Both say that they had it from <b>{instant(new Date(both.from).toISOString())}</b> to <b>{instant(new Date(both.to).toISOString())}</b>, whatever their clocks are off by.
        </p>
      )}
      <SpanBand span={spanOf(sides, asOf)} lanes={sides.map((side) => ({ title: side.place.cart, bars: [barOf(side, asOf)] }))} contradiction={both} />
      <div className="sides">
        {sides.map((side) => (
          <Side key={side.opened.evidence.origin} side={side} level={level} />
        ))}
      </div>
      {closed === undefined ? (
        <>
          <dl className="conflict-what">
            <dt>How this can be</dt>
            <dd>Two tablets answer to this serial; or one of the two ledgers is not true: a disk was restored, a cart was copied, or its records were made up.</dd>
            <dt>What to do</dt>
            <dd>Go and look: which cart has a tablet with this serial, and is there a second one? Until you know, believe neither place. Then close the conflict and say what you found.</dd>
          </dl>
          <CloseConflict id={id} asset={asset ?? device} onClosed={onClosed} />
        </>
      ) : (
        <p className="conflict-closed">
          <strong>Closed</strong> by {closed.by}, {instant(closed.at)}: {closed.reason}
        </p>
      )}
    </section>
  );
}

function Side({ side, level }: { side: ConflictSide; level: 2 | 3 }) {
  const Heading = level === 2 ? 'h3' : 'h4';
  const { place, opened, closed } = side;
  return (
    <div className="side">
      <Heading className="side-title">
        <a href={hrefOf({ page: 'station', id: place.station, q: '' })}>{place.cart}</a> says
      </Heading>
      <ol>
        {[opened, ...(closed === undefined ? [] : [closed])].map((end) => (
          <li key={`${end.how} ${end.evidence.seq}`}>
            <time dateTime={end.time.claimed} data-false={!mayBeTrue(end.time) || undefined}>
              <b>{timeToTheSecond(end.time.claimed)}</b>
              <span className="under">{dateOf(end.time.claimed)}</span>
            </time>
            <span>
              {endWords(end, place)}
              <span className="under">
                {boundWords(end.time)}
                {!mayBeTrue(end.time) && '. The cart’s clock was wrong.'}
              </span>
            </span>
          </li>
        ))}
        {closed === undefined && <li className="goes-on">It has not left since, as far as this cart has told.</li>}
      </ol>
      <EvidenceFold entries={[[endWords(opened, place), opened.evidence], ...(closed === undefined ? [] : [[endWords(closed, place), closed.evidence] as const])]} />
    </div>
  );
}

function barOf({ place, opened, closed }: ConflictSide, asOf: string): Bar {
  return { kind: opened.how === 'taken' ? 'held' : 'docked', possible: false, words: opened.how === 'taken' ? `taken from ${placeWords(place)}` : placeWords(place), from: drawnAt(opened.time), to: closed === undefined ? Date.parse(asOf) : drawnAt(closed.time), opened: opened.time, ...(closed === undefined ? {} : { closed: closed.time }) };
}

/** Both sides from the earlier opening to the later end, with a little air where nothing goes on. */
function spanOf(sides: readonly ConflictSide[], asOf: string): { readonly from: string; readonly to: string } {
  const from = Math.min(...sides.map(({ opened }) => drawnAt(opened.time)));
  const open = sides.some(({ closed }) => closed === undefined);
  const to = Math.max(...sides.map(({ closed }) => (closed === undefined ? Date.parse(asOf) : drawnAt(closed.time))));
  const air = Math.max(60_000, (to - from) / 12);
  return { from: new Date(from - air).toISOString(), to: new Date(open ? to : to + air).toISOString() };
}
