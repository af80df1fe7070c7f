import { readFleet, readHistory, whoAmI } from './api.ts';
import type { HistoryQuery, Refusal } from './api.ts';
import { readClock } from './clock.ts';
import { EMPTY_FEED, afterReading, pauseMs } from './feed.ts';
import { parseRoute } from './route.ts';
import type { Route } from './route.ts';
import { useFleet } from './store.ts';

const EVERY_MS = 2000;
const NEWEST = 200;

let running = false;
let wanted = false;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Which records the page at `route` needs. */
function historyFor(route: Route): HistoryQuery | undefined {
  switch (route.page) {
    case 'device':
      return { device: route.serial, limit: NEWEST };
    case 'station':
    case 'records':
      return { limit: NEWEST };
    default:
      return undefined;
  }
}

/** Forgets everything that was shown: a session's lists do not outlive it. */
export function forget(ended: boolean): void {
  useFleet.setState({ session: { kind: 'signed-out', ended }, fleet: EMPTY_FEED, records: EMPTY_FEED });
}

function sessionEnded(refusal: Refusal): boolean {
  if (refusal.kind !== 'signed-out') return false;
  if (useFleet.getState().session.kind === 'signed-in') forget(true);
  return true;
}

async function askSession(): Promise<void> {
  const answer = await whoAmI();
  if (useFleet.getState().session.kind !== 'asking') return;
  if (answer.ok) useFleet.setState({ session: { kind: 'signed-in', me: answer.value } });
  else if (answer.refusal.kind === 'signed-out') useFleet.setState({ session: { kind: 'signed-out', ended: false } });
  else useFleet.setState({ session: { kind: 'asking', unanswered: true } });
}

async function refreshFleet(): Promise<void> {
  const reading = await readFleet(useFleet.getState().fleet.held?.etag);
  if (!reading.ok && sessionEnded(reading.refusal)) return;
  if (useFleet.getState().session.kind !== 'signed-in') return;
  useFleet.setState((state) => ({ fleet: afterReading(state.fleet, reading, readClock()) }));
}

async function refreshRecords(): Promise<void> {
  const { route, records } = useFleet.getState();
  const query = historyFor(route);
  if (query === undefined) return;
  const same = records.query?.device === query.device && records.query?.limit === query.limit;
  if (!same) useFleet.setState({ records: { ...EMPTY_FEED, query } });
  const reading = await readHistory(query, same ? records.held?.etag : undefined);
  if (!reading.ok && sessionEnded(reading.refusal)) return;
  useFleet.setState((state) => (state.records.query?.device === query.device ? { records: { ...afterReading(state.records, reading, readClock()), query } } : {}));
}

async function round(): Promise<void> {
  const { session } = useFleet.getState();
  if (session.kind === 'asking') await askSession();
  if (useFleet.getState().session.kind === 'signed-in') await Promise.all([refreshFleet(), refreshRecords()]);
}

/** Reads everything now; while a reading is under way, once more right after it. */
export async function refreshNow(): Promise<void> {
  wanted = true;
  if (running) return;
  running = true;
  clearTimeout(timer);
  try {
    while (wanted) {
      wanted = false;
      await round();
    }
  } finally {
    running = false;
    scheduleNext();
  }
}

function scheduleNext(): void {
  const { session, fleet } = useFleet.getState();
  if (session.kind === 'signed-out' || document.visibilityState === 'hidden') return;
  timer = setTimeout(() => void refreshNow(), pauseMs(fleet.failures, EVERY_MS));
}

/** Reads every 2 s while the page is visible, at once when it becomes visible, when the network is back and when the address changes. */
export function startRefreshing(): void {
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') void refreshNow();
    else clearTimeout(timer);
  });
  window.addEventListener('online', () => void refreshNow());
  window.addEventListener('hashchange', () => {
    useFleet.setState({ route: parseRoute(location.hash) });
    void refreshNow();
  });
  setInterval(() => useFleet.setState({ now: readClock() }), 1000);
  void refreshNow();
}
