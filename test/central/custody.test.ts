import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { custodyAnswer, stationState, type CustodyAnswer } from '../../app/contract/custody.ts';
import { fleetView, type FleetDevice, type FleetView } from '../../app/contract/fleet.ts';
import { createIngest } from '../../app/central/ingest.ts';
import { replayPoison } from '../../app/central/poison-replay.ts';
import { witnessOnPostgres } from '../../app/central/witness-postgres.ts';
import { projectEntry } from '../../app/domain/projection.ts';
import { openDatabase } from '../../app/central/database.ts';
import { openEpoch } from '../../app/central/epochs.ts';
import { rawPublicKey } from '../../app/ledger/note.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { admitted, cartLedger, custodyCart, docked, taken, takingUploads, type CustodyCart } from './custody-cart.ts';
import { DIRECTORY_WITHOUT_PINS, startTestCentral, type TestCentral } from './demo-central.ts';

const SECOND = 1_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

let postgres: TestPostgres;
let central: TestCentral;
let cookie = '';
let a: CustodyCart;
let b: CustodyCart;
let serial: string;
let devices = 0;

beforeAll(async () => {
  postgres = await startTestPostgres();
  // Every test has a tablet of its own, so that one history is not another's.
  const tablets = Array.from({ length: 40 }, (_, n) => ({ serial: `CUSTODY${n}`, asset: `C-${n}`, ward: '7e', model: 'Tab', platform: 'android' as const, profile: 'ward-7-east', standing: 'admitted' as const }));
  central = await startTestCentral(await postgres.createDatabase(), { directory: { ...DIRECTORY_WITHOUT_PINS, devices: tablets } });
  await signIn();
});
afterAll(async () => {
  await central.close();
  await postgres.stop();
});
beforeEach(async () => {
  serial = `CUSTODY${(devices += 1)}`;
  [a, b] = [await custodyCart(central, 'Cart A'), await custodyCart(central, 'Cart B')];
  for (const cart of [a, b]) {
    cart.record(admitted(serial));
    await cart.contact();
  }
});

const pass = (ms: number): void => void (central.clock.ms += ms);
/** A session lasts 12 hours, and the clock of these tests runs fast. */
async function signIn(): Promise<void> {
  const { user = '', password = '' } = central.firstSecrets?.admin ?? {};
  const signedIn = await fetch(`${central.url}/api/sign-in`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ user, password }) });
  cookie = signedIn.headers.getSetCookie()[0]?.split(';')[0] ?? '';
}
const get = async (path: string): Promise<{ status: number; body: unknown }> => {
  const answer = await fetch(`${central.url}${path}`, { headers: { cookie } });
  if (answer.status === 401) {
    await signIn();
    return get(path);
  }
  return { status: answer.status, body: await answer.json() };
};
const post = async (path: string, body: unknown): Promise<number> => (await fetch(`${central.url}${path}`, { method: 'POST', headers: { cookie, 'content-type': 'application/json' }, body: JSON.stringify(body) })).status;
const fleet = async (): Promise<FleetView> => fleetView.parse((await get('/api/fleet')).body);
/** Of this test's tablet. */
const conflicts = async (): Promise<FleetView['conflicts']> => (await fleet()).conflicts.filter((each) => each.device === serial);
const device = async (): Promise<FleetDevice | undefined> => (await fleet()).devices.find((each) => each.serial === serial);
const iso = (ms: number): string => new Date(ms).toISOString();
const custody = async (fromMs: number, toMs: number): Promise<CustodyAnswer> => custodyAnswer.parse((await get(`/api/custody?device=${serial}&from=${iso(fromMs)}&to=${iso(toMs)}`)).body);

/** Taken from cart A by release `r1` at a moment that both sides know well. */
async function takenAtHome(): Promise<number> {
  pass(90 * SECOND);
  a.record(docked(serial, 4));
  pass(10 * SECOND);
  a.record(...taken(serial, 4, 'r1'));
  const atMs = central.clock.ms;
  await a.contact();
  return atMs;
}

