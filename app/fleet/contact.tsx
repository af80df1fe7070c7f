import type { Refusal } from './api.ts';
import { isLost } from './feed.ts';
import type { Feed } from './feed.ts';
import { timeOfDay } from './times.ts';

/** What happened, as a sentence. */
export function whatHappened(refusal: Refusal): string {
  switch (refusal.kind) {
    case 'unreadable':
      return 'The server’s answer cannot be read. Load this page again; it may be older than the server.';
    case 'not-allowed':
    case 'refused':
      return refusal.message ?? 'The server refuses to show this.';
    case 'slow-down':
      return 'The server asks for a pause.';
    case 'unreachable':
    case 'signed-out':
      return 'The server does not answer.';
  }
}

/** The quiet line under the top bar while a list cannot be read. Always in the page, so that its change is announced. */
export function Contact({ feed }: { feed: Feed<unknown> }) {
  const { held, refusal } = feed;
  return (
    <div role="status" className="contact">
      {isLost(feed) && refusal !== undefined && (
        <p>
          <strong>{whatHappened(refusal)}</strong>
          {held !== undefined && <> What you see is from {timeOfDay(held.asOf, new Date().toISOString())}.</>} Trying again.
        </p>
      )}
    </div>
  );
}
