import type { MorningNight, MorningSheetAnswer } from '../contract/morning.ts';
import { AnswerTo } from './answer-to.tsx';
import { EvidenceFold } from './evidence.tsx';
import { Done, Exceptions, Needs, Notice, PdfButton } from './morning-parts.tsx';
import { hrefOf } from './route.ts';
import type { Route } from './route.ts';
import { zoneName } from './span.ts';
import { useFleet } from './store.ts';
import { dayInWords, dayOf, timeToTheMinute } from './times.ts';

/** More exceptions than these are printed smaller, so that the sheet stays one page. */
const MANY = 16;

/** One night of a cart as it is read and as it is printed, on one page, with the way to the nights around it. */
export function MorningSheetPage({ route }: { readonly route: Extract<Route, { page: 'sheet' }> }) {
  const asked = useFleet((state) => state.sheet);
  const { station, epoch, seq } = route;
  const answer = asked?.question.station === station && asked.question.epoch === epoch && asked.question.seq === seq ? asked.feed.held?.value : undefined;
  return (
    <section className="list" aria-labelledby="sheet">
      <div className="list-head">
        <h1 id="sheet" tabIndex={-1}>
          {answer === undefined ? 'Morning sheet' : `${answer.cart}, ${dayInWords(answer.sheet.shift)}`}
        </h1>
        {answer !== undefined && <span className="count">{answer.ward}</span>}
      </div>
      <AnswerTo asked={asked} asking="Reading the sheet…" />
      {answer !== undefined && <Sheet answer={answer} />}
    </section>
  );
}

function Sheet({ answer: { station, cart, ward, sheet, nights } }: { readonly answer: MorningSheetAnswer }) {
  const { epoch, evidence, from, shift, endedAt, exceptions, more, warned } = sheet;
  const here = { station, epoch, seq: evidence.seq };
  return (
    <article className="document morning-document" data-many={exceptions.length > MANY || undefined} aria-label={`Morning sheet of ${cart}`}>
      <Nights nights={nights} here={here} />
      <h1 className="on-paper">
        {cart}, {dayInWords(shift)}
      </h1>
      <p className="question">
        The night from {timeToTheMinute(from)} to {timeToTheMinute(shift)}, as the cart recorded it
        <span className="on-paper-inline">
          , for {ward}; times in {zoneName()}
        </span>
      </p>
      <p className="asked">
        <PdfButton night={here} />
        <button type="button" className="link" onClick={() => print()}>
          Print
        </button>
        <a href={hrefOf({ page: 'station', id: station, at: endedAt, q: '' })}>The cart as it stood then</a>
      </p>
      <Needs station={station} sheet={sheet} />
      <h2>{exceptions.length + more === 0 ? 'Nothing to mend this morning' : 'First, the quick ones'}</h2>
      {exceptions.length > 0 && <Exceptions exceptions={exceptions} />}
      {more > 0 && <p className="quiet">and {more} more that had no room in the record</p>}
      <h2>In the night</h2>
      <Done station={station} sheet={sheet} />
      {warned.length > 0 && (
        <ul className="plain-list">
          {warned.map((notice) => (
            <li key={notice.evidence.seq}>
              <Notice notice={notice} station={station} />
            </li>
          ))}
        </ul>
      )}
      <EvidenceFold entries={[['This sheet', evidence], ...warned.map((notice) => [`Short by ${notice.shortBy} for ${notice.ward}`, notice.evidence] as const)]} />
    </article>
  );
}

/** The nights around this one, newest first; what each lacked is said in its own words. */
function Nights({ nights, here }: { readonly nights: readonly MorningNight[]; readonly here: { readonly station: string; readonly epoch: number; readonly seq: number } }) {
  if (nights.length < 2) return null;
  return (
    <nav aria-label="Nights">
      <ol className="nights">
        {nights.map(({ epoch, seq, at, unread, needed = 0, ready = 0, shortBy = 0, exceptions = 0 }) => (
          <li key={`${epoch} ${seq}`}>
            <a href={hrefOf({ page: 'sheet', station: here.station, epoch, seq, q: '' })} aria-current={epoch === here.epoch && seq === here.seq ? 'page' : undefined}>
              <b>{dayOf(at)}</b>
              <span>{unread ? 'not readable here' : shortBy > 0 ? `short by ${shortBy}` : needed > 0 ? `${ready} of ${needed}` : 'none needed'}</span>
              <span>{unread || exceptions === 0 ? '' : `${exceptions} to mend`}</span>
            </a>
          </li>
        ))}
      </ol>
    </nav>
  );
}
