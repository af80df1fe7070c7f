import { DoneIcon } from '../../ui/icons.tsx';
import type { Scene, SceneInput } from '../scene.ts';

export function takenScene({ message, words }: SceneInput<'taken'>): Scene {
  return {
    focus: message.slot,
    say: (
      <>
        <div className="emblem">
          <DoneIcon />
        </div>
        <h1 className="title">{words.t('taken.do', { name: message.name })}</h1>
        <p className="body">{words.t('taken.then')}</p>
      </>
    ),
  };
}
