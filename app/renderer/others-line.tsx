import type { ReactNode } from 'react';
import type { Snapshot } from '../contract/kiosk.ts';
import { useWords } from './language.ts';

const SHOWN = 3;

/** Whoever else is being served at this moment, with the slot that is theirs. */
export function OthersLine({ others }: { others: Snapshot['others'] }): ReactNode {
  const words = useWords();
  if (others.length === 0) return null;
  return (
    <div className="others">
      <span>{words.t('others.title')}</span>
      <ul>
        {others.slice(0, SHOWN).map(({ name, slot }, place) => (
          <li key={`${place} ${name}`}>
            {slot !== undefined && <b>{slot}</b>} <bdi>{name}</bdi>
          </li>
        ))}
      </ul>
      {others.length > SHOWN && <span>{words.t('others.more', { count: others.length - SHOWN })}</span>}
    </div>
  );
}
