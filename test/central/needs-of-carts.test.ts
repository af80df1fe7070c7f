import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { nightOfWard, stillThreatens, type OpenNight } from '../../app/central/ward-nights.ts';
import { fleetView, type FleetDevice, type WardNight } from '../../app/contract/fleet.ts';
import { morningSheetAnswer, morningView, type MorningView } from '../../app/contract/morning.ts';
import type { EntryDraft, WardNeed } from '../../app/domain/entries.ts';
import { readPdf } from '../support/pdf-reading.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { signInAsAdmin, startTestCentral, type TestCentral } from './demo-central.ts';
import { enrolStation, testLedger, type TestLedger, type TestStation } from './demo-station.ts';
import { sendFrom } from './night-cart.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** 2026-09-22, 07:00 in Berlin. */
const SHIFT = Date.UTC(2026, 8, 22, 5);

type Need = Omit<WardNeed, 'ward' | 'dueMs'>;
const needsOf = (needs: readonly Need[], shiftMs: number): WardNeed[] => needs.map((need) => ({ ward: '7e', ...need, dueMs: shiftMs }));
const began = (...needs: Need[]): EntryDraft => ({ type: 'night-began', body: { shiftMs: SHIFT, needs: needsOf(needs, SHIFT), owed: 2 } });
const threatened = (shortBy: number): EntryDraft => ({ type: 'need-threatened', body: { ward: '7e', shortBy, dueMs: SHIFT, because: 'absent' } });
const ended = (ready: number, needs: readonly Need[], shiftMs = SHIFT): EntryDraft => ({
  type: 'night-ended',
  body: { fromMs: shiftMs - 10 * HOUR, shiftMs, needs: needsOf(needs, shiftMs).map((need) => ({ ...need, ready })), exceptions: [], more: 0, done: { sanitized: 0, failed: 0, quarantined: 0, starts: 0 } },
});

