import type { CustodyAnswer, CustodyInterval } from '../contract/custody.ts';
import { boundWords, drawnAt, knownEnds, mayBeTrue, momentWords } from './bounds.ts';
import { ConflictMark } from './conflict-mark.tsx';
import { contradictedBy, endWords, intervalWords, OVERLAP_WORDS, placeWords } from './custody-words.ts';
import { EvidenceFold, ReceiptButton } from './evidence.tsx';
import { hrefOf } from './route.ts';
import { dateOf, duration, timeToTheSecond } from './times.ts';

type End = CustodyInterval['opened'];

/** Intervals down the page in the order of their opening. The rail is the cart map's language: filled in a slot, dashed when taken, dotted when nobody looked. */
export function Timeline({ intervals, conflicts, asOf }: Pick<CustodyAnswer, 'intervals' | 'conflicts'> & { readonly asOf: string }) {
  return (
    <ol className="timeline">
      {intervals.map((interval, index) => (
        <Stay key={`${interval.opened.evidence.origin} ${interval.opened.evidence.seq}`} interval={interval} next={intervals[index + 1]} against={contradictedBy(interval, conflicts)} asOf={asOf} />
      ))}
    </ol>
  );
}

interface StayProps {
  readonly interval: CustodyInterval;
  readonly next: CustodyInterval | undefined;
  /** The cart that says otherwise. */
  readonly against: string | undefined;
  readonly asOf: string;
}

function Stay({ interval, next, against, asOf }: StayProps) {
  const { kind, overlap, place, opened, closed, touches, holder, release } = interval;
  const from = drawnAt(opened.time);
  const to = closed === undefined ? Date.parse(asOf) : drawnAt(closed.time);
  const handedOn = closed !== undefined && next !== undefined && isSameEntry(closed, next.opened);
  return (
    <li className="stay" data-kind={kind} data-overlap={overlap} data-open={closed === undefined || undefined}>
      <EndLine end={opened} place={place} />
      <div className="stay-body">
        <div className="rail" aria-hidden="true">
          {kind === 'unwatched' && <span>?</span>}
        </div>
        <div>
          <p className="stay-head">
            <strong className="stay-who">{holder?.kind === 'person' ? <a href={hrefOf({ page: 'records', q: holder.name })}>{holder.name}</a> : intervalWords(interval)}</strong>
            {against === undefined ? (
              <OverlapTag overlap={overlap} />
            ) : (
              <span className="doubt">
                <ConflictMark />
                contradicted by {against}
              </span>
            )}
          </p>
          <p className="stay-when">
            {kind === 'held' && <>from {placeWords(place)}, </>}
            {kind === 'unwatched' && <>last seen in {placeWords(place)}, </>}
            {momentWords(opened.time, new Date(from).toISOString())} {closed === undefined ? 'and it goes on, as far as the server knows' : `to ${momentWords(closed.time, new Date(from).toISOString())}`}
            <span className="quiet">, about {duration(to - from)}</span>
          </p>
          {touches.length > 0 && (
            <ul className="touches" aria-label="What happened to it meanwhile">
              {touches.map(({ evidence, time, text, person, slot }) => (
                <li key={`${evidence.origin} ${evidence.seq}`}>
                  <time dateTime={time.claimed}>{timeToTheSecond(time.claimed)}</time>
                  <span>
                    {text}
                    {person !== undefined && `, ${person}`}
                    {slot !== undefined && `, slot ${slot}`}
                    <span className="quiet bound"> {boundWords(time)}</span>
                  </span>
                </li>
              ))}
            </ul>
          )}
          <div className="stay-proof">
            <EvidenceFold
              entries={[
                [endWords(opened, place), opened.evidence],
                ...(closed === undefined ? [] : [[endWords(closed, place), closed.evidence] as const]),
                ...touches.map(({ text, evidence }) => [text, evidence] as const),
              ]}
            />
            {release !== undefined && opened.how === 'taken' && <ReceiptButton evidence={opened.evidence} />}
          </div>
        </div>
      </div>
      {closed !== undefined && !handedOn && <EndLine end={closed} place={place} />}
    </li>
  );
}

function OverlapTag({ overlap }: Pick<CustodyInterval, 'overlap'>) {
  return (
    <span className="overlap" data-overlap={overlap} title={OVERLAP_WORDS[overlap].meaning}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        {overlap === 'certain' ? <path d="M3 8.5l3.5 3.5L13 4.5" /> : <path d="M5 6a3 3 0 1 1 4.2 2.8C8.4 9.2 8 9.6 8 10.5M8 13.4v.1" />}
      </svg>
      {OVERLAP_WORDS[overlap].tag}
    </span>
  );
}

/** One entry ends the one and begins the other: it is told once. */
function isSameEntry(one: End, other: End): boolean {
  return one.evidence.origin === other.evidence.origin && one.evidence.seq === other.evidence.seq;
}

/** One end: the cart's time, what happened, and between which moments it must have been. */
function EndLine({ end, place }: { end: End; place: CustodyInterval['place'] }) {
  const believable = mayBeTrue(end.time);
  return (
    <div className="end">
      <time dateTime={end.time.claimed} data-false={!believable || undefined}>
        <b>{timeToTheSecond(end.time.claimed)}</b>
        <span className="under">{dateOf(end.time.claimed)}</span>
      </time>
      <span className="knot" data-known={knownEnds(end.time)} aria-hidden="true" />
      <p>
        {endWords(end, place)}
        <span className="under bound">
          {boundWords(end.time)}
          {!believable && (
            <strong>
              . The cart’s clock said {timeToTheSecond(end.time.claimed)} on {dateOf(end.time.claimed)}: it was wrong.
            </strong>
          )}
          {!end.certain && '. By these bounds it may also have been in the other order.'}
        </span>
      </p>
    </div>
  );
}
