import { DoneIcon } from '../../ui/icons.tsx';
import type { Scene, SceneInput } from '../scene.ts';

export function returnedScene({ message, words }: SceneInput<'returned'>): Scene {
  const { slot, name, how, waitsForNetwork } = message;
  return {
    focus: slot,
    say: (
      <>
        <div className="emblem">
          <DoneIcon />
        </div>
        <h1 className="title">{words.t(`returned.${how}.do`)}</h1>
        {name !== undefined && <p className="lead">
            <bdi>{name}</bdi>
          </p>}
        <p className="body">{words.t(waitsForNetwork ? 'returned.waits' : 'returned.in', { slot })}</p>
      </>
    ),
  };
}
