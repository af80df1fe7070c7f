import { Edge } from '../../ui/edge.tsx';
import { Numeral } from '../../ui/numeral.tsx';
import type { Scene, SceneInput } from '../scene.ts';

export function takeScene({ message, snapshot, words }: SceneInput<'take'>): Scene {
  const { slot, name, chargePercent, provenAtMs, fromMs, untilMs } = message;
  const charge = words.t('take.charge', { percent: words.percent(chargePercent) });
  const proven = words.t('take.proven', { time: words.time(provenAtMs, snapshot.timeZone) });
  return {
    tone: 'take',
    focus: slot,
    edge: <Edge kind="accent" left={{ ms: untilMs - snapshot.atMs, of: untilMs - fromMs }} />,
    say: (
      <>
        <h1 className="order">
          <span className="title">{words.t('take.do')}</span> <Numeral of="slot" value={slot} />
        </h1>
        <p className="lead">
          <bdi>{name}</bdi> <span className="lead-plain">{words.t('take.then')}</span>
        </p>
      </>
    ),
    foot: `${charge} · ${proven}`,
  };
}