describe('a tablet taken at home and put into another cart', () => {
  it('ends the release with that cart’s entry as evidence, and the home cart is told so', async () => {
    await takenAtHome();
    pass(HOUR);
    b.record(docked(serial, 2));
    const dockedMs = central.clock.ms;
    const seq = b.size() - 1;
    await b.contact();
    const [statement, ...more] = await a.told();
    expect(more).toEqual([]);
    expect(statement).toMatchObject({ tenant: 'demo', station: a.station, serial, release: 'r1', fact: { kind: 'returned-elsewhere', atStation: b.station, origin: b.origin, seq, leaf: b.leaf(seq), claimedMs: dockedMs } });
    const { notBeforeMs = 0, notAfterMs = 0 } = statement?.fact ?? {};
    expect(notBeforeMs).toBeLessThanOrEqual(dockedMs);
    expect(notAfterMs).toBeGreaterThanOrEqual(dockedMs);
    expect(notAfterMs - notBeforeMs).toBeLessThan(2 * SECOND);
    expect(await b.told()).toEqual([]);
    expect((await device())?.where).toEqual({ kind: 'cart', station: b.station, cart: 'Cart B', slot: 2 });
  });

  it('while that cart is cut off for a day: the docking counts when it arrives, not when it is late', async () => {
    await takenAtHome();
    pass(HOUR);
    b.record(docked(serial, 2));
    const dockedMs = central.clock.ms;
    pass(DAY);
    expect((await device())?.where).toMatchObject({ kind: 'person' });
    await b.contact();
    const [statement] = await a.told();
    expect(statement).toMatchObject({ release: 'r1' });
    // A day of drift, no more.
    expect((statement?.fact.notAfterMs ?? 0) - dockedMs).toBeLessThan(DAY * 200e-6 + SECOND);
    const { intervals } = await custody(dockedMs + HOUR, dockedMs + 2 * HOUR);
    expect(intervals.map(({ kind, place: { cart }, overlap }) => [kind, cart, overlap])).toEqual([['docked', 'Cart B', 'certain']]);
  });

  it.each([['three years behind', -3 * YEAR], ['three years ahead', 3 * YEAR]])('whose clock is %s: it is nobody’s newest word and nobody’s oldest', async (_, offset) => {
    await takenAtHome();
    pass(HOUR);
    b.wallOffsetMs = offset;
    b.record(docked(serial, 2));
    await b.contact();
    expect(await a.told()).toMatchObject([{ release: 'r1' }]);
    expect((await device())?.where).toMatchObject({ kind: 'cart', cart: 'Cart B' });
    // Taken home again, by a cart whose clock is right: the other's future does not hold it back.
    pass(HOUR);
    b.record(...taken(serial, 2, 'r2'));
    await b.contact();
    pass(HOUR);
    const [statement] = await a.told();
    if (!statement) throw new Error('nothing was told');
    const { kind: _kind, ...fact } = statement.fact;
    a.record({ type: 'returned-elsewhere', device: serial, body: { release: 'r1', ...fact, issuedAtMs: statement.issuedAtMs, digest: 'd'.repeat(64) } as never }, docked(serial, 9));
    await a.contact();
    expect((await device())?.where).toMatchObject({ kind: 'cart', cart: 'Cart A', slot: 9 });
    expect(await conflicts()).toEqual([]);
  });

  it('and home again before anybody heard: the release ends at the other cart, and nothing is told of what is over', async () => {
    await takenAtHome();
    pass(HOUR);
    b.record(docked(serial, 2), ...taken(serial, 2, 'r2'));
    const elsewhereMs = central.clock.ms;
    pass(HOUR);
    a.record(docked(serial, 4, 'r1'));
    await a.contact();
    await b.contact();
    expect(await a.told()).toEqual([]);
    expect(await b.told()).toMatchObject([{ release: 'r2', fact: { atStation: a.station } }]);
    const { intervals } = await custody(elsewhereMs - HOUR, elsewhereMs + 2 * HOUR);
    expect(intervals.find(({ release }) => release === 'r1')?.closed).toMatchObject({ how: 'elsewhere', certain: true, at: { cart: 'Cart B' }, evidence: { origin: b.origin } });
    expect((await device())?.where).toMatchObject({ kind: 'cart', cart: 'Cart A' });
  });

  it('whose docking is older than the release ends nothing', async () => {
    pass(90 * SECOND);
    b.record(docked(serial, 2), ...taken(serial, 2, 'r0'));
    pass(DAY);
    await takenAtHome();
    pass(HOUR);
    await b.contact();
    expect(await a.told()).toEqual([]);
    expect(await b.told()).toMatchObject([{ release: 'r0', fact: { atStation: a.station } }]);
    expect((await device())?.where).toMatchObject({ kind: 'person' });
  });

  it('that does not know the tablet counts as well', async () => {
    await takenAtHome();
    pass(HOUR);
    b.record({ type: 'foreign-docked', device: serial, slot: 7, body: { standing: 'unknown' } });
    await b.contact();
    expect(await a.told()).toMatchObject([{ release: 'r1', fact: { atStation: b.station } }]);
    expect((await device())?.where).toMatchObject({ kind: 'cart', cart: 'Cart B', slot: 7 });
  });

  it('at a time that nobody can place against the release: both are shown as possible and nobody is told, until the clocks can be compared', async () => {
    // Cart B restarts where there is no network, and again: what it recorded between is tied to no clock.
    await takenAtHome();
    const other = await custodyCart(central, 'Cart C');
    other.record(admitted(serial), docked(serial, 1), ...taken(serial, 1, 'r9'));
    pass(HOUR);
    other.reboot();
    await other.upload();
    expect((await device())?.where).toMatchObject({ kind: 'conflict', because: 'undecided' });
    expect(await a.told()).toEqual([]);
    expect(await conflicts()).toEqual([]);
    const { intervals } = await custody(central.clock.ms - 5 * HOUR, central.clock.ms);
    expect(intervals.find(({ release }) => release === 'r1')?.closed).toMatchObject({ how: 'elsewhere', certain: false });
    // It stands in the slot there now, after the release.
    other.record(docked(serial, 3, 'r9'));
    await other.contact();
    expect(await a.told()).toMatchObject([{ release: 'r1' }]);
    expect((await device())?.where).toMatchObject({ kind: 'cart', cart: 'Cart C', slot: 3 });
  });
});

