import { useRef, useState } from 'react';
import { CartMap } from '../ui/cart-map.tsx';
import { signIn } from './api.ts';
import type { Refusal } from './api.ts';
import { Mark } from './mark.tsx';
import { refreshNow } from './refresh.ts';
import { useFleet } from './store.ts';
import { duration } from './times.ts';

/** What happened and what to do; never which of the two was wrong. */
function wordsFor(refusal: Refusal): { readonly what: string; readonly next: string } {
  switch (refusal.kind) {
    case 'signed-out':
      return { what: 'Name and password do not match.', next: 'Check both and try again. Forgotten? Whoever runs the Dockward server can set a new password.' };
    case 'slow-down': {
      const wait = refusal.waitSeconds === undefined ? 'a minute' : duration(refusal.waitSeconds * 1000);
      return { what: 'Too many tries.', next: `Wait ${wait}, then try again.` };
    }
    case 'unreachable':
      return { what: 'The server does not answer.', next: 'Your password was not checked. Try again in a moment.' };
    case 'unreadable':
      return { what: 'The server’s answer cannot be read.', next: 'Load this page again; it may be older than the server.' };
    case 'not-allowed':
    case 'refused':
      return { what: 'The server refuses this sign-in.', next: refusal.message ?? 'Ask whoever runs the Dockward server.' };
  }
}

/** A cart with nothing in it: what there is to see before signing in. */
const SHELVES = [
  [1, 2, 3, 4, 5, 6, 7, 8],
  [9, 10, 11, 12, 13, 14, 15, 16],
] as const;
const EMPTY_SLOTS = SHELVES.flat().map((slot) => ({ slot, look: 'empty' as const }));

export function SignIn({ ended }: { ended: boolean }) {
  const [refusal, setRefusal] = useState<Refusal>();
  const [busy, setBusy] = useState(false);
  const password = useRef<HTMLInputElement>(null);

  const submit = async (form: FormData) => {
    setBusy(true);
    const answer = await signIn(String(form.get('user') ?? '').trim(), String(form.get('password') ?? ''));
    setBusy(false);
    if (answer.ok) {
      useFleet.setState({ session: { kind: 'signed-in', me: answer.value } });
      void refreshNow();
      return;
    }
    setRefusal(answer.refusal);
    password.current?.select();
  };

  const words = refusal === undefined ? undefined : wordsFor(refusal);
  return (
    <div className="gate">
      <div className="gate-cart" aria-hidden="true">
        <CartMap shelves={SHELVES} slots={EMPTY_SLOTS} labels={{ map: '', slot: () => '' }} />
      </div>
      <main className="door">
        <Mark />
        <h1>Sign in</h1>
      {ended && refusal === undefined && <p className="next">Your session has ended. Sign in to go on where you were.</p>}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit(new FormData(event.currentTarget));
        }}
      >
        <label>
          Name
          <input name="user" autoComplete="username" autoCapitalize="none" spellCheck={false} required autoFocus />
        </label>
        <label>
          Password
          <input ref={password} name="password" type="password" autoComplete="current-password" required aria-describedby="sign-in-answer" />
        </label>
        <div role="alert" id="sign-in-answer">
          {words !== undefined && (
            <p className="answer">
              <strong>{words.what}</strong> {words.next}
            </p>
          )}
        </div>
        <button type="submit" className="primary" disabled={busy}>
          {busy ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
      </main>
    </div>
  );
}
