import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../app/central/database.ts';
import { openEpoch } from '../../app/central/epochs.ts';
import { createIngest } from '../../app/central/ingest.ts';
import { replayPoison } from '../../app/central/poison-replay.ts';
import { witnessOnPostgres } from '../../app/central/witness-postgres.ts';
import { projectEntry } from '../../app/domain/projection.ts';
import { rawPublicKey } from '../../app/ledger/note.ts';
import { admitted, cartLedger, custodyCart, docked, taken, takingUploads } from './custody-cart.ts';
import { a, b, central, conflicts, custody, DAY, device, HOUR, pass, SECOND, serial, takenAtHome, twoCarts, YEAR } from './two-carts.ts';

twoCarts();

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
