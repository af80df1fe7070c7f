import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { EntryType } from '../../app/domain/entries.ts';
import { TABLE_NAMES } from '../../app/domain/tables.ts';
import { between, seededRandom } from '../../app/simulator/world/random.ts';
import { openIdentity } from '../../app/sync/identity.ts';
import { auditStore, openStation } from '../../scripts/verify/store.ts';
import { DIRECTORY, PIN, startTestCentral, type TestCentral } from '../central/demo-central.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { startWholeCart, type WholeCart } from './whole-cart.ts';

const LONG = process.env['DOCKWARD_LONG'] === '1';
const SEED = Number(process.env['DOCKWARD_SEED'] ?? 1);
/** Entries that the cart writes while nobody hears of it. */
const BACKLOG = LONG ? 100_000 : 2_000;
const DAYS = 30;
const DAY_MS = 86_400_000;
const TIMEOUT_MS = LONG ? 1_800_000 : 120_000;

const SERIALS = Array.from({ length: 16 }, (_, n) => `R52T${String(n).padStart(7, '0')}`);
const BADGES = ['04A4C123B16201', '04A4C123B16202', '04A4C123B16203', '04A4C123B16204'];
/** She was on leave. */
const RESTED = '04A4C123B16205';
const UNKNOWN_BADGE = '04FFFFFFFFFFFF';
/** Nobody touches it all month. */
const LEFT_ALONE = SERIALS[15] ?? '';

let postgres: TestPostgres;
let central: TestCentral;

beforeAll(async () => {
  postgres = await startTestPostgres();
  const [first] = DIRECTORY.devices;
  const [nurse] = DIRECTORY.staff;
  if (!first || !nurse) throw new Error('the demo directory is empty');
  central = await startTestCentral(await postgres.createDatabase(), {
    directory: {
      ...DIRECTORY,
      devices: SERIALS.map((serial, n) => ({ ...first, serial, asset: `T-${n}` })),
      staff: [...BADGES, RESTED].map((badgeUid, n) => ({ ...nurse, id: `s${n}`, name: `Nurse ${n}`, short: `N${n}`, badgeUid, pin: PIN })),
    },
  });
}, 60_000);
afterAll(async () => {
  await central.close();
  await postgres.stop();
});

/** What happens at a cart in a month, by dice: taps, pulls, returns, and everything that goes wrong. */
async function oneHappening(cart: WholeCart, random: () => number): Promise<void> {
  const slots = [...cart.host.slots.values()];
  const full = slots.filter(({ serial }) => serial !== undefined && serial !== LEFT_ALONE);
  const empty = slots.filter(({ present }) => !present);
  const away = SERIALS.filter((serial) => !slots.some((slot) => slot.serial === serial));
  const of = <T>(things: readonly T[]): T => {
    const thing = things[Math.floor(random() * things.length)];
    if (thing === undefined) throw new Error('there is nothing to choose from');
    return thing;
  };
  const takes = async (): Promise<void> => {
    await cart.tap(of(BADGES));
    if (cart.kiosk().now().message.kind === 'pin') await cart.enterPin();
    const { message } = cart.kiosk().now();
    if (message.kind === 'take' && random() < 0.7) await cart.pull(message.slot);
    else await cart.pass(35_000);
  };
  const bringsBack = (): Promise<void> => cart.dock(of(empty).slot, of(away));
  const dice = random() * 100;
  if (away.length > 9) return bringsBack();
  if (dice < 30) return takes();
  if (dice < 55) return full.length > 0 ? cart.pull(of(full).slot) : undefined;
  if (dice < 80) return away.length > 0 ? bringsBack() : undefined;
  if (dice < 86) return cart.tap(UNKNOWN_BADGE);
  if (dice < 93 && full.length > 0) {
    // A tablet restarts by itself, or somebody has only looked at it.
    const { slot, serial } = of(full);
    await cart.pull(slot);
    await cart.pass(between(random, 5_000, 1_200_000));
    return cart.dock(slot, serial);
  }
  if (dice < 95) return cart.clock.turnWall(between(random, -300_000, 300_000));
  if (dice < 96) return cart.hostGone(between(random, 500, 30_000));
  if (dice < 96.5) return cart.powerCut(between(random, 20_000, 3_600_000));
  if (empty.length === 0) return;
  const { slot } = of(empty);
  if (dice < 98) await cart.dock(slot, 'X99T0000001');
  else {
    await cart.dock(slot, undefined);
    await cart.pass(12_000);
  }
  return cart.pull(slot);
}

