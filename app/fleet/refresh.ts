import type { CustodyAnswer, StationStateAnswer } from '../contract/custody.ts';
import { readFleet, readHistory, whoAmI } from './api.ts';
import type { HistoryQuery, Reading, Refusal } from './api.ts';
import { elapsedMs, readClock } from './clock.ts';
import type { Moment } from './clock.ts';
import { readCustody, readStationState } from './custody-api.ts';
import { EMPTY_FEED, afterReading, pauseMs } from './feed.ts';
import { readIncidents } from './incidents-api.ts';
import { readKeys } from './keys-api.ts';
import { custodyQuestion, stateQuestion, toAsk } from './questions.ts';
import type { Asked, CustodyQuestion, StateQuestion } from './questions.ts';
import { parseRoute } from './route.ts';
import type { Route } from './route.ts';
import { nowAtServer, NOTHING_READ, useFleet } from './store.ts';
import type { FleetState } from './store.ts';

const EVERY_MS = 2000;
const NEWEST = 200;
/** What the witness noticed comes with the bytes of records: it is read often only while it is looked at. */
const INCIDENTS_EVERY_MS = { open: 5000, elsewhere: 60_000 } as const;

let running = false;
let wanted = false;
let timer: ReturnType<typeof setTimeout> | undefined;
let incidentsTried: Moment | undefined;

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
  incidentsTried = undefined;
  useFleet.setState({ session: { kind: 'signed-out', ended }, ...NOTHING_READ });
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

async function refreshIncidents(): Promise<void> {
  const { route, incidents } = useFleet.getState();
  const refused = incidents.refusal !== undefined && incidents.refusal.kind !== 'not-allowed';
  const everyMs = refused ? EVERY_MS : INCIDENTS_EVERY_MS[route.page === 'incidents' ? 'open' : 'elsewhere'];
  if (incidentsTried !== undefined && elapsedMs(incidentsTried, readClock()) < everyMs) return;
  incidentsTried = readClock();
  const reading = await readIncidents(incidents.held?.etag);
  if (!reading.ok && sessionEnded(reading.refusal)) return;
  if (useFleet.getState().session.kind !== 'signed-in') return;
  useFleet.setState((state) => ({ incidents: afterReading(state.incidents, reading, readClock()) }));
}

/** After something was changed there: what the witness noticed is read at once. */
export function rereadIncidents(): void {
  incidentsTried = undefined;
  void refreshNow();
}

/** Only while its page is open, and then as often as the fleet: it is asked for by few, and small. */
async function refreshKeys(): Promise<void> {
  if (useFleet.getState().route.page !== 'keys') return;
  const reading = await readKeys();
  if (!reading.ok && sessionEnded(reading.refusal)) return;
  if (useFleet.getState().session.kind !== 'signed-in') return;
  useFleet.setState((state) => ({ keys: afterReading(state.keys, reading, readClock()) }));
}

/** After a key was made or ended: they are read at once. */
export function rereadKeys(): void {
  void refreshNow();
}

/** Where an open question stands in the store. */
interface Desk<Q extends { readonly key: string }, A> {
  readonly open: (state: FleetState) => Asked<Q, A> | undefined;
  readonly put: (asked: Asked<Q, A> | undefined) => Partial<FleetState>;
  readonly read: (question: Q) => Promise<Reading<A>>;
}

const CUSTODY: Desk<CustodyQuestion, CustodyAnswer> = { open: (state) => state.custody, put: (custody) => ({ custody }), read: readCustody };
const REPLAY: Desk<StateQuestion, StationStateAnswer> = { open: (state) => state.replay, put: (replay) => ({ replay }), read: readStationState };

/** Asks what is open and has no answer yet. The lists do not wait for it: it may take as long as a ledger is. */
async function answer<Q extends { readonly key: string }, A>({ open, put, read }: Desk<Q, A>, question: Q | undefined): Promise<void> {
  const before = open(useFleet.getState());
  if (question === undefined) {
    if (before !== undefined) useFleet.setState(put(undefined));
    return;
  }
  const asked = toAsk(before, question);
  if (asked === undefined) return;
  useFleet.setState(put(asked));
  const reading = await read(asked.question);
  if (!reading.ok && sessionEnded(reading.refusal)) return;
  useFleet.setState((state) => (open(state) === asked ? put({ ...asked, asking: false, feed: afterReading(asked.feed, reading, readClock()) }) : {}));
}

/** Asks the open question anew, as of now. */
export function askAnew(): void {
  useFleet.setState({ custody: undefined, replay: undefined });
  void refreshNow();
}

async function round(): Promise<void> {
  const { session } = useFleet.getState();
  if (session.kind === 'asking') await askSession();
  if (useFleet.getState().session.kind !== 'signed-in') return;
  await Promise.all([refreshFleet(), refreshRecords(), refreshIncidents(), refreshKeys()]);
  const state = useFleet.getState();
  if (state.session.kind !== 'signed-in') return;
  void answer(CUSTODY, custodyQuestion(state.route, nowAtServer(state)));
  void answer(REPLAY, stateQuestion(state.route));
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
