import { DoneIcon, ReturnIcon } from '../../ui/icons.tsx';
import type { Scene, SceneInput } from '../scene.ts';

/** A tablet that is not of this cart's pool: it stays where it was put, and somebody is told. */
export function foreignScene({ message, words }: SceneInput<'foreign'>): Scene {
  const { slot, standing } = message;
  return {
    focus: slot,
    say: (
      <>
        <div className="emblem">{standing === 'lost' ? <DoneIcon /> : <ReturnIcon />}</div>
        <h1 className="title">{words.t(`foreign.${standing}.do`, { slot })}</h1>
        <p className="body">{words.t(`foreign.${standing}.then`)}</p>
      </>
    ),
  };
}
