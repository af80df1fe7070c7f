import { useState } from 'react';
import type { FleetView } from '../contract/fleet.ts';
import { makeCode } from './api.ts';
import type { OneTimeCode, Refusal } from './api.ts';
import { CopyButton } from './copy-button.tsx';
import { timeOfDay } from './times.ts';

function wordsFor(refusal: Refusal): string {
  switch (refusal.kind) {
    case 'not-allowed':
      return refusal.message ?? 'Only an administrator can add a cart. Ask one.';
    case 'refused':
      return refusal.message ?? 'The server does not accept this place. Check the name.';
    case 'signed-out':
      return 'Your session has ended. Sign in and try again.';
    case 'slow-down':
      return 'Too many codes at once. Wait a minute, then try again.';
    case 'unreachable':
    case 'unreadable':
      return 'The server does not answer. No code was shown; try again in a moment.';
  }
}

/** Makes the one-time code with which a new station enrols at a place. The code is shown once and kept nowhere here. */
export function AddCart({ view }: { view: FleetView }) {
  const [made, setMade] = useState<OneTimeCode & { readonly cart: string }>();
  const [refusal, setRefusal] = useState<Refusal>();
  const submit = async (form: FormData) => {
    const cart = String(form.get('cart') ?? '').trim();
    const answer = await makeCode(String(form.get('ward') ?? ''), cart);
    setMade(answer.ok ? { ...answer.value, cart } : undefined);
    setRefusal(answer.ok ? undefined : answer.refusal);
  };
  return (
    <section className="add-cart" aria-labelledby="add-cart">
      <h2 id="add-cart">Add a cart</h2>
      <p className="quiet">A new cart enrols with a code that works once, for 15 minutes.</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit(new FormData(event.currentTarget));
        }}
      >
        <label>
          Ward
          <select name="ward" required>
            {view.wards.map((ward) => (
              <option key={ward.id} value={ward.id}>
                {ward.name}
              </option>
            ))}
          </select>
        </label>
        <label>
          Name of the cart
          <input name="cart" required maxLength={40} autoComplete="off" placeholder="Cart B" />
        </label>
        <button type="submit" className="primary">
          Make a code
        </button>
      </form>
      <div role="status">
        {refusal !== undefined && <p className="answer">{wordsFor(refusal)}</p>}
        {made !== undefined && (
          <div className="code">
            <code>{made.code}</code>
            <p>
              Give it to the set-up of {made.cart} before {timeOfDay(made.expiresAt, new Date().toISOString())}. It is not shown again.
            </p>
            <CopyButton text={made.code} what="the code" />
          </div>
        )}
      </div>
    </section>
  );
}
