import { Edge } from '../../ui/edge.tsx';
import { Numeral } from '../../ui/numeral.tsx';
import type { Scene, SceneInput } from '../scene.ts';

/** Clean: keep it. Not clean: it must go back. Either way the number is that of the tablet in the hand. */
export function wrongSlotScene({ message, words }: SceneInput<'wrong-slot'>): Scene {
  const { pulled, yours, name, clean, reason } = message;
  if (clean) {
    return {
      focus: pulled,
      say: (
        <>
          <h1 className="order">
            <span className="title">{words.t('wrong.keep.do')}</span> <Numeral of="slot" value={pulled} />
          </h1>
          <p className="body">{yours === undefined ? words.t('wrong.keep.alone') : words.t('wrong.keep.then', { pulled, yours })}</p>
        </>
      ),
      foot: name === undefined ? undefined : <bdi>{name}</bdi>,
    };
  }
  return {
    focus: pulled,
    edge: <Edge kind="hazard" />,
    say: (
      <>
        <h1 className="order">
          <span className="title">{words.t('wrong.back.do')}</span> <Numeral of="slot" value={pulled} />
        </h1>
        <p className="body">
          {words.t('wrong.back.then', { reason: reason === undefined ? '' : words.t(`unproven.${reason}`) }).trim()} {yours !== undefined && <b>{words.t('wrong.back.yours', { yours })}.</b>}
        </p>
      </>
    ),
    foot: name === undefined ? undefined : words.t('wrong.back.noted', { name }),
  };
}
