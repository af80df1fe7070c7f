import { expect, it } from 'vitest';
import { fleetHistory } from '../../app/contract/fleet.ts';
import { morningSheetAnswer, morningView } from '../../app/contract/morning.ts';
import type { EntryDraft } from '../../app/domain/entries.ts';
import type { MorningException } from '../../app/domain/morning-sheet.ts';
import { SERIAL } from './demo-central.ts';
import { testLedger } from './demo-station.ts';
import { central, cookie, HOUR, ledger, nightCart, send, SHIFT, station } from './night-cart.ts';

nightCart(SHIFT + HOUR, SHIFT);

const get = (path: string, headers: Record<string, string> = { cookie }): Promise<Response> => fetch(`${central.url}${path}`, { headers });
const cartOf = async (id = station.id) => morningView.parse(await (await get('/api/morning')).json()).carts.find((cart) => cart.station === id);
const sheetAt = async (seq: number, query = '') => morningSheetAnswer.parse(await (await get(`/api/morning/${station.id}/${seq}${query}`)).json());

const EXCEPTIONS: readonly MorningException[] = [
  { slot: 9, reason: 'unreadable', next: 'swap-cable', minutes: 3 },
  { slot: 6, serial: SERIAL, asset: 'T-101', ward: '7e', reason: 'sanitization-failed', suspect: 'slot', next: 'try-another-slot', minutes: 2 },
  { serial: 'R52TXYYK596', asset: 'T-102', ward: '7e', reason: 'in-hand', next: 'find-holder', minutes: 20 },
  { slot: 4, serial: 'R5', asset: 'T-104', ward: '7e', reason: 'battery-heat', suspect: 'tablet', next: 'to-service', minutes: 60 },
];
const threatened = (shortBy: number, dueMs = SHIFT): EntryDraft => ({ type: 'need-threatened', body: { ward: '7e', shortBy, dueMs, because: 'absent' } });
const ended = (ready: number, exceptions = EXCEPTIONS, shiftMs = SHIFT, more = 0, wards: readonly string[] = []): EntryDraft => ({
  type: 'night-ended',
  body: { fromMs: shiftMs - 10 * HOUR, shiftMs, needs: [{ ward: '7e', count: 3, dueMs: shiftMs - HOUR, ready }, { ward: '7e', count: 8, dueMs: shiftMs, ready }, ...wards.map((ward) => ({ ward, count: 6, dueMs: shiftMs, ready: 5 }))], exceptions, more, done: { sanitized: 11, failed: 1, quarantined: 1, starts: 2 } },
});

it('a night is over: its cart shows the sheet as recorded, the largest need of each ward, the first exceptions in words', async () => {
  await send(threatened(2), ended(6));
  const cart = await cartOf();
  expect(cart).toMatchObject({
    cart: 'Cart A',
    ward: 'Ward 7 East',
    notices: [],
    sheet: {
      epoch: 1,
      evidence: { origin: station.origin, seq: 1, leaf: ledger.leaves[1] },
      shift: '2026-09-22T05:00:00.000Z',
      needs: [{ wardId: '7e', ward: 'Ward 7 East', needed: 8, ready: 6, shortBy: 2 }],
      more: 1,
      done: { sanitized: 11, failed: 1, quarantined: 1, starts: 2 },
      warned: [{ ward: 'Ward 7 East', shortBy: 2, why: 'too few tablets are in the cart' }],
    },
  });
  expect(cart?.sheet?.exceptions.map(({ order, why }) => [order, why])).toEqual([
    ['Swap the cable of the slot', 'The cart feels it but cannot read it.'],
    ['Move it to another slot', 'Its wipe did not work. Suspect the slot, not the tablet.'],
    ['Find who has it', 'Somebody has it.'],
  ]);
  expect((await sheetAt(1)).sheet.exceptions).toHaveLength(4);
});

it('a need is threatened while the night is on: told until the night’s sheet has come, and not for ever if it never comes', async () => {
  await send(ended(8, [], SHIFT - 24 * HOUR), threatened(3));
  central.clock.ms = SHIFT - 5 * HOUR;
  expect((await cartOf())?.notices).toMatchObject([{ shortBy: 3, due: '2026-09-22T05:00:00.000Z', evidence: { seq: 1 } }]);
  expect((await cartOf())?.sheet?.warned).toEqual([]);
  central.clock.ms = SHIFT + 25 * HOUR;
  expect((await cartOf())?.notices).toEqual([]);
  central.clock.ms = SHIFT + 2 * HOUR;
  await send(ended(5));
  expect((await cartOf())?.notices).toEqual([]);
});

it('a cart without a night yet is listed without a sheet; one that is denied is not listed', async () => {
  expect(await cartOf()).toEqual({ station: station.id, cart: 'Cart A', ward: 'Ward 7 East', notices: [] });
  await central.database.query('update station set denied_at_ms = 1 where id = $1', [station.id]);
  expect(await cartOf()).toBeUndefined();
});