describe('told once', () => {
  it('although the upload is repeated after its reply was lost, and to another process', async () => {
    await takenAtHome();
    pass(HOUR);
    b.record(docked(serial, 2));
    await b.contact();
    const other = await openDatabase(central.options.databaseUrl, () => undefined);
    try {
      for (const process of [takingUploads(central, other), takingUploads(central)]) {
        b.forgetAcknowledged();
        await b.upload(process);
      }
      expect(await a.told()).toHaveLength(1);
    } finally {
      await other.close();
    }
  });

  it('although two processes take the news of three carts at the same moment', async () => {
    const other = await openDatabase(central.options.databaseUrl, () => undefined);
    try {
      await takenAtHome();
      const carts = await Promise.all(['Cart D', 'Cart E', 'Cart F'].map((name) => custodyCart(central, name)));
      for (const cart of carts) {
        cart.record(admitted(serial));
        await cart.contact();
      }
      for (const [n, cart] of carts.entries()) {
        pass(HOUR);
        cart.record(docked(serial, 2), ...taken(serial, 2, `r-${n}`));
      }
      pass(HOUR);
      const processes = [takingUploads(central), takingUploads(central, other)];
      await Promise.all(carts.map((cart, n) => cart.contact(processes[n % 2])));
      expect(await a.told()).toHaveLength(1);
      expect(await Promise.all(carts.map(async (cart) => (await cart.told()).length))).toEqual([1, 1, 0]);
      expect((await device())?.where).toMatchObject({ kind: 'person' });
      expect(await conflicts()).toEqual([]);
    } finally {
      await other.close();
    }
  });
});

