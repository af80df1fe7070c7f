import { Edge } from '../../ui/edge.tsx';
import { BadgeIcon } from '../../ui/icons.tsx';
import { Numeral } from '../../ui/numeral.tsx';
import type { Scene, SceneInput } from '../scene.ts';

export function unidentifiedScene({ message, snapshot, words }: SceneInput<'unidentified'>): Scene {
  const { slot, fromMs, untilMs } = message;
  return {
    focus: slot,
    edge: <Edge kind="hazard" left={{ ms: untilMs - snapshot.atMs, of: untilMs - fromMs }} />,
    say: (
      <>
        <h1 className="order">
          <span className="title">{words.t('unidentified.do')}</span> <Numeral of="slot" value={slot} />
        </h1>
        <p className="call">
          <BadgeIcon />
          <span>{words.t('unidentified.or')}</span>
        </p>
      </>
    ),
    foot: words.t('unidentified.then'),
  };
}