const ENTRIES_PER_HAPPENING = 2.2;
const SHORTEST_GAP_MS = 11_000;

/** Whole days go by, each with its share of the entries; ends at `untilMs` of a good clock, or as much later as the last day took. */
async function liveThrough(cart: WholeCart, random: () => number, untilMs: number, eachDay: (day: number) => Promise<void>): Promise<void> {
  const [beganMs, before] = [cart.clock.trueMs(), cart.store().size()];
  for (let day = 1; day <= DAYS; day += 1) {
    const [endMs, share] = [beganMs + Math.floor(((untilMs - beganMs) * day) / DAYS), before + Math.floor((BACKLOG * day) / DAYS)];
    while (cart.store().size() < share) {
      const happeningsLeft = Math.ceil((share - cart.store().size()) / ENTRIES_PER_HAPPENING);
      const gapMs = Math.floor(((endMs - cart.clock.trueMs()) / happeningsLeft) * (0.5 + random()));
      await cart.pass(Math.max(SHORTEST_GAP_MS, gapMs));
      await oneHappening(cart, random);
    }
    // Jumps no longer than the station would notice: a quiet night has its heartbeats.
    while (cart.clock.trueMs() < endMs) await cart.pass(Math.min(endMs - cart.clock.trueMs(), 3_600_000));
    await eachDay(day);
  }
}

test(`a cart is cut off for ${DAYS} days and writes ${BACKLOG} entries: its certificate runs out, it renews it and everything arrives once, byte for byte`, async () => {
  const data = await mkdtemp(join(tmpdir(), 'station-'));
  onTestFinished(() => rm(data, { recursive: true, force: true }));
  const random = seededRandom(SEED);
  const nowMs = Date.now();
  central.clock.ms = nowMs - DAYS * DAY_MS;
  const cart = await startWholeCart(central, data, central.clock.ms);
  let stopped = false;
  const stop = async (): Promise<void> => {
    if (!stopped) await cart.stop();
    stopped = true;
  };
  onTestFinished(stop);

  // The last good day: bundle, proven tablets, everything cosigned.
  for (const [n, serial] of SERIALS.entries()) cart.host.put(n + 1, serial);
  await cart.powerCut(60_000);
  await expect.poll(() => SERIALS.every((serial) => cart.store().view.get('device', serial)?.request), { timeout: 10_000 }).toBe(true);
  for (const serial of SERIALS) await cart.prove(serial);
  await expect.poll(() => waiting(cart), { timeout: 10_000, interval: 50 }).toBe(0);
  await cart.settle();
  expect(cart.kiosk().now()).toMatchObject({ ladder: 'fresh', counts: { ready: 16 } });
  const cosigned = cart.store().acked().size;
  expect(cosigned).toBe(cart.store().size());

  cart.cable(false);
  await expect.poll(() => cart.kiosk().now().network.state, { timeout: 10_000 }).toBe('offline');
  const ladders: string[] = [];
  await liveThrough(cart, random, nowMs, async (day) => {
    // Longer than any hand has turned the wall clock: what was said before is gone from the screen.
    await cart.pass(600_000);
    ladders.push(cart.kiosk().now().ladder);
    if (day !== 8) return;
    // Older than seven days: nothing leaves, everything comes back.
    const before = cart.store().size();
    const gone = SERIALS.find((serial) => ![...cart.host.slots.values()].some((slot) => slot.serial === serial));
    const free = [...cart.host.slots.values()].find(({ present }) => !present);
    await cart.tap(BADGES[0] ?? '');
    expect(cart.kiosk().now().message).toMatchObject({ kind: 'refusal', reason: 'bundle-too-old' });
    if (!gone || !free) throw new Error(`seed ${SEED}: on the eighth day every tablet stands in the cart; another seed is needed`);
    await cart.dock(free.slot, gone);
    expect(cart.device(gone).custody).toMatchObject({ kind: 'cart', slot: free.slot });
    expect(cart.store().size()).toBeGreaterThan(before + 1);
  });
  const month = await cart.store().recorded(cosigned, cart.store().size());
  expect(month.length).toBeGreaterThanOrEqual(BACKLOG);
  const types = new Set(month.map(({ type }) => type));
  expect(LIVED.filter((type) => !types.has(type))).toEqual([]);
  const leftTooLate = month.filter(({ type, atMs }) => (type === 'offered' || type === 'released') && atMs > nowMs - (DAYS - 8) * DAY_MS);
  expect(leftTooLate).toEqual([]);
  expect(cart.store().acked().size).toBe(cosigned);
  expect(cart.kiosk().now().network).toMatchObject({ state: 'offline', unsynced: cart.store().size() - cosigned });
  expect(ladders.slice(7)).toEqual(Array.from({ length: DAYS - 7 }, () => 'break-glass-only'));
  expect(certificateUntil(await openIdentity(data))).toBeLessThan(Date.now() - 20 * DAY_MS);

  // The cable is plugged in again.
  central.clock.ms = cart.clock.trueMs();
  cart.cable(true);
  await expect.poll(() => waiting(cart), { timeout: TIMEOUT_MS, interval: 50 }).toBe(0);
  expect(cart.log.filter((line) => line === 'info: the station certificate had expired and was renewed').length).toBe(1);
  expect(certificateUntil(await openIdentity(data))).toBeGreaterThan(Date.now());
  await expect.poll(() => cart.kiosk().now().ladder, { timeout: 10_000 }).toBe('fresh');

  // She may take a tablet again, as soon as one is proven.
  await cart.pass(16 * 60_000);
  await cart.pass(70_000);
  await cart.prove(LEFT_ALONE);
  await cart.tap(RESTED);
  const { message } = cart.kiosk().now();
  expect(message).toMatchObject({ kind: 'take', slot: 16 });
  await cart.pull(16);
  expect(cart.device(LEFT_ALONE).custody).toMatchObject({ kind: 'person' });
  await expect.poll(() => waiting(cart), { timeout: 10_000, interval: 50 }).toBe(0);
  await cart.settle();
  await expectSame(cart);
  await stop();

  // Bytes, chain, root, both signatures, the rules of custody, and the tables against the fold of all entries.
  const station = await openStation(data);
  try {
    expect((await auditStore(station)).finding).toBeUndefined();
  } finally {
    await station.store.close();
  }
}, TIMEOUT_MS);

