import { useState } from 'react';
import type { ReactNode } from 'react';
import { PinPad } from '../../ui/pin-pad.tsx';
import type { Outcome } from '../connection.ts';
import type { Scene, SceneInput } from '../scene.ts';

/** A PIN on the wire has 4 to 12 digits (contract); how many this tenant asks for is the station's to judge. */
const FEWEST = 4;
const MOST = 12;

export function pinScene(input: SceneInput<'pin'>): Scene {
  return { layout: 'pad', say: <PinScreen key={input.message.session} {...input} />, foot: <bdi>{input.message.name}</bdi> };
}

function PinScreen({ message, words, request }: SceneInput<'pin'>): ReactNode {
  const [failed, setFailed] = useState<Extract<Outcome, { ok: false }>['reason']>();
  const [sending, setSending] = useState(false);
  const { session, wrong, checking, ofCard, triesLeft } = message;
  const busy = checking || sending;
  const enter = async (pin: string): Promise<void> => {
    setSending(true);
    setFailed(undefined);
    const outcome = await request({ command: 'enter-pin', session, pin });
    setSending(false);
    if (!outcome.ok) setFailed(outcome.reason);
  };
  const leave = async (): Promise<void> => {
    const outcome = await request({ command: 'cancel', session });
    if (!outcome.ok) setFailed(outcome.reason);
  };
  const line = (): string => {
    if (busy) return words.t('pin.checking');
    if (wrong) return words.t('pin.wrong', { tries: words.t('pin.tries', { count: triesLeft }) });
    if (failed !== undefined) return words.t(`reply.${failed}`);
    return ofCard ? words.t('pin.stay') : '';
  };
  return (
    <>
      <h1 className="title">{words.t(ofCard ? 'pin.do-card' : 'pin.do')}</h1>
      <PinPad
        words={{ pad: words.t('pin.pad'), delete: words.t('pin.delete'), leave: words.t('pin.leave'), enter: words.t('pin.enter'), entered: (count) => words.t('pin.entered', { count }) }}
        note={
          <p className="pin-line" data-wrong={((wrong || failed !== undefined) && !busy) || undefined}>
            {line()}
          </p>
        }
        disabled={busy}
        fewest={FEWEST}
        most={MOST}
        onEnter={(pin) => void enter(pin)}
        onLeave={() => void leave()}
      />
    </>
  );
}
