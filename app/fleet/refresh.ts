import type { CertificateView } from '../contract/certificates.ts';
import type { MorningSheetAnswer } from '../contract/morning.ts';
import type { CustodyAnswer, StationStateAnswer } from '../contract/custody.ts';
import { readFleet, readHistory, whoAmI } from './api.ts';
import type { HistoryQuery, Reading, Refusal } from './api.ts';
import { readCertificate, readCertificates } from './certificates-api.ts';
import { elapsedMs, readClock } from './clock.ts';
import type { Moment } from './clock.ts';
import { readCustody, readStationState } from './custody-api.ts';
import { EMPTY_FEED, afterReading, pauseMs } from './feed.ts';
import { readIncidents } from './incidents-api.ts';
import { readKeys } from './keys-api.ts';
import { readMdms } from './mdm-api.ts';
import { readMorning, readSheet } from './morning-api.ts';
import { certificateQuestion, certificatesQuestion, custodyQuestion, sheetQuestion, stateQuestion, toAsk } from './questions.ts';
import type { Asked, CertificateQuestion, CustodyQuestion, SheetQuestion, StateQuestion } from './questions.ts';
import { parseRoute } from './route.ts';
import type { Route } from './route.ts';
import { nowAtServer, NOTHING_READ, useFleet } from './store.ts';
import type { FleetState } from './store.ts';

const EVERY_MS = 2000;
const NEWEST = 200;
/** What the witness noticed comes with the bytes of records: it is read often only while it is looked at. */
const INCIDENTS_EVERY_MS = { open: 5000, elsewhere: 60_000 } as const;
/** What the nights left changes once a day; that a ward will be short, once a night. */
const MORNING_EVERY_MS = { open: 10_000, elsewhere: 60_000 } as const;

/** The list of certificates is sought in all of them: what is new shows within this time. */
const CERTIFICATES_EVERY_MS = 10_000;

let running = false;
let wanted = false;
let timer: ReturnType<typeof setTimeout> | undefined;
let incidentsTried: Moment | undefined;
let morningTried: Moment | undefined;

/** Which records the page at `route` needs. */
function historyFor(route: Route): HistoryQuery | undefined {
  switch (route.page) {
    case 'device':
      return { device: route.serial, limit: NEWEST };
    case 'station':
      return { limit: NEWEST };
    case 'records': {
      const { station, type, from, to } = route;
      return { limit: NEWEST, ...(station === undefined ? {} : { station }), ...(type === undefined ? {} : { type }), ...(from === undefined || to === undefined ? {} : { from, to }) };
    }
    default:
      return undefined;
  }
}

/** Forgets everything that was shown: a session's lists do not outlive it. */
export function forget(ended: boolean): void {
  incidentsTried = undefined;
  morningTried = undefined;
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
  const same = isSameQuery(records.query, query);
  if (!same) useFleet.setState({ records: { ...EMPTY_FEED, query } });
  const reading = await readHistory(query, same ? records.held?.etag : undefined);
  if (!reading.ok && sessionEnded(reading.refusal)) return;
  useFleet.setState((state) => (isSameQuery(state.records.query, query) ? { records: { ...afterReading(state.records, reading, readClock()), query } } : {}));
}

function isSameQuery(before: HistoryQuery | undefined, query: HistoryQuery): boolean {
  return (['device', 'station', 'type', 'from', 'to', 'limit'] as const).every((name) => before?.[name] === query[name]);
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

async function refreshMorning(): Promise<void> {
  const { route, morning } = useFleet.getState();
  const everyMs = morning.failures > 0 ? EVERY_MS : MORNING_EVERY_MS[route.page === 'morning' ? 'open' : 'elsewhere'];
  if (morningTried !== undefined && elapsedMs(morningTried, readClock()) < everyMs) return;
  morningTried = readClock();
  const reading = await readMorning(morning.held?.etag);
  if (!reading.ok && sessionEnded(reading.refusal)) return;
  if (useFleet.getState().session.kind !== 'signed-in') return;
  useFleet.setState((state) => ({ morning: afterReading(state.morning, reading, readClock()) }));
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

/** Only while its page is open: how each answers, and what was set. */
async function refreshMdms(): Promise<void> {
  if (useFleet.getState().route.page !== 'mdms') return;
  const reading = await readMdms();
  if (!reading.ok && sessionEnded(reading.refusal)) return;
  if (useFleet.getState().session.kind !== 'signed-in') return;
  useFleet.setState((state) => ({ mdms: afterReading(state.mdms, reading, readClock()) }));
}

/** After a key was made or ended: they are read at once. */
export function rereadKeys(): void {
  void refreshNow();
}

/** Only while the list is open. What is held stays until the answer to what is typed now is there. */
async function refreshCertificates(): Promise<void> {
  const { route, certificates } = useFleet.getState();
  const query = certificatesQuestion(route);
  if (query === undefined) return;
  const { held } = certificates;
  const same = certificates.query?.key === query.key;
  if (same && held !== undefined && certificates.failures === 0 && elapsedMs(held.confirmed, readClock()) < CERTIFICATES_EVERY_MS) return;
  const reading = await readCertificates(query);
  if (!reading.ok && sessionEnded(reading.refusal)) return;
  useFleet.setState((state) => (certificatesQuestion(state.route)?.key === query.key && state.session.kind === 'signed-in' ? { certificates: { ...afterReading(state.certificates, reading, readClock()), query: reading.ok ? query : (state.certificates.query ?? query) } } : {}));
}

/** Where an open question stands in the store. */
interface Desk<Q extends { readonly key: string }, A> {
  readonly open: (state: FleetState) => Asked<Q, A> | undefined;
  readonly put: (asked: Asked<Q, A> | undefined) => Partial<FleetState>;
  readonly read: (question: Q) => Promise<Reading<A>>;
}

const CUSTODY: Desk<CustodyQuestion, CustodyAnswer> = { open: (state) => state.custody, put: (custody) => ({ custody }), read: readCustody };
const SHEET: Desk<SheetQuestion, MorningSheetAnswer> = { open: (state) => state.sheet, put: (sheet) => ({ sheet }), read: readSheet };
const CERTIFICATE: Desk<CertificateQuestion, CertificateView> = { open: (state) => state.certificate, put: (certificate) => ({ certificate }), read: readCertificate };
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
  useFleet.setState({ custody: undefined, replay: undefined, certificate: undefined, sheet: undefined });
  void refreshNow();
}

async function round(): Promise<void> {
  const { session } = useFleet.getState();
  if (session.kind === 'asking') await askSession();
  if (useFleet.getState().session.kind !== 'signed-in') return;
  await Promise.all([refreshFleet(), refreshRecords(), refreshIncidents(), refreshMorning(), refreshKeys(), refreshMdms(), refreshCertificates()]);
  const state = useFleet.getState();
  if (state.session.kind !== 'signed-in') return;
  void answer(CUSTODY, custodyQuestion(state.route, nowAtServer(state)));
  void answer(REPLAY, stateQuestion(state.route));
  void answer(CERTIFICATE, certificateQuestion(state.route));
  void answer(SHEET, sheetQuestion(state.route));
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
