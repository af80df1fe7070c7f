import { expect, test } from 'vitest';
import { connectStation } from '../../app/renderer/connection.ts';
import type { LinkEvents, OpenLink } from '../../app/renderer/connection.ts';
import { SAMPLES } from './samples.ts';

/** A station that the test plays by hand, and a clock that only moves when a retry is due. */
function setUp() {
  const links: { events: LinkEvents; sent: unknown[]; isClosed: boolean }[] = [];
  const pauses: number[] = [];
  let due: (() => void) | undefined;
  const seen: string[] = [];
  const open: OpenLink = (events) => {
    const link = { events, sent: [] as unknown[], isClosed: false };
    links.push(link);
    return { send: (message) => link.sent.push(message), close: () => (link.isClosed = true) };
  };
  const station = connectStation(
    open,
    { onSnapshot: (snapshot) => seen.push(snapshot.message.kind), onLost: () => seen.push('lost'), onNonsense: (problem) => seen.push(`nonsense ${problem}`) },
    {
      after: (ms, run) => {
        pauses.push(ms);
        due = run;
        return () => (due = undefined);
      },
    },
  );
  const last = () => {
    const link = links.at(-1);
    if (link === undefined) throw new Error('nothing was opened');
    return link;
  };
  return { station, links, last, pauses, seen, retry: () => due?.(), hasRetry: () => due !== undefined };
}

test('a station that stays away is asked ever more rarely, and at most every five seconds', () => {
  const { last, pauses, retry } = setUp();
  for (let failure = 0; failure < 7; failure += 1) {
    last().events.onClose();
    retry();
  }
  expect(pauses).toEqual([250, 500, 1000, 2000, 4000, 5000, 5000]);
});

test('a station that came back is asked quickly again the next time', () => {
  const { last, pauses, retry, seen } = setUp();
  last().events.onClose();
  retry();
  last().events.onClose();
  retry();
  last().events.onOpen();
  last().events.onMessage({ snapshot: SAMPLES['idle'] });
  last().events.onClose();
  expect(pauses).toEqual([250, 500, 250]);
  expect(seen).toEqual(['lost', 'lost', 'idle', 'lost']);
});

test('each answer goes to the question that asked for it', async () => {
  const { station, last } = setUp();
  last().events.onOpen();
  const first = station.request({ command: 'cancel', session: 's1' });
  const second = station.request({ command: 'dismiss' });
  expect(last().sent).toEqual([
    { id: 1, request: { command: 'cancel', session: 's1' } },
    { id: 2, request: { command: 'dismiss' } },
  ]);
  last().events.onMessage({ id: 2, ok: true });
  last().events.onMessage({ id: 1, ok: false, reason: 'no-session' });
  expect(await second).toMatchObject({ ok: true });
  expect(await first).toMatchObject({ ok: false, reason: 'no-session' });
});

test('a PIN under way when the station dies is answered "lost", not left hanging', async () => {
  const { station, last } = setUp();
  last().events.onOpen();
  const answer = station.request({ command: 'enter-pin', session: 's1', pin: '123456' });
  last().events.onClose();
  expect(await answer).toEqual({ ok: false, reason: 'lost' });
  expect(await station.request({ command: 'dismiss' })).toEqual({ ok: false, reason: 'lost' });
});

test.each([
  ['a message kind of a later version', { snapshot: { ...SAMPLES['idle'], message: { kind: 'party' } } }],
  ['a field the contract does not have', { snapshot: { ...SAMPLES['idle'], patient: 'x' } }],
  ['not even JSON', undefined],
])('%s is not drawn: the link is closed and opened anew', (_what, push) => {
  const { last, links, seen, retry, hasRetry } = setUp();
  last().events.onOpen();
  last().events.onMessage(push);
  expect(seen).toEqual([expect.stringContaining('nonsense'), 'lost']);
  expect(links[0]?.isClosed).toBe(true);
  expect(hasRetry()).toBe(true);
  retry();
  expect(links).toHaveLength(2);
});

test('a page that is closed does not call back', () => {
  const { station, last, hasRetry } = setUp();
  last().events.onClose();
  station.close();
  expect(hasRetry()).toBe(false);
});
