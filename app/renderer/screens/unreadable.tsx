import { ReturnIcon } from '../../ui/icons.tsx';
import type { Scene, SceneInput } from '../scene.ts';

export function unreadableScene({ message, words }: SceneInput<'unreadable'>): Scene {
  return {
    focus: message.slot,
    say: (
      <>
        <div className="emblem">
          <ReturnIcon />
        </div>
        <h1 className="title">{words.t('unreadable.do', { slot: message.slot })}</h1>
        <p className="body">{words.t('unreadable.then')}</p>
      </>
    ),
  };
}
