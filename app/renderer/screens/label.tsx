import { CartIcon, ReturnIcon } from '../../ui/icons.tsx';
import type { Scene, SceneInput } from '../scene.ts';

/** A label was scanned: what this cart knows of the tablet, and what helps now. */
export function labelScene({ message, words }: SceneInput<'label'>): Scene {
  const { what, asset, slot } = message;
  return {
    ...(slot === undefined ? {} : { focus: slot }),
    say: (
      <>
        <div className="emblem">{what === 'in-cart' ? <CartIcon /> : <ReturnIcon />}</div>
        <h1 className="title">{words.t(`label.${what}.do`, { asset, slot: slot ?? '' })}</h1>
        <p className="body">{words.t(`label.${what}.then`)}</p>
      </>
    ),
  };
}
