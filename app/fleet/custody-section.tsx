import { AnswerTo } from './answer-to.tsx';
import { CustodyDocument } from './custody-document.tsx';
import { hrefOf } from './route.ts';
import { lastHours, lastNight } from './span.ts';
import type { Span } from './span.ts';
import { SpanPicker } from './span-picker.tsx';
import { askAnew } from './refresh.ts';
import { nowAtServer, useFleet } from './store.ts';

/** "Who had it": a span of time, and what the ledgers answer. */
export function CustodySection({ serial, asset }: { serial: string; asset: string | undefined }) {
  const asked = useFleet((state) => state.custody);
  const answer = asked?.feed.held?.value;
  const open = (span: Span | undefined): void => {
    const href = hrefOf({ page: 'device', serial, q: '', ...span });
    if (location.hash === href) askAnew();
    else location.hash = href;
  };
  const now = (): string => nowAtServer(useFleet.getState());
  return (
    <section className="list custody" aria-labelledby="custody">
      <div className="list-head">
        <h2 id="custody">Who had it</h2>
      </div>
      <div className="custody-ask">
        <ul className="presets" aria-label="Spans often asked about">
          <li>
            <button type="button" className="chip" onClick={() => open(lastNight(now()))}>
              Last night, 22–06
            </button>
          </li>
          <li>
            <button type="button" className="chip" onClick={() => open(undefined)}>
              Last 24 h
            </button>
          </li>
          <li>
            <button type="button" className="chip" onClick={() => open(lastHours(7 * 24, now()))}>
              Last 7 days
            </button>
          </li>
        </ul>
        {asked !== undefined && <SpanPicker key={asked.question.key} span={asked.question} onAsk={open} />}
      </div>
      <AnswerTo asked={asked} asking="Asking the ledgers…" />
      {answer !== undefined && <CustodyDocument answer={answer} asset={answer.asset ?? asset} />}
    </section>
  );
}
