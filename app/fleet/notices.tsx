import { Mark } from './mark.tsx';

/** Before anybody is known: nothing for a moment, then what is missing. */
export function Waiting({ unanswered }: { unanswered: boolean }) {
  return (
    <main className="door">
      <Mark />
      <div role="status">{unanswered && <p>The server does not answer. Trying again.</p>}</div>
    </main>
  );
}

/** An empty list says why it is empty and, where there is one, the next step. */
export function Empty({ children }: { children: React.ReactNode }) {
  return <p className="empty">{children}</p>;
}
