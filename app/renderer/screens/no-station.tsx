import type { ReactNode } from 'react';
import { CartIcon, ClockIcon } from '../../ui/icons.tsx';
import { useWords } from '../language.ts';

/** Shown while there is no station to believe. Comes late on purpose (CSS), so a short hiccup is never seen. */
export function NoStation({ why }: { why: 'starting' | 'lost' }): ReactNode {
  const words = useWords();
  return (
    <main className="page no-station" data-why={why}>
      <div role="status">
        <div className="emblem">{why === 'starting' ? <ClockIcon /> : <CartIcon />}</div>
        <h1 className="title">{words.t(`connection.${why}.do`)}</h1>
        <p className="body">{words.t(`connection.${why}.then`)}</p>
      </div>
    </main>
  );
}
