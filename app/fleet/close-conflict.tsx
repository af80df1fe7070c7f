import { useState } from 'react';
import type { Refusal } from './api.ts';
import { whatHappened } from './contact.tsx';
import { closeConflict } from './custody-api.ts';
import { refreshNow } from './refresh.ts';
import { useFleet } from './store.ts';

const LEAST = 3;

/** Ends a conflict with a reason, which stays with it. Administrators only; the others read who can. */
export function CloseConflict({ id, asset, onClosed }: { id: number; asset: string; onClosed: () => void }) {
  const mayClose = useFleet(({ session }) => session.kind === 'signed-in' && session.me.roles.includes('administrator'));
  const [open, setOpen] = useState(false);
  const [said, setSaid] = useState<string>();
  if (!mayClose) return <p className="quiet">An administrator can close it, with a reason.</p>;
  if (!open) {
    return (
      <button type="button" className="plain" onClick={() => setOpen(true)}>
        Close this conflict<span className="unseen"> about {asset}</span>
      </button>
    );
  }
  const submit = async (form: FormData) => {
    const reason = String(form.get('reason') ?? '').trim();
    if (reason.length < LEAST) {
      setSaid('Say what you found: the reason stays with the conflict.');
      return;
    }
    const answer = await closeConflict(id, reason);
    setSaid(answer.ok ? 'Closed.' : wordsFor(answer.refusal));
    if (!answer.ok) return;
    onClosed();
    void refreshNow();
  };
  return (
    <form
      className="close-conflict"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void submit(new FormData(event.currentTarget));
      }}
    >
      <label>
        What was found about {asset}
        <textarea name="reason" rows={2} maxLength={500} required autoFocus />
      </label>
      <p className="quiet">It stays visible as closed, with your name and this reason. The records of both carts stay as they are.</p>
      <div className="close-conflict-do">
        <button type="submit" className="primary">
          Close the conflict
        </button>
        <button type="button" className="plain" onClick={() => setOpen(false)}>
          Leave it open
        </button>
        <p role="status">{said}</p>
      </div>
    </form>
  );
}

function wordsFor(refusal: Refusal): string {
  return refusal.kind === 'unreachable' ? 'The server does not answer; it is not closed. Try again in a moment.' : `It is not closed. ${whatHappened(refusal)}`;
}
