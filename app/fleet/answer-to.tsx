import { whatHappened } from './contact.tsx';
import type { Asked } from './questions.ts';
import { isSettled } from './questions.ts';
import { askAnew } from './refresh.ts';

/** What is to be said while a question has no answer: that it is being asked, or why there is none. Always in the page, so that its change is announced. */
export function AnswerTo({ asked, asking }: { asked: Asked<{ readonly key: string }, unknown> | undefined; asking: string }) {
  const refusal = asked?.feed.refusal;
  return (
    <div role="status" className="answer-to">
      {asked?.feed.held === undefined && refusal === undefined && <p className="quiet">{asking}</p>}
      {asked !== undefined && refusal !== undefined && (
        <p className="answer">
          <strong>{refusal.kind === 'not-allowed' ? 'You may not see this.' : 'There is no answer.'}</strong> {refusal.kind === 'not-allowed' && refusal.message === undefined ? 'Ask whoever runs the Dockward server.' : whatHappened(refusal)}{' '}
          {isSettled(asked.feed) ? (
            <button type="button" className="link" onClick={askAnew}>
              Ask again
            </button>
          ) : (
            'Trying again.'
          )}
        </p>
      )}
    </div>
  );
}
