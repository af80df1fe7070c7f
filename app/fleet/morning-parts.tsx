import { Fragment, useState } from 'react';
import type { MorningExceptionView, MorningNotice, MorningSheetView } from '../contract/morning.ts';
import { NeedTiles } from '../ui/need-tiles.tsx';
import type { Refusal } from './api.ts';
import { whatHappened } from './contact.tsx';
import { readSheetPdf } from './morning-api.ts';
import type { NightPlace } from './morning-api.ts';
import { hrefOf } from './route.ts';
import { save } from './save-file.ts';
import { timeToTheMinute } from './times.ts';

interface OfSheet {
  readonly station: string;
  readonly sheet: MorningSheetView;
}

/** Ready against needed, ward by ward; a need of the ward against all carts that prepared it. What was ready leads to the cart as it stood then, what was needed to the record that said so. */
export function Needs({ station, sheet }: OfSheet) {
  const { needs, from, shift, endedAt } = sheet;
  return (
    <ul className="needs">
      {needs.map(({ wardId, ward, needed, ready, shortBy, due, others = [], unheard = [] }, place) => (
        <li key={`${wardId} ${place}`}>
          <span className="needs-ward">{ward}</span>
          <NeedTiles needed={needed} ready={others.reduce((all, other) => all + other.ready, ready)} short={shortBy} />
          <span>
            <a href={hrefOf({ page: 'station', id: station, at: endedAt, q: '' })}>
              <b>{ready}</b> ready{others.length > 0 && ' here'}
            </a>
            {others.map((other) => (
              <Fragment key={other.station}>
                ,{' '}
                <a href={hrefOf({ page: 'station', id: other.station, at: endedAt, q: '' })}>
                  <b>{other.ready}</b> in {other.cart}
                </a>
              </Fragment>
            ))}
            , <a href={hrefOf({ page: 'records', station, type: 'night-began', from, to: shift, q: '' })}>{needed} needed</a> {others.length > 0 && 'in all '}at {timeToTheMinute(due)}
            {shortBy > 0 && <strong className="needs-short">, short by {shortBy}</strong>}
            {shortBy > 0 && unheard.length > 0 && `; nothing yet from ${unheard.join(', ')}`}
          </span>
        </li>
      ))}
    </ul>
  );
}

/** Quickest first, as the cart ranked them. */
export function Exceptions({ exceptions }: { readonly exceptions: readonly MorningExceptionView[] }) {
  return (
    <ol className="exceptions">
      {exceptions.map((exception) => (
        <li key={`${exception.slot ?? ''} ${exception.serial ?? ''} ${exception.why}`}>
          <ExceptionPlace exception={exception} />
          <span className="exception-order">{exception.order}</span>
          <span className="exception-minutes">about {exception.minutes} min</span>
          <span className="exception-why">
            <ExceptionTablet exception={exception} />
            {exception.why}
          </span>
        </li>
      ))}
    </ol>
  );
}

/** Where to go: the slot; without one the tablet's label, and its serial only if it has no label. */
function ExceptionPlace({ exception: { slot, serial, asset } }: { readonly exception: MorningExceptionView }) {
  if (slot !== undefined) return <b className="exception-place">Slot {slot}</b>;
  return <b className="exception-place">{serial === undefined ? asset : <a href={hrefOf({ page: 'device', serial, q: '' })}>{asset ?? serial}</a>}</b>;
}

function ExceptionTablet({ exception: { slot, serial, asset } }: { readonly exception: MorningExceptionView }) {
  if (slot === undefined || serial === undefined) return null;
  return (
    <>
      <a href={hrefOf({ page: 'device', serial, q: '' })}>{asset ?? serial}</a>.{' '}
    </>
  );
}

/** What the night did; every number leads to its records. */
export function Done({ station, sheet: { done, from, endedAt } }: OfSheet) {
  const facts = [
    { count: done.sanitized, one: 'tablet wiped and proven', more: 'tablets wiped and proven', type: 'sanitized' },
    { count: done.updated ?? 0, one: 'system updated', more: 'systems updated', type: 'updated' },
    { count: done.notUpdated ?? 0, one: 'system update that did not work', more: 'system updates that did not work', type: 'update-failed' },
    { count: done.failed, one: 'wipe that did not work', more: 'wipes that did not work', type: 'sanitization-failed' },
    { count: done.quarantined, one: 'tablet put into quarantine', more: 'tablets put into quarantine', type: 'quarantined' },
    { count: done.starts, one: 'start of the cart’s program', more: 'starts of the cart’s program', type: 'station-started' },
  ].filter(({ count, type }) => count > 0 || type === 'sanitized');
  return (
    <ul className="done" aria-label="In the night">
      {facts.map(({ count, one, more, type }) => (
        <li key={type}>
          <a href={hrefOf({ page: 'records', station, type, from, to: endedAt, q: '' })}>
            <b>{count}</b> {count === 1 ? one : more}
          </a>
        </li>
      ))}
    </ul>
  );
}

/** That a ward will be, or would be, short: told once a night. */
export function Notice({ notice: { ward, shortBy, why, due, at, evidence }, station, cart }: { readonly notice: MorningNotice; readonly station: string; readonly cart?: string }) {
  const seconds = (ms: number): string => new Date(Date.parse(at) + ms).toISOString();
  return (
    <>
      <strong>
        Short by {shortBy} for {ward}
      </strong>{' '}
      at {timeToTheMinute(due)}: {why}. {cart !== undefined && <>Said by <a href={hrefOf({ page: 'station', id: station, q: '' })}>{cart}</a>, </>}
      <a href={hrefOf({ page: 'records', station, type: 'need-threatened', from: seconds(-1000), to: seconds(1000), q: '' })}>
        {cart === undefined ? 'Told' : 'told'} at {timeToTheMinute(at)}
      </a>
      <span className="on-paper-inline">, record {evidence.seq}</span>
    </>
  );
}

/** Fetches the sheet on one page; a refusal is said in words. */
export function PdfButton({ night }: { readonly night: NightPlace }) {
  const [refusal, setRefusal] = useState<Refusal>();
  const [busy, setBusy] = useState(false);
  const download = async (): Promise<void> => {
    setBusy(true);
    const answer = await readSheetPdf(night);
    setBusy(false);
    setRefusal(answer.ok ? undefined : answer.refusal);
    if (answer.ok) save(answer.value.name, answer.value.file);
  };
  return (
    <span>
      <button type="button" className="link" disabled={busy} onClick={() => void download()}>
        PDF, one page
      </button>
      <span role="status">{refusal !== undefined && <span className="under">No PDF: {whatHappened(refusal)}</span>}</span>
    </span>
  );
}
