import { useState } from 'react';
import type { Answer, Refusal } from './api.ts';
import { whatHappened } from './contact.tsx';

interface ConfirmedButtonProps<T> {
  readonly words: string;
  /** For those who hear the button alone: what it is about. */
  readonly about: string;
  /** What will happen, said before the second press. */
  readonly warning: string;
  readonly confirm: string;
  readonly act: () => Promise<Answer<T>>;
  /** What is said once it is done. */
  readonly done: (value: T) => string;
}

/** A button for what cannot be taken back: it first says what will happen, and acts on the second press. */
export function ConfirmedButton<T>({ words, about, warning, confirm, act, done }: ConfirmedButtonProps<T>) {
  const [step, setStep] = useState<'rest' | 'asked' | 'busy'>('rest');
  const [said, setSaid] = useState<string>();
  const go = async () => {
    setStep('busy');
    const answer = await act();
    setStep('rest');
    setSaid(answer.ok ? done(answer.value) : refusedWords(answer.refusal));
  };
  return (
    <div className="confirmed">
      {step === 'rest' && (
        <button
          type="button"
          className="plain"
          onClick={() => {
            setSaid(undefined);
            setStep('asked');
          }}
        >
          {words}
          <span className="unseen"> {about}</span>
        </button>
      )}
      {step !== 'rest' && (
        <div role="group" aria-label={`${words} ${about}`}>
          <p>{warning}</p>
          <button type="button" className="primary" autoFocus disabled={step === 'busy'} onClick={() => void go()}>
            {confirm}
          </button>
          <button type="button" className="plain" disabled={step === 'busy'} onClick={() => setStep('rest')}>
            Leave it
          </button>
        </div>
      )}
      <p role="status">{said}</p>
    </div>
  );
}

function refusedWords(refusal: Refusal): string {
  return refusal.kind === 'unreachable' ? 'The server does not answer. Look again in a moment whether it was done.' : whatHappened(refusal);
}
