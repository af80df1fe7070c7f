import { describe, expect, it } from 'vitest';
import type { BoundedTime, ConflictSide } from '../../app/contract/custody.ts';
import { boundWords, drawnAt, knownEnds, mayBeTrue, momentWords } from '../../app/fleet/bounds.ts';
import { contradiction, summary } from '../../app/fleet/custody-words.ts';
import { decodeBytes } from '../../app/fleet/entry-bytes.ts';
import { isSettled, toAsk } from '../../app/fleet/questions.ts';
import { hrefOf, parseRoute } from '../../app/fleet/route.ts';
import type { Route } from '../../app/fleet/route.ts';
import { fromField, lastNight, ticks, toField } from '../../app/fleet/span.ts';
import { conflictAbout, nightOf } from './night-of-t114.ts';
import { twoWards } from './two-wards.ts';

const local = (hour: number, minute = 0, second = 0, day = 22): string => new Date(2026, 10, day, hour, minute, second).toISOString();
const device = twoWards().devices.find(({ asset }) => asset === 'T-114');
if (device === undefined) throw new Error('no T-114 among the two wards');

describe('between which moments it must have been', () => {
  const claimed = local(2, 14, 20);
  const low = local(2, 14, 3);
  const high = local(2, 14, 41);
  it.each<[BoundedTime, string, 'both' | 'one' | 'none']>([
    [{ claimed, notBefore: low, notAfter: high }, 'between 02:14:03 and 02:14:41', 'both'],
    [{ claimed, notAfter: local(3, 10) }, 'not after 03:10:00; how early is not known', 'one'],
    [{ claimed, notBefore: low }, 'not before 02:14:03; how late is not known', 'one'],
    [{ claimed }, 'by the cart’s own clock alone; nothing else bounds it', 'none'],
    [{ claimed, notBefore: low, notAfter: local(2, 14, 3) }, 'at 02:14:03', 'both'],
    [{ claimed, notBefore: local(23, 59, 58, 21), notAfter: high }, 'between 21 Nov 23:59:58 and 02:14:41', 'both'],
  ])('%j', (time, words, ends) => {
    expect(boundWords(time)).toBe(words);
    expect(knownEnds(time)).toBe(ends);
  });

  it('a clock that claims what cannot be is not believed, and is drawn where it can have been', () => {
    const early = { claimed: local(1), notBefore: low, notAfter: high };
    const late = { claimed: local(5), notBefore: low, notAfter: high };
    expect([early, late, { claimed, notBefore: low, notAfter: high }].map(mayBeTrue)).toEqual([false, false, true]);
    expect([momentWords(early, claimed), momentWords({ ...early, notAfter: low }, claimed)]).toEqual(['some time between 02:14:03 and 02:14:41', '02:14:03']);
    expect([drawnAt(early), drawnAt(late)]).toEqual([Date.parse(low), Date.parse(high)]);
  });
});

describe('the answer in a sentence', () => {
  const night = nightOf(device);
  const [, held] = night.intervals;
  if (held === undefined) throw new Error('nobody held it');

  it('tells who certainly had it from who possibly had it, and that nobody looked', () => {
    expect(summary(night)).toEqual(['Aisha R. had it.', 'Possibly also somebody not identified.', 'For a time no cart was looking.']);
  });

  it('somebody who only possibly had it is not said to have had it', () => {
    expect(summary({ ...night, intervals: [{ ...held, overlap: 'possible' }] })).toEqual(['Nobody certainly had it.', 'Possibly Aisha R.']);
  });

  it('says who when one person had it twice, and once for nobody named', () => {
    const again = { ...held, overlap: 'possible' as const };
    const ward = { ...held, holder: { kind: 'ward' as const } };
    expect(summary({ ...night, intervals: [held, again, ward] })).toEqual(['Aisha R. and nobody named (the ward answers) had it.']);
  });

  it('a tablet that stood still, one nobody told of, and an answer that is cut, are each said', () => {
    expect(summary({ ...night, intervals: night.intervals.slice(0, 1) })).toEqual(['Nobody had it: it stood in a cart.']);
    expect(summary({ ...night, intervals: [] })).toEqual(['No cart tells anything about it in this time.']);
    expect(summary({ ...night, intervals: [held], truncated: true }).at(-1)).toContain('not complete');
  });

  it('an open conflict is said first, and then nothing is said to have stood in a cart; a closed one is not', () => {
    const closed = { at: night.at, by: 'admin', reason: 'Found it' };
    expect(summary({ ...night, conflicts: [conflictAbout(device)] })[0]).toBe('Two carts contradict each other about it.');
    expect(summary({ ...night, intervals: night.intervals.slice(0, 1), conflicts: [conflictAbout(device)] })).toEqual(['Two carts contradict each other about it.', 'Nobody is recorded as having it.']);
    expect(summary({ ...night, conflicts: [conflictAbout(device, closed)] })).not.toContain('Two carts contradict each other about it.');
  });
});

