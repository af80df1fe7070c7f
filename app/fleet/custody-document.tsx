import type { CustodyAnswer, CustodyInterval } from '../contract/custody.ts';
import { ConflictSheet } from './conflict-sheet.tsx';
import { drawnAt } from './bounds.ts';
import { intervalWords, OVERLAP_WORDS, summary } from './custody-words.ts';
import { askAnew } from './refresh.ts';
import { SpanBand } from './span-band.tsx';
import type { Bar } from './span-band.tsx';
import { zoneName } from './span.ts';
import { useFleet } from './store.ts';
import { Timeline } from './timeline.tsx';
import { instant } from './times.ts';

/** The whole answer, as it is read and as it is printed: question, sentence, intervals, evidence, time of asking. */
export function CustodyDocument({ answer, asset }: { answer: CustodyAnswer; asset: string | undefined }) {
  const session = useFleet((state) => state.session);
  const { device, from, to, at, intervals, conflicts, truncated } = answer;
  return (
    <article className="document" aria-label={`Who had ${asset ?? device}`}>
      <h1 className="on-paper">Who had tablet {asset ?? device}?</h1>
      <p className="question">
        {asset !== undefined && <>Serial {device}, </>}
        {instant(from)} to {instant(to)}
        <span className="on-paper-inline">, times in {zoneName()}</span>
      </p>
      <p className="summary">
        {summary(answer).map((sentence) => (
          <span key={sentence}>{sentence} </span>
        ))}
      </p>
      <p className="asked">
        <span>
          Asked{session.kind === 'signed-in' && <> by {session.me.user}</>} {instant(at)}, by the server’s clock
        </span>
        <button type="button" className="link" onClick={askAnew}>
          Ask again
        </button>
        <button type="button" className="link" onClick={() => print()}>
          Print
        </button>
      </p>
      {intervals.length > 0 && <SpanBand span={{ from, to }} lanes={lanesOf(answer)} />}
      {conflicts.map((conflict) => (
        <ConflictSheet key={conflict.id} conflict={conflict} level={3} asOf={at} />
      ))}
      {intervals.length > 0 && <Timeline intervals={intervals} conflicts={conflicts} asOf={at} />}
      {truncated && <p className="answer">This answer is not complete. Ask about a shorter time.</p>}
      {intervals.length > 0 && <Terms />}
    </article>
  );
}

/** One lane; where carts contradict each other, one for each, so that neither hides the other. */
function lanesOf({ intervals, conflicts, at }: CustodyAnswer): readonly { readonly title?: string; readonly bars: readonly Bar[] }[] {
  const bars = (of: readonly CustodyInterval[]): readonly Bar[] => of.map((interval) => barOf(interval, at));
  if (conflicts.length === 0) return [{ bars: bars(intervals) }];
  return [...new Set(intervals.map(({ place }) => place.cart))].map((title) => ({ title, bars: bars(intervals.filter(({ place }) => place.cart === title)) }));
}

/** An interval as a bar; one that goes on is known until the answer was given. */
function barOf(interval: CustodyInterval, asOf: string): Bar {
  const { opened, closed, kind, overlap } = interval;
  return { kind, possible: overlap === 'possible', words: intervalWords(interval), from: drawnAt(opened.time), to: closed === undefined ? Date.parse(asOf) : drawnAt(closed.time), opened: opened.time, ...(closed === undefined ? {} : { closed: closed.time }) };
}

/** What the words of the answer mean; whoever reads it on paper cannot ask. */
function Terms() {
  return (
    <details className="terms">
      <summary>What these words mean</summary>
      <dl>
        <dt>Times</dt>
        <dd>What the cart’s own clock said. A clock may be wrong; the sentence beside it says between which moments it must have been, as signatures of the server bound it.</dd>
        <dt>{OVERLAP_WORDS.certain.tag}</dt>
        <dd>{OVERLAP_WORDS.certain.meaning}</dd>
        <dt>{OVERLAP_WORDS.possible.tag}</dt>
        <dd>{OVERLAP_WORDS.possible.meaning}</dd>
        <dt>Drawing</dt>
        <dd>Filled: in a slot. Dashed: somebody had it. Dotted: no cart was looking. Hatched: it changed somewhere in here.</dd>
        <dt>Evidence</dt>
        <dd>The entry of a cart’s signed ledger, and its leaf hash. With the ledger or a receipt, both can be checked without this server.</dd>
      </dl>
    </details>
  );
}