/** A month without these would be no month. */
const LIVED: readonly EntryType[] = [
  'station-started', 'clock-stepped', 'host-lost', 'host-restored', 'tap-refused', 'pin-accepted', 'offered', 'offer-lapsed', 'released', 'returned',
  'unidentified-removal', 'removal-unclaimed', 'absent', 'reappeared', 'exposed', 'sanitization-requested', 'foreign-docked', 'dock-unreadable',
];

/** The server holds this ledger and nothing else: the same bytes in the same order, the same tables, each request once, nothing set aside. */
async function expectSame(cart: WholeCart): Promise<void> {
  const query = async <T extends object>(sql: string): Promise<readonly T[]> => (await central.database.query<T>(sql, [cart.origin])).rows;
  const PAGE = 5_000;
  const size = cart.store().size();
  const requests: string[] = [];
  for (let from = 0; from < size; from += PAGE) {
    const mine = await cart.store().entries(from, PAGE);
    const theirs = await query<{ seq: number; bytes: Buffer }>(`select seq, bytes from entry where origin = $1 and seq >= ${from} order by seq limit ${PAGE}`);
    expect(theirs.map(({ seq }) => seq)).toEqual(mine.map(({ seq }) => seq));
    const other = mine.find(({ bytes }, n) => !theirs[n]?.bytes.equals(bytes));
    expect(other?.seq).toBeUndefined();
    for (const entry of await cart.store().recorded(from, PAGE)) if (entry.type === 'sanitization-requested') requests.push(entry.body.request);
  }
  expect(await query('select size, cosignature from origin where origin = $1')).toEqual([{ size, cosignature: cart.store().acked().cosignature }]);
  const rows = await query<{ tbl: string; key: string; row: unknown }>('select tbl, key, row from projection where origin = $1');
  for (const name of TABLE_NAMES) {
    const theirs = rows.filter(({ tbl }) => tbl === name).sort((a, b) => (a.key < b.key ? -1 : 1));
    expect(theirs.map(({ row }) => row)).toEqual([...cart.store().view.all(name)]);
  }
  const asked = await query<{ request: string }>('select request from sanitization_request where origin = $1 order by arrival');
  expect(asked.map(({ request }) => request)).toEqual(requests);
  expect(await query('select * from poison_entry where origin = $1')).toEqual([]);
  expect(await query('select * from incident where origin = $1')).toEqual([]);
}

/** Entries that the server has not cosigned. */
const waiting = (cart: WholeCart): number => cart.store().size() - cart.store().acked().size;
const certificateUntil = (identity: Awaited<ReturnType<typeof openIdentity>>): number => new X509Certificate(identity.enrolledOrThrow().certificatePem).validToDate.getTime();