describe('the carts of one ward, by what they told', () => {
  let postgres: TestPostgres;
  let central: TestCentral;
  let cookie: string;
  let a: { readonly station: TestStation; readonly ledger: TestLedger };
  let b: typeof a;

  const get = (path: string): Promise<Response> => fetch(`${central.url}${path}`, { headers: { cookie } });
  const night = async (): Promise<WardNight | undefined> => fleetView.parse(await (await get('/api/fleet')).json()).wards.find(({ id }) => id === '7e')?.night;
  const morning = async (of: typeof a): Promise<MorningView['carts'][number] | undefined> => morningView.parse(await (await get('/api/morning')).json()).carts.find(({ station }) => station === of.station.id);
  const sheetAt = async ({ station }: typeof a, seq: number) => morningSheetAnswer.parse(await (await get(`/api/morning/${station.id}/${seq}`)).json());
  /** Without what stands between words: a line may break anywhere. */
  const paperAt = async ({ station }: typeof a, seq: number): Promise<string> => readPdf(Buffer.from(await (await get(`/api/morning/${station.id}/${seq}.pdf?zone=Europe/Berlin`)).arrayBuffer())).text.replaceAll(/\s/g, '');
  const enrol = async (cart: string, atMs = SHIFT - 10 * HOUR): Promise<typeof a> => {
    const station = await enrolStation(central, cart);
    return { station, ledger: testLedger(station, atMs) };
  };
  const send = ({ station, ledger }: typeof a, ...drafts: EntryDraft[]): Promise<void> => sendFrom(station, ledger, ...drafts);

  beforeAll(async () => {
    postgres = await startTestPostgres();
    central = await startTestCentral(await postgres.createDatabase());
    cookie = await signInAsAdmin(central);
  });
  afterAll(async () => {
    await central.close();
    await postgres.stop();
  });
  beforeEach(async () => {
    central.clock.ms = SHIFT - 5 * HOUR;
    await central.database.query('update station set denied_at_ms = 1');
    a = await enrol('Cart A');
    b = await enrol('Cart B');
  });

  it('each need names its cart: they add up, and one that is denied takes its own along', async () => {
    await send(a, began({ cart: 'Cart A', count: 8 }), threatened(2));
    await send(b, began({ cart: 'Cart B', count: 4 }));
    expect(await night()).toMatchObject({ needed: 12, expected: 10, shortBy: 2, carts: [{ cart: 'Cart A', needed: 8 }, { cart: 'Cart B', needed: 4 }] });
    expect((await night())?.carts.map(({ together }) => together)).toEqual([undefined, undefined]);
    expect((await morning(a))?.notices).toMatchObject([{ shortBy: 2, ward: 'Ward 7 East' }]);
    await central.database.query('update station set denied_at_ms = 1 where id = $1', [a.station.id]);
    expect(await night()).toMatchObject({ needed: 4, expected: 4, shortBy: 0, carts: [{ cart: 'Cart B' }], told: [] });
  });

  it('both took the ward’s need whole and both said short: counted once, met by both together, and the morning is not called threatened', async () => {
    await send(a, began({ count: 8 }), threatened(3));
    await send(b, began({ count: 8 }), threatened(5));
    expect(await night()).toMatchObject({ needed: 8, expected: 8, shortBy: 0, carts: [{ cart: 'Cart A', needed: 8, together: true }, { cart: 'Cart B', needed: 8, together: true }], told: [{ cart: 'Cart A', madeUp: true }, { cart: 'Cart B', madeUp: true }] });
    expect([(await morning(a))?.notices, (await morning(b))?.notices]).toEqual([[], []]);
  });

  it('both together have too few: short by what both lack, and both are heard', async () => {
    await send(a, began({ count: 8 }), threatened(6));
    await send(b, began({ count: 8 }), threatened(5));
    expect(await night()).toMatchObject({ needed: 8, expected: 5, shortBy: 3 });
    expect((await night())?.told.map(({ madeUp }) => madeUp)).toEqual([undefined, undefined]);
    expect((await morning(a))?.notices).toMatchObject([{ shortBy: 6 }]);
  });

  it('the cart that would make up for it fell silent: what the other told still stands', async () => {
    await send(b, began({ count: 8 }));
    central.clock.ms += 14 * MINUTE;
    await send(a, began({ count: 8 }), threatened(3));
    expect((await night())?.told).toMatchObject([{ cart: 'Cart A', madeUp: true }]);
    central.clock.ms += 2 * MINUTE;
    expect((await night())?.told[0]).not.toHaveProperty('madeUp');
    expect((await morning(a))?.notices).toMatchObject([{ shortBy: 3 }]);
  });

  it('the morning sheets of both: what each had, short by what both lack together, the same on paper', async () => {
    central.clock.ms = SHIFT + HOUR;
    [a, b] = [await enrol('Cart A', SHIFT), await enrol('Cart B', SHIFT + 5 * MINUTE)];
    await send(a, ended(3, [{ count: 8 }]));
    await send(b, ended(4, [{ count: 8 }]));
    const [needs] = (await sheetAt(a, 0)).sheet.needs;
    expect(needs).toMatchObject({ needed: 8, ready: 3, shortBy: 1, others: [{ station: b.station.id, cart: 'Cart B', ready: 4 }] });
    expect((await morning(b))?.sheet?.needs).toMatchObject([{ needed: 8, ready: 4, shortBy: 1, others: [{ cart: 'Cart A', ready: 3 }] }]);
    expect((await sheetAt(a, 0)).nights).toMatchObject([{ needed: 8, ready: 7, shortBy: 1 }]);
    expect(await paperAt(a, 0)).toContain('Ward 7 East: 3 ready here, 4 in Cart B, 8 needed in all at 07:00, short by 1'.replaceAll(' ', ''));
  });

  it('the other cart’s sheet is not here, is of another morning, or came when the shift was long on: it is said that nothing is known of it', async () => {
    central.clock.ms = SHIFT + 30 * HOUR;
    await central.database.query('update station set enrolled_at_ms = $1', [SHIFT - 100 * HOUR]);
    await send(a, ended(3, [{ count: 8 }], SHIFT - 12 * HOUR));
    const alone = { needed: 8, ready: 3, shortBy: 5, unheard: ['Cart B'] };
    expect((await morning(a))?.sheet?.needs[0]).toMatchObject(alone);
    await send(b, ended(6, [{ count: 8 }], SHIFT - 36 * HOUR));
    expect((await morning(a))?.sheet?.needs[0]).toMatchObject(alone);
    const late = await enrol('Cart C', SHIFT + HOUR);
    await send(late, ended(6, [{ count: 8 }], SHIFT - 12 * HOUR));
    expect((await morning(a))?.sheet?.needs[0]).toMatchObject(alone);
    expect(await paperAt(a, 0)).toContain('3 ready, 8 needed at 19:00, short by 5; nothing yet from Cart B'.replaceAll(' ', ''));
  });

  it('a sheet of a need that names its cart, or of a cart alone in its ward, has nothing of others', async () => {
    central.clock.ms = SHIFT + HOUR;
    a = await enrol('Cart A', SHIFT);
    await send(a, ended(3, [{ cart: 'Cart A', count: 8 }]));
    await send(b, ended(4, [{ count: 2 }]));
    expect(Object.keys((await morning(a))?.sheet?.needs[0] ?? {})).toEqual(['wardId', 'ward', 'needed', 'ready', 'shortBy', 'due']);
    expect((await morning(a))?.sheet?.needs).toMatchObject([{ shortBy: 5 }]);
  });

  it('a cart with a need of its own in a ward that has one too: two lines, and one night of them', async () => {
    central.clock.ms = SHIFT + HOUR;
    [a, b] = [await enrol('Cart A', SHIFT), await enrol('Cart B', SHIFT)];
    await send(a, ended(4, [{ cart: 'Cart A', count: 5 }, { count: 12 }]));
    await send(b, ended(9, [{ count: 12 }]));
    expect((await sheetAt(a, 0)).sheet.needs).toMatchObject([{ needed: 5, ready: 4, shortBy: 1 }, { needed: 12, ready: 4, shortBy: 0, others: [{ ready: 9 }] }]);
    expect((await sheetAt(a, 0)).nights).toMatchObject([{ needed: 12, shortBy: 1 }]);
  });
});