it('nights of two ledgers of one station: the newest life’s comes first, the nights around it in order, and the same number is told apart', async () => {
  await send(ended(1, [], SHIFT - 48 * HOUR), ended(2, [], SHIFT - 24 * HOUR));
  const origin = `${station.origin.slice(0, -1)}2`;
  await central.database.query(`insert into origin (origin, station, epoch, ledger_key) select $1, station, 2, ledger_key from origin where origin = $2`, [origin, station.origin]);
  const second = testLedger({ ...station, origin }, SHIFT);
  second.add(ended(3));
  await central.database.query(`insert into entry (origin, seq, bytes, leaf, type, at_ms) values ($1, 0, $2, $3, 'night-ended', $4)`, [origin, second.entries[0], Buffer.from(second.leaves[0] ?? '', 'hex'), SHIFT]);
  expect((await cartOf())?.sheet).toMatchObject({ epoch: 2, needs: [{ ready: 3 }] });
  const middle = await sheetAt(1, '?epoch=1');
  expect(middle.nights.map(({ epoch, seq, ready }) => [epoch, seq, ready])).toEqual([[2, 0, 3], [1, 1, 2], [1, 0, 1]]);
  expect([(await sheetAt(0)).sheet.needs[0]?.ready, (await sheetAt(0, '?epoch=1')).sheet.needs[0]?.ready]).toEqual([3, 1]);
});

it('a sheet of a newer station, with a reason this server does not know: said so, never guessed', async () => {
  const strange = [{ slot: 1, reason: 'haunted', next: 'wait', minutes: 5 }] as unknown as MorningException[];
  await send(ended(4, strange));
  const cart = await cartOf();
  expect(cart?.sheet).toBeUndefined();
  expect(cart?.unread).toMatchObject({ epoch: 1, seq: 0, unread: true });
  const answer = await get(`/api/morning/${station.id}/0`);
  expect([answer.status, await answer.json()]).toMatchObject([422, { message: expect.stringMatching(/newer station/) as string }]);
});

it('the sheet on paper: one page, the same file each time, named after cart and day in the zone that was asked for', async () => {
  const many = Array.from({ length: 32 }, (_, place): MorningException => ({ ...(EXCEPTIONS[place % 4] ?? { reason: 'unreadable', next: 'swap-cable', minutes: 3 }), slot: place + 1 }));
  // Twelve wards and 32 exceptions have no room on one page: the last exceptions are counted.
  await send(threatened(2), ended(6, many, SHIFT, 7, Array.from({ length: 12 }, (_, place) => `ward-${place}`)));
  const paper = async (zone: string): Promise<{ name: string; bytes: Buffer; status: number }> => {
    const answer = await get(`/api/morning/${station.id}/1.pdf?epoch=1&zone=${encodeURIComponent(zone)}`);
    return { status: answer.status, name: answer.headers.get('content-disposition') ?? '', bytes: Buffer.from(await answer.arrayBuffer()) };
  };
  const berlin = await paper('Europe/Berlin');
  expect(berlin.name).toBe('attachment; filename="morning-sheet-Cart-A-2026-09-22.pdf"');
  expect(berlin.bytes.subarray(0, 5).toString()).toBe('%PDF-');
  expect(berlin.bytes.toString('latin1').match(/\/Type \/Page\b(?!s)/g)).toHaveLength(1);
  expect((await paper('Europe/Berlin')).bytes.equals(berlin.bytes)).toBe(true);
  expect((await paper('Pacific/Auckland')).bytes.equals(berlin.bytes)).toBe(false);
  expect((await paper('Mars/Olympus')).status).toBe(400);
});

it('nobody signed in, or a number that is no night, gets a refusal', async () => {
  await send(threatened(1));
  for (const path of ['/api/morning', `/api/morning/${station.id}/0`, `/api/morning/${station.id}/0.pdf`]) expect([path, (await get(path, {})).status]).toEqual([path, 401]);
  for (const path of [`/api/morning/${station.id}/0`, `/api/morning/${station.id}/0.pdf`, '/api/morning/nobody/0']) expect([path, (await get(path)).status]).toEqual([path, 404]);
  expect((await get(`/api/morning/${station.id}/x`)).status).toBe(400);
});

it('the records behind a number: of this cart, this type and this night only', async () => {
  await send(threatened(1), ended(4, [], SHIFT - 24 * HOUR), threatened(2), ended(6));
  const events = async (query: Record<string, string>) => fleetHistory.parse(await (await get(`/api/history?${new URLSearchParams(query).toString()}`)).json()).events.map(({ seq }) => seq);
  expect(await events({ station: station.id, type: 'need-threatened' })).toEqual([2, 0]);
  expect(await events({ station: station.id, from: new Date(SHIFT + 2).toISOString(), to: new Date(SHIFT + 2).toISOString() })).toEqual([2]);
  expect((await get('/api/history?from=yesterday')).status).toBe(400);
});

it('finding the nights of a ledger reads its nights, not its history', async () => {
  await send(ended(4));
  await central.database.query(`insert into entry (origin, seq, bytes, leaf, type, at_ms) select $1, n, '\\x00', decode(lpad(to_hex(n), 64, '0'), 'hex'), 'released', n from generate_series(1000, 40000) n`, [station.origin]);
  await central.database.query('analyze entry');
  const plan = await central.database.query<{ 'QUERY PLAN': string }>(`explain select * from entry where origin = '${station.origin}' and type = 'night-ended' order by seq desc limit 1`);
  const words = plan.rows.map((row) => row['QUERY PLAN']).join('\n');
  expect(words).toMatch(/using entry_of_night[\s\S]*Index Cond: \(\(origin = .*type = /);
  expect(words).not.toContain('Sort');
});
