import type { StationStateAnswer } from '../contract/custody.ts';
import type { FleetStation } from '../contract/fleet.ts';
import { AnswerTo } from './answer-to.tsx';
import { InstantPicker } from './instant-picker.tsx';
import { LedgerSheet } from './ledger-sheet.tsx';
import { Empty } from './notices.tsx';
import { askAnew } from './refresh.ts';
import { hrefOf } from './route.ts';
import { nowAtServer, useFleet } from './store.ts';
import { instant } from './times.ts';

const HOUR_MS = 3_600_000;

/** "As it stood at": an instant, and the cart drawn as its ledger tells it then. */
export function AsItStood({ station }: { station: FleetStation }) {
  const asked = useFleet((state) => state.replay);
  const at = asked?.question.at;
  const answer = asked?.feed.held?.value;
  const open = (moment: string): void => {
    const href = hrefOf({ page: 'station', id: station.id, q: '', at: moment });
    if (location.hash === href) askAnew();
    else location.hash = href;
  };
  const hoursAgo = (hours: number) => () => open(new Date(Date.parse(nowAtServer(useFleet.getState())) - hours * HOUR_MS).toISOString());
  return (
    <section className="list custody" aria-labelledby="as-it-stood">
      <div className="list-head">
        <h2 id="as-it-stood">As it stood at</h2>
      </div>
      <div className="custody-ask">
        <ul className="presets" aria-label="Moments often asked about">
          {([['An hour ago', 1], ['12 h ago', 12], ['A week ago', 7 * 24]] as const).map(([words, hours]) => (
            <li key={words}>
              <button type="button" className="chip" onClick={hoursAgo(hours)}>
                {words}
              </button>
            </li>
          ))}
        </ul>
        <InstantPicker key={at ?? ''} at={at ?? nowAtServer(useFleet.getState())} onAsk={open} />
      </div>
      {asked !== undefined && <AnswerTo asked={asked} asking="Going through the ledger…" />}
      {answer !== undefined && <Stood answer={answer} station={station} />}
    </section>
  );
}

/** The ledger that was in use stands open; those before it are folded. */
function Stood({ answer, station }: { answer: StationStateAnswer; station: FleetStation }) {
  const current = answer.ledgers.at(-1);
  const earlier = answer.ledgers.slice(0, -1).reverse();
  return (
    <article className="document stood" aria-label={`${station.cart} as it stood`}>
      <h1 className="on-paper">{station.cart} as it stood</h1>
      <p className="summary">
        {station.cart}, {instant(answer.at)}
      </p>
      {current === undefined ? <Empty>No ledger of this cart had begun by then.</Empty> : <LedgerSheet ledger={current} station={station} at={answer.at} />}
      {earlier.length > 0 && (
        <p className="quiet">
          This cart had {earlier.length === 1 ? 'a ledger' : `${earlier.length} ledgers`} before that, now given up. What {earlier.length === 1 ? 'it says' : 'they say'} of the same moment:
        </p>
      )}
      {earlier.map((ledger) => (
        <details key={ledger.origin} className="earlier-ledger">
          <summary>{ledger.origin}</summary>
          <LedgerSheet ledger={ledger} station={station} at={answer.at} />
        </details>
      ))}
    </article>
  );
}