describe('of one ward', () => {
  const notice = (shortBy: number): OpenNight['told'][number] => ({ ward: '7e', shortBy, why: 'too few tablets are in the cart', due: new Date(SHIFT).toISOString(), at: new Date(SHIFT - HOUR).toISOString(), evidence: { origin: 'o', seq: 3, leaf: 'aa' } });
  const open = (station: string, ward: string, needs: readonly Need[], shortBy = 0): OpenNight => ({
    station, cart: `Cart ${station.toUpperCase()}`, ward, told: shortBy > 0 ? [notice(shortBy)] : [],
    night: { beganAtMs: SHIFT - 10 * HOUR, beganSeq: 0, shiftMs: SHIFT, needs: needsOf(needs, SHIFT), threatened: shortBy > 0 ? ['7e'] : [], tally: { sanitized: 0, failed: 0, quarantined: 0, starts: 0 } },
  });
  const tablets = (station: string, proven: number): FleetDevice[] => Array.from({ length: proven }, (_, slot) => ({ serial: `${station}${slot}`, asset: 'T', model: 'M', ward: '7e', standing: 'admitted', where: { kind: 'cart', station, cart: station, slot }, state: 'proven', grade: 'E2' }));
  const forecast = (nights: readonly OpenNight[], own: readonly FleetDevice[] = []): WardNight | undefined => nightOfWard('7e', 'Ward 7 East', nights, own);

  it('more in one cart do not make up for what the other was asked for, and tablets elsewhere are not counted', () => {
    const own = [...tablets('a', 6), ...tablets('b', 1), ...tablets('elsewhere', 5)];
    expect(forecast([open('a', '7e', [{ cart: 'Cart A', count: 4 }]), open('b', '7e', [{ cart: 'Cart B', count: 4 }], 3)], own)).toMatchObject({ needed: 8, clean: 7, expected: 7, shortBy: 3 });
  });

  it('one cart is asked for all by name: the other is no part of the night, and its tablets are not counted', () => {
    expect(forecast([open('a', '7e', [{ cart: 'Cart A', count: 4 }], 2), open('b', '7e', [])], tablets('b', 9))).toMatchObject({ needed: 4, clean: 0, expected: 2, shortBy: 2, carts: [{ station: 'a' }] });
  });

  it('a newer station’s word cannot be read: nothing is called short that it may have', () => {
    const unread = { ...open('b', '7e', [{ count: 8 }], 1), told: [] };
    expect(forecast([open('a', '7e', [{ count: 8 }], 6), unread])).toMatchObject({ needed: 8, expected: 2, shortBy: 0, unread: ['b'], told: [{ station: 'a' }] });
    expect(forecast([open('a', '7e', [{ count: 8 }], 6), unread])?.told[0]).not.toHaveProperty('madeUp');
  });

  it('a cart of its own and one of its ward: short of what names it, though the ward has enough', () => {
    const night = forecast([open('a', '7e', [{ cart: 'Cart A', count: 5 }, { count: 8 }], 4), open('b', '7e', [{ count: 8 }])]);
    expect(night).toMatchObject({ needed: 8, expected: 12, shortBy: 1, carts: [{ station: 'a', needed: 5 }, { station: 'a', needed: 8, together: true }, { station: 'b', needed: 8, together: true }] });
    expect(night?.told[0]).not.toHaveProperty('madeUp');
  });

  it('a cart that stands elsewhere is short of a ward whose own carts are on course: nobody is told that its morning is threatened', () => {
    const night = forecast([open('a', '7e', [{ count: 4 }]), open('c', '7w', [{ count: 4 }], 4)]);
    expect(stillThreatens(night, 'c', 3)).toBe(false);
    expect(stillThreatens(forecast([open('c', '7w', [{ count: 4 }], 4)]), 'c', 3)).toBe(true);
    expect(stillThreatens(undefined, 'c', 3)).toBe(true);
  });
});
