import { useState } from 'react';
import type { FleetView } from '../contract/fleet.ts';
import type { PoisonView } from '../contract/incidents.ts';
import type { Refusal } from './api.ts';
import { whatHappened } from './contact.tsx';
import { CopyButton } from './copy-button.tsx';
import { decodeBytes } from './entry-bytes.ts';
import { replayLedger } from './incidents-api.ts';
import { ListFrame } from './list-frame.tsx';
import { Empty } from './notices.tsx';
import { rereadIncidents } from './refresh.ts';
import { hrefOf } from './route.ts';
import { useFleet } from './store.ts';
import { instant } from './times.ts';
import { POISON_WORDS } from './words.ts';

/** Records whose effect was set aside, by ledger, with their bytes and the way to try again. */
export function SetAside({ view }: { view: FleetView }) {
  const held = useFleet((state) => state.incidents.held);
  if (held === undefined) return null;
  const all = held.value.poison;
  const waiting = all.filter(({ replayedAt }) => replayedAt === undefined).length;
  const ledgers = [...new Set(all.map(({ origin }) => origin))];
  return (
    <ListFrame id="set-aside" title="Records set aside" level={2} count={all.length === 0 ? '' : waiting === 0 ? 'none waiting' : `${waiting} waiting`} held={held}>
      {all.length === 0 ? (
        <Empty>No record is set aside.</Empty>
      ) : (
        <p className="quiet">These records stand in their ledgers, but this server could not work out what they mean: they changed nothing here. A newer server may understand them.</p>
      )}
      {ledgers.map((origin) => (
        <Ledger key={origin} origin={origin} records={all.filter((record) => record.origin === origin)} view={view} />
      ))}
    </ListFrame>
  );
}

function Ledger({ origin, records, view }: { origin: string; records: readonly PoisonView[]; view: FleetView }) {
  const mayReplay = useFleet(({ session }) => session.kind === 'signed-in' && session.me.roles.includes('administrator'));
  const [outcome, setOutcome] = useState<string>();
  const [busy, setBusy] = useState(false);
  const waiting = records.some(({ replayedAt }) => replayedAt === undefined);
  const cart = records[0]?.cart ?? origin;
  const station = view.stations.find(({ id }) => origin.includes(`/station/${id}/`));
  const again = async () => {
    setBusy(true);
    const answer = await replayLedger(origin);
    setBusy(false);
    setOutcome(answer.ok ? outcomeWords(answer.value) : refusedWords(answer.refusal));
    if (answer.ok) rereadIncidents();
  };
  return (
    <section className="set-aside" aria-label={`Set aside in ${origin}`}>
      <div className="set-aside-head">
        <h3>
          {station === undefined ? cart : <a href={hrefOf({ page: 'station', id: station.id, q: '' })}>{cart}</a>} <span className="under">{origin}</span>
        </h3>
        {waiting && mayReplay && (
          <button type="button" className="plain" disabled={busy} onClick={() => void again()}>
            {busy ? 'Trying…' : 'Try again'}
          </button>
        )}
        {waiting && !mayReplay && <p className="quiet">An administrator can try again.</p>}
        <p role="status">{outcome}</p>
      </div>
      <ol>
        {records.map((record) => (
          <Record key={record.seq} record={record} />
        ))}
      </ol>
    </section>
  );
}

function Record({ record: { seq, reason, message, foundAt, replayedAt, bytes } }: { record: PoisonView }) {
  const { length, text, isText } = decodeBytes(bytes);
  return (
    <li data-replayed={replayedAt !== undefined || undefined}>
      <p>
        <b>Record {seq}</b> {POISON_WORDS[reason]}
        <span className="under">
          {message} Found {instant(foundAt)}.{replayedAt !== undefined && ` It took effect ${instant(replayedAt)}.`}
        </span>
      </p>
      <details className="evidence">
        <summary>
          Its {length.toLocaleString('en-GB')} {length === 1 ? 'byte' : 'bytes'}
          {isText ? '' : ', in hexadecimal'}
        </summary>
        <pre tabIndex={0}>{text}</pre>
        <CopyButton text={bytes} what="the bytes (base64)" />
      </details>
    </li>
  );
}

function outcomeWords({ replayed, left }: { readonly replayed: number; readonly left: number }): string {
  const still = left === 0 ? 'None is set aside any more.' : `${left} ${left === 1 ? 'is' : 'are'} still set aside.`;
  return replayed === 0 ? `This server does not understand them yet. ${still}` : `${replayed} took effect. ${still}`;
}

function refusedWords(refusal: Refusal): string {
  return refusal.kind === 'unreachable' ? 'The server does not answer. Look again in a moment whether they took effect.' : `Nothing was changed. ${whatHappened(refusal)}`;
}
