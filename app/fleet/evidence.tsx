import { useState } from 'react';
import type { Evidence } from '../contract/custody.ts';
import type { Refusal } from './api.ts';
import { whatHappened } from './contact.tsx';
import { CopyButton } from './copy-button.tsx';
import { readReceipt } from './custody-api.ts';
import { save } from './save-file.ts';

type Entries = readonly (readonly [what: string, evidence: Evidence])[];

/** Where each fact stands: ledger, entry and leaf. Folded on the screen; on paper it is always there, whole. */
export function EvidenceFold({ entries }: { entries: Entries }) {
  return (
    <>
      <details className="evidence">
        <summary>Evidence</summary>
        <ul>
          {entries.map(([what, { origin, seq, leaf }]) => (
            <li key={`${origin} ${seq} ${what}`}>
              {what}
              <span className="under">
                entry {seq} of {origin}
              </span>
              <span className="under leaf">
                leaf <code>{leaf.slice(0, 12)}…</code> <CopyButton look="link" text={leaf} what="the leaf" />
              </span>
            </li>
          ))}
        </ul>
      </details>
      <ul className="on-paper evidence-on-paper">
        {entries.map(([what, { origin, seq, leaf }]) => (
          <li key={`${origin} ${seq} ${what}`}>
            {what}: entry {seq} of {origin}, leaf {leaf}
          </li>
        ))}
      </ul>
    </>
  );
}

/** Fetches the receipt of a release and hands it over as a file; a refusal is said in words, never saved as if it were one. */
export function ReceiptButton({ evidence }: { evidence: Evidence }) {
  const [refusal, setRefusal] = useState<Refusal>();
  const [busy, setBusy] = useState(false);
  const download = async () => {
    setBusy(true);
    const answer = await readReceipt(evidence);
    setBusy(false);
    setRefusal(answer.ok ? undefined : answer.refusal);
    if (answer.ok) save(answer.value.name, answer.value.file);
  };
  return (
    <span className="receipt">
      <button type="button" className="link" disabled={busy} onClick={() => void download()}>
        Receipt of this release
      </button>
      <span role="status">{refusal !== undefined && <span className="under">No receipt: {whatHappened(refusal)}</span>}</span>
    </span>
  );
}
