import { describe, expect, it } from 'vitest';
import { EMPTY_FEED, afterReading, isLost, pauseMs, serverTime } from '../../app/fleet/feed.ts';
import type { Feed } from '../../app/fleet/feed.ts';
import { hrefOf, parseRoute } from '../../app/fleet/route.ts';
import type { Route } from '../../app/fleet/route.ts';
import { filterRows } from '../../app/fleet/row-filter.ts';
import { syncAge } from '../../app/fleet/sync-age.ts';
import { duration, msBetween } from '../../app/fleet/times.ts';
import { reasonWords } from '../../app/fleet/words.ts';

const at = (ms: number) => ({ wallMs: ms, monoMs: ms });

describe('a list that is read again and again', () => {
  const first = afterReading<string>(EMPTY_FEED, { ok: true, unchanged: false, value: 'list', asOf: '2026-11-21T06:51:12.000Z', etag: '"a"' }, at(1000));

  it('keeps what it holds, and from when, through any number of failures', () => {
    let feed: Feed<string> = first;
    for (let turn = 0; turn < 3; turn += 1) feed = afterReading(feed, { ok: false, refusal: { kind: 'unreachable' } }, at(2000 + turn));
    expect(feed.held).toEqual(first.held);
    expect(feed.failures).toBe(3);
  });

  it('speaks of one lost reading only when there is nothing to show', () => {
    const unreachable = { ok: false, refusal: { kind: 'unreachable' } } as const;
    expect(isLost(afterReading(EMPTY_FEED, unreachable, at(0)))).toBe(true);
    const once = afterReading(first, unreachable, at(0));
    expect(isLost(once)).toBe(false);
    expect(isLost(afterReading(once, unreachable, at(0)))).toBe(true);
  });

  it('is confirmed, not replaced, by "unchanged"; without a date the server’s time is reckoned on', () => {
    const feed = afterReading(first, { ok: true, unchanged: true }, at(1000));
    expect(feed.held?.value).toBe('list');
    const confirmed = afterReading(first, { ok: true, unchanged: true, asOf: '2026-11-21T06:51:14.000Z' }, at(3000));
    expect(confirmed.held).toMatchObject({ value: 'list', etag: '"a"', asOf: '2026-11-21T06:51:14.000Z', confirmed: at(3000) });
    const undated = afterReading(first, { ok: true, unchanged: true }, at(6000));
    expect(undated.held?.asOf).toBe('2026-11-21T06:51:17.000Z');
  });

  it('is as old as the older of two clocks says: a wall clock set back or a machine that slept does not make it young', () => {
    const held = first.held;
    if (held === undefined) throw new Error('nothing held');
    expect(serverTime(held, { wallMs: -50_000, monoMs: 6000 })).toBe('2026-11-21T06:51:17.000Z');
    expect(serverTime(held, { wallMs: 3_601_000, monoMs: 1500 })).toBe('2026-11-21T07:51:12.000Z');
  });

  it('asks less often while there is no answer, and never less than every 5 s', () => {
    expect([0, 1, 2, 50].map((failures) => pauseMs(failures, 2000))).toEqual([2000, 4000, 5000, 5000]);
  });
});

describe('addresses', () => {
  const routes: Route[] = [
    { page: 'wards', q: '' },
    { page: 'wards', q: 'maria k' },
    { page: 'devices', q: 'a&b=c', ward: '7e', state: 'waiting' },
    { page: 'device', serial: 'R52/T#1?2%', q: '' },
    { page: 'quarantine', q: 'ü' },
    { page: 'stations', q: '' },
    { page: 'station', id: 'st-7e a', q: '' },
    { page: 'records', q: 'Tom O.' },
    { page: 'records', q: '', station: 'st-7e a', type: 'sanitized', from: '2026-11-21T20:00:00.000Z', to: '2026-11-22T06:00:00.000Z' },
    { page: 'morning', q: '' },
    { page: 'sheet', station: 'st/7e', epoch: 2, seq: 0, q: '' },
    { page: 'certificates', q: 't-1', after: 'ab'.repeat(32) },
    { page: 'certificate', leaf: 'ab'.repeat(32), q: '' },
  ];
  it.each(routes)('$page leads back to itself', (route) => {
    expect(parseRoute(hrefOf(route))).toEqual(route);
  });

  it.each(['#/nothing', '#/devices/a/b', '#/devices/%E0%A4%A', '#/records/7', '#/morning/st-7e-a', '#/morning/st-7e-a?epoch=1&seq=-1', '#/morning/st-7e-a?epoch=x&seq=1'])('%s leads nowhere and harms nothing', (hash) => {
    expect(parseRoute(hash).page).toBe('nowhere');
  });

  it('a state nobody knows is no condition', () => {
    expect(parseRoute('#/devices?state=broken')).toEqual({ page: 'devices', q: '' });
  });
});

describe('words', () => {
  it('a filter wants every word, in any order, whatever the accents', () => {
    const rows = ['T-104 Zoë Müller ready', 'T-105 Zoe Smith ready'];
    expect(filterRows(rows, ' muller  ZOE ', (row) => row)).toEqual([rows[0]]);
    expect(filterRows(rows, '', (row) => row)).toEqual(rows);
  });

  it('lengths of time name one or two units', () => {
    expect([999, 59_999, 60_000, 3_600_000, 7_500_000, 47 * 3_600_000, 72 * 3_600_000].map(duration)).toEqual(['0 s', '59 s', '1 min', '1 h', '2 h 5 min', '47 h', '3 d']);
  });

  it('a record from the server’s future is not of negative age', () => {
    expect(msBetween('2026-11-21T07:00:00Z', '2026-11-21T06:00:00Z')).toBe(0);
  });

  it('a reason that is no known code is shown as it came', () => {
    expect(reasonWords('credentials-revoked')).toBe('Its old credentials are not revoked yet');
    expect(reasonWords('Screen cracked')).toBe('Screen cracked');
  });

  it('a station is late, then out of contact, then never or no longer heard', () => {
    const lastSyncAt = '2026-11-21T06:51:12.000Z';
    expect(syncAge({ denied: false, lastSyncAt }, '2026-11-21T06:51:13.400Z')).toEqual({ standing: 'current', words: '1 s ago' });
    expect(syncAge({ denied: false, lastSyncAt }, '2026-11-21T06:54:12.000Z')).toEqual({ standing: 'late', words: '3 min ago, late' });
    expect(syncAge({ denied: false, lastSyncAt }, '2026-11-21T07:11:12.000Z')).toEqual({ standing: 'silent', words: '20 min ago, out of contact' });
    expect(syncAge({ denied: true, lastSyncAt }, '2026-11-21T06:51:13.000Z').standing).toBe('denied');
    expect(syncAge({ denied: false }, '2026-11-21T06:51:13.000Z').standing).toBe('never');
  });
});