describe('two tablets with one serial', () => {
  async function bothDocked(): Promise<void> {
    pass(90 * SECOND);
    a.record(docked(serial, 4));
    await a.contact();
    pass(HOUR);
    b.record(docked(serial, 2));
    await b.contact();
  }

  it('are a conflict as soon as the first cart still has its own: both sides are shown, neither wins', async () => {
    await bothDocked();
    // So far it may have left cart A, which has not said so yet.
    expect(await conflicts()).toEqual([]);
    pass(HOUR);
    await a.contact();
    const found = await conflicts();
    expect(found.map((each) => [each.device, each.count, new Set(each.sides.map(({ place }) => `${place.cart} ${place.slot}`))])).toEqual([[serial, 1, new Set(['Cart A 4', 'Cart B 2'])]]);
    expect(await device()).toMatchObject({ conflict: true, state: 'unknown', where: { kind: 'conflict', because: 'overlap' } });
    for (const side of found[0]?.sides ?? []) expect(side.opened.evidence.leaf).toBe((side.opened.evidence.origin === a.origin ? a : b).leaf(side.opened.evidence.seq));
    expect(await a.told()).toEqual([]);
  });

  it('stay a conflict until an administrator says why it is over, and then stay in the history', async () => {
    await bothDocked();
    pass(HOUR);
    await a.contact();
    const [conflict] = await conflicts();
    // More of the same is counted, not told again.
    for (const change of [taken(serial, 4, 'r1'), [docked(serial, 5, 'r1')], []]) {
      pass(HOUR);
      a.record(...change);
      await b.contact();
      await a.contact();
    }
    await b.contact();
    expect((await conflicts()).map(({ id, count }) => [id, count])).toEqual([[conflict?.id, 2]]);
    expect(await post(`/api/conflicts/${conflict?.id}/close`, { reason: '' })).toBe(400);
    expect(await post('/api/conflicts/999999/close', { reason: 'no such thing' })).toBe(404);
    expect(await post(`/api/conflicts/${conflict?.id}/close`, { reason: 'The second tablet was a repair swap with a cloned serial.' })).toBe(200);
    expect(await post(`/api/conflicts/${conflict?.id}/close`, { reason: 'again' })).toBe(400);
    // Both still stand where they stood: that is what the administrator has judged.
    for (const cart of [a, b]) {
      pass(HOUR);
      await cart.contact();
    }
    expect(await conflicts()).toEqual([]);
    expect((await device())?.conflict).toBeUndefined();
    const { conflicts: kept } = await custody(central.clock.ms - DAY, central.clock.ms);
    expect(kept).toMatchObject([{ id: conflict?.id, closed: { by: 'admin', reason: 'The second tablet was a repair swap with a cloned serial.' } }]);
    // What is put in after that contradicts anew.
    for (const change of [taken(serial, 2, 'r3'), [docked(serial, 8, 'r3')], []]) {
      pass(HOUR);
      b.record(...change);
      await b.contact();
      await a.contact();
    }
    expect((await conflicts()).map(({ id, count }) => [id === conflict?.id, count])).toEqual([[false, 1]]);
  });

  it('whose carts’ clocks are an hour apart, and one tablet after all: no conflict', async () => {
    b.wallOffsetMs = HOUR;
    a.wallOffsetMs = -HOUR;
    pass(90 * SECOND);
    a.record(docked(serial, 4));
    pass(60 * SECOND);
    a.record(...taken(serial, 4, 'r1'));
    pass(20 * SECOND);
    b.record(docked(serial, 2));
    pass(60 * SECOND);
    b.record(...taken(serial, 2, 'r2'));
    pass(20 * SECOND);
    a.record(docked(serial, 4, 'r1'));
    pass(HOUR);
    await b.contact();
    await a.contact();
    pass(HOUR);
    await a.contact();
    await b.contact();
    expect(await conflicts()).toEqual([]);
    expect((await device())?.where).toMatchObject({ kind: 'cart', cart: 'Cart A' });
  });
});