describe('the time in which two carts contradict each other', () => {
  const { sides } = conflictAbout(device);
  const now = Date.parse(sides[0].opened.time.claimed) + 6 * 3_600_000;

  it('is what both say beyond every bound', () => {
    const both = contradiction(sides, now);
    expect(both).toEqual({ from: Date.parse(sides[1].opened.time.notAfter ?? ''), to: Date.parse(sides[1].closed?.time.notBefore ?? '') });
  });

  it('is not made up where a bound is not known', () => {
    const { notAfter: _unknown, ...open } = sides[1].opened.time;
    const unbounded: ConflictSide = { ...sides[1], opened: { ...sides[1].opened, time: open } };
    expect(contradiction([sides[0], unbounded], now)).toBeUndefined();
  });
});

describe('spans', () => {
  it.each([
    ['in the middle of the night: the one that is running', local(2, 30), local(22, 0, 0, 21), local(6)],
    ['in the morning: the one that ended', local(9), local(22, 0, 0, 21), local(6)],
    ['late in the evening: the one that ended this morning', local(23), local(22, 0, 0, 21), local(6)],
  ])('last night, asked %s', (_when, now, from, to) => {
    expect(lastNight(now)).toEqual({ from, to });
  });

  it('a moment comes back from its field as it went in; an empty field is no moment', () => {
    expect(fromField(toField(local(2, 14, 3)))).toBe(local(2, 14, 3));
    expect(fromField('')).toBeUndefined();
    expect(fromField('soon')).toBeUndefined();
  });

  it('ticks are round, inside, and never more than twelve, from a minute to a year', () => {
    for (const minutes of [1, 90, 8 * 60, 24 * 60, 7 * 24 * 60, 365 * 24 * 60]) {
      const span = { from: local(1, 7), to: new Date(Date.parse(local(1, 7)) + minutes * 60_000).toISOString() };
      const found = ticks(span);
      expect(found.length).toBeLessThanOrEqual(12);
      expect(found.every((at) => at > span.from && at < span.to)).toBe(true);
    }
    expect(ticks({ from: local(22, 0, 0, 21), to: local(6) })).toContain(local(0));
  });
});

describe('a question about the past', () => {
  const question = { key: 'T-114', device: 'T-114', from: local(1), to: local(2) };

  it('is asked once: not again while it is asked, answered or refused, but again while the server is silent', () => {
    const first = toAsk(undefined, question);
    if (first === undefined) throw new Error('it was not asked');
    expect(toAsk(first, question)).toBeUndefined();
    const refused = { ...first, asking: false, feed: { failures: 1, refusal: { kind: 'not-allowed' as const } } };
    const silent = { ...first, asking: false, feed: { failures: 1, refusal: { kind: 'unreachable' as const } } };
    expect([isSettled(refused.feed), isSettled(silent.feed)]).toEqual([true, false]);
    expect(toAsk(refused, question)).toBeUndefined();
    expect(toAsk(silent, question)).toMatchObject({ asking: true, question });
  });

  it('another span is another question', () => {
    const first = toAsk(undefined, question);
    expect(toAsk(first, { ...question, key: 'T-114 earlier' })?.question.key).toBe('T-114 earlier');
  });
});

describe('addresses of the past', () => {
  const routes: Route[] = [
    { page: 'device', serial: 'R52', q: '', from: local(1), to: local(2) },
    { page: 'station', id: 'st-7e', q: '', at: local(1) },
    { page: 'conflicts', q: 'T-1' },
    { page: 'incidents', q: '' },
    { page: 'keys', q: '' },
    { page: 'mdms', q: '' },
  ];
  it.each(routes)('$page leads back to itself', (route) => {
    expect(parseRoute(hrefOf(route))).toEqual(route);
  });

  it.each(['#/devices/R52?from=yesterday&to=2026-11-22T05:00:00Z', '#/devices/R52?from=2026-11-22T05:00:00Z'])('%s: half a span is none', (hash) => {
    expect(parseRoute(hash)).toEqual({ page: 'device', serial: 'R52', q: '' });
  });
});

describe('bytes nobody understood', () => {
  const encoded = (bytes: readonly number[] | string): string => Buffer.from(bytes as string).toString('base64');
  it.each([
    ['text, as text', encoded('{"a":"ü"}'), { length: 10, text: '{"a":"ü"}', isText: true }],
    ['no UTF-8, in hexadecimal', encoded([0xc3, 0x28]), { length: 2, text: 'c3 28', isText: false }],
    ['text that turns the reading direction, in hexadecimal', encoded('a\u202Eb'), { length: 5, text: '61 e2 80 ae 62', isText: false }],
    ['nothing', '', { length: 0, text: '', isText: true }],
  ])('%s', (_what, base64, shown) => {
    expect(decodeBytes(base64)).toEqual(shown);
  });

  it('sixteen to a line', () => {
    expect(decodeBytes(encoded(Array.from({ length: 17 }, () => 255))).text.split('\n').map((line) => line.split(' ').length)).toEqual([16, 1]);
  });
});
