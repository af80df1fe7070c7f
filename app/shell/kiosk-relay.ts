import type { z } from 'zod';
import { kioskPush } from '../contract/kiosk.ts';
import type { KioskRefusal } from '../contract/kiosk.ts';
import type { KioskRequestMessage } from './ipc.ts';
import type { Log } from './log.ts';

type Push = z.infer<typeof kioskPush>;

export interface KioskRelay {
  fromPage(request: KioskRequestMessage): void;
  fromStation(message: unknown): void;
  /** The page (re)loaded: it numbers from 1 again and knows nothing. */
  pageLoaded(): void;
  /** The station went away. True: the page shows what it said last, which nobody answers for any more. */
  stationGone(): boolean;
}

interface RelayDeps {
  readonly sendToPage: (push: Push) => void;
  /** False: there is no station to hear it. */
  readonly sendToStation: (request: KioskRequestMessage) => boolean;
  readonly log: Log;
}

/**
 * Between a page that may reload and a station that may restart. Requests are renumbered on their way, so that an answer to
 * a page that is gone never reaches its successor; the latest snapshot is kept for the next page and forgotten with its station.
 */
export function createKioskRelay({ sendToPage, sendToStation, log }: RelayDeps): KioskRelay {
  let latest: Push | undefined;
  let lastId = 0;
  const waiting = new Map<number, number>();

  const refuse = (id: number, reason: KioskRefusal): void => sendToPage({ id, ok: false, reason });

  return {
    fromPage: ({ id, request }) => {
      lastId += 1;
      waiting.set(lastId, id);
      if (sendToStation({ id: lastId, request })) return;
      waiting.delete(lastId);
      refuse(id, 'ledger-unavailable');
    },
    fromStation: (message) => {
      const parsed = kioskPush.safeParse(message);
      if (!parsed.success) return log('error', 'station-malformed', { at: parsed.error.issues.map((issue) => issue.path.join('.')) });
      const push = parsed.data;
      if ('snapshot' in push) {
        latest = push;
        return sendToPage(push);
      }
      const pageId = waiting.get(push.id);
      waiting.delete(push.id);
      if (pageId !== undefined) sendToPage({ ...push, id: pageId });
    },
    pageLoaded: () => {
      waiting.clear();
      if (latest !== undefined) sendToPage(latest);
    },
    stationGone: () => {
      for (const pageId of waiting.values()) refuse(pageId, 'ledger-unavailable');
      waiting.clear();
      const pageIsStale = latest !== undefined;
      latest = undefined;
      return pageIsStale;
    },
  };
}