describe('a cart whose ledger was begun anew', () => {
  it('ends the old ledger’s open release with the new one’s docking, and tells nobody', async () => {
    await takenAtHome();
    const ledger = generateKeyPairSync('ed25519');
    const opened = await openEpoch({ database: central.database, keys: central.keys, now: central.options.now }, a.station, { epoch: 2, ledgerKey: rawPublicKey(ledger.publicKey).toString('base64'), cause: 'unreadable' });
    if (!opened.ok) throw new Error(opened.reason.message);
    const renewed = cartLedger(central, a.station, { origin: opened.value.origin, epoch: 2, ledgerKey: ledger.privateKey });
    renewed.record({ type: 'epoch-began', body: { cause: 'unreadable' } }, admitted(serial));
    await renewed.contact();
    pass(HOUR);
    renewed.record(docked(serial, 4));
    await renewed.contact();
    expect(await a.told()).toEqual([]);
    expect((await device())?.where).toMatchObject({ kind: 'cart', cart: 'Cart A', slot: 4 });
    const { intervals } = await custody(central.clock.ms - 3 * HOUR, central.clock.ms);
    expect(intervals.find(({ release }) => release === 'r1')?.closed).toMatchObject({ how: 'elsewhere', certain: true, evidence: { origin: renewed.origin } });
    // From another cart it is told in the ledger that is written now, and only of a release of that one.
    pass(HOUR);
    renewed.record(...taken(serial, 4, 'r7'));
    await renewed.contact();
    pass(HOUR);
    b.record(docked(serial, 1));
    await b.contact();
    expect(await a.told()).toMatchObject([{ release: 'r7' }]);
  });
});

describe('asked afterwards', () => {
  it('who held or touched it between two times: name, place, evidence and bounds of each end, and what happened inside', async () => {
    const takenMs = await takenAtHome();
    pass(HOUR);
    b.record(docked(serial, 2));
    await b.contact();
    pass(HOUR);
    b.record({ type: 'sanitization-requested', device: serial, slot: 2, body: { request: 'q1', nonce: 'a'.repeat(32), exposure: b.leaf(1), attempt: 1 } });
    await b.contact();
    const { intervals, truncated, asset } = await custody(takenMs, takenMs + 3 * HOUR);
    expect([asset, truncated]).toEqual([`C-${devices}`, false]);
    expect(intervals.map(({ kind, holder, place, overlap }) => [kind, holder, place.cart, place.slot, overlap])).toEqual([
      ['docked', undefined, 'Cart A', 4, 'possible'],
      ['held', { kind: 'person', name: 'Somebody no longer in the directory' }, 'Cart A', 4, 'certain'],
      ['docked', undefined, 'Cart B', 2, 'certain'],
    ]);
    const [, held, there] = intervals;
    expect(held?.opened.evidence).toEqual({ origin: a.origin, seq: expect.any(Number) as number, leaf: a.leaf(held?.opened.evidence.seq ?? -1) });
    expect(Date.parse(held?.opened.time.notBefore ?? '')).toBeLessThanOrEqual(takenMs);
    expect(Date.parse(held?.opened.time.notAfter ?? '')).toBeGreaterThanOrEqual(takenMs);
    expect(held?.closed).toMatchObject({ how: 'elsewhere', evidence: { origin: b.origin } });
    expect(held?.touches.map(({ type }) => type)).toEqual(['removal-claimed']);
    expect(there?.touches.map(({ type, text }) => [type, text])).toEqual([['sanitization-requested', 'Wipe asked for']]);
    expect((await custody(takenMs - 10 * YEAR, takenMs - 9 * YEAR)).intervals).toEqual([]);
  });

  it('a span in which the cart was blind is told as unwatched, not as nothing', async () => {
    pass(90 * SECOND);
    a.record(docked(serial, 4));
    pass(HOUR);
    a.record({ type: 'host-lost', body: { cause: 'cable' } });
    await a.contact();
    const blindMs = central.clock.ms;
    pass(DAY);
    a.record({ type: 'host-restored', body: { gapMs: DAY } }, { type: 'exposed', device: serial, slot: 4, body: { cause: 'unobserved' } });
    await a.contact();
    const { intervals } = await custody(blindMs + HOUR, blindMs + 2 * HOUR);
    expect(intervals.map(({ kind, overlap, opened, closed }) => [kind, overlap, opened.how, closed?.how])).toEqual([['unwatched', 'possible', 'out-of-sight', 'seen-again']]);
  });

  it('with a span that ends before it begins, a time that is none, or nobody signed in: refused', async () => {
    expect((await get(`/api/custody?device=${serial}&from=${iso(2)}&to=${iso(1)}`)).status).toBe(400);
    expect((await get(`/api/custody?device=${serial}&from=yesterday&to=${iso(1)}`)).status).toBe(400);
    expect((await fetch(`${central.url}/api/custody?device=${serial}&from=${iso(1)}&to=${iso(2)}`)).status).toBe(401);
    expect((await fetch(`${central.url}/api/stations/${a.station}/state?at=${iso(1)}`)).status).toBe(401);
    expect((await get(`/api/stations/nowhere/state?at=${iso(1)}`)).status).toBe(404);
    expect((await fetch(`${central.url}/api/conflicts/1/close`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"reason":"because"}' })).status).toBe(401);
  });

  it('how the cart stood at an instant, by the server’s clock although its own is a year ahead', async () => {
    a.wallOffsetMs = YEAR;
    const takenMs = await takenAtHome();
    pass(HOUR);
    a.record(docked(serial, 5, 'r1'));
    await a.contact();
    const at = async (ms: number) => stationState.parse((await get(`/api/stations/${a.station}/state?at=${iso(ms)}`)).body).ledgers;
    expect(await at(takenMs + HOUR / 2)).toMatchObject([{ origin: a.origin, slots: [], out: [{ device: serial, release: 'r1', slot: 4, owed: false }], policyVersion: 2 }]);
    expect(await at(takenMs - 5 * SECOND)).toMatchObject([{ slots: [{ slot: 4, device: serial }], out: [] }]);
    expect(await at(takenMs + 2 * HOUR)).toMatchObject([{ slots: [{ slot: 5, device: serial }], out: [], last: { evidence: { seq: a.size() - 1 } } }]);
    expect(await at(takenMs - YEAR)).toEqual([]);
    // At the very moment the bounds do not decide it, and that is said.
    const [moment] = await at(takenMs);
    expect(moment?.uncertain?.count).toBeGreaterThan(0);
  });
});

describe('what the server could not read at first', () => {
  it('is folded into custody once a later program understands it, and the home cart is told when it next speaks', async () => {
    await takenAtHome();
    pass(HOUR);
    const stumbling = createIngest({
      store: witnessOnPostgres(central.database), keys: central.keys, now: central.options.now,
      project: (view, entry) => {
        if (entry.type === 'returned') throw new Error('a fault of this version');
        return projectEntry(view, entry);
      },
    });
    b.record(docked(serial, 2));
    await b.contact(stumbling);
    expect((await device())?.where).toMatchObject({ kind: 'person' });
    expect(await replayPoison({ database: central.database, now: central.options.now, project: projectEntry }, b.origin)).toMatchObject({ replayed: 1 });
    expect((await device())?.where).toMatchObject({ kind: 'cart', cart: 'Cart B' });
    expect(await a.told()).toEqual([]);
    await a.contact();
    expect(await a.told()).toMatchObject([{ release: 'r1' }]);
  });
});

describe('what was stored before custody was followed across carts', () => {
  it('is folded when its ledger next speaks', async () => {
    await takenAtHome();
    for (const table of ['custody_interval', 'custody_fold', 'ledger_boot', 'custody_watch']) await central.database.query(`delete from ${table} where origin = $1`, [a.origin]);
    await central.database.query('delete from placement where serial = $1', [serial]);
    pass(HOUR);
    b.record(docked(serial, 2));
    await b.contact();
    await a.contact();
    expect(await a.told()).toMatchObject([{ release: 'r1' }]);
    expect((await device())?.where).toMatchObject({ kind: 'cart', cart: 'Cart B' });
  });
});
