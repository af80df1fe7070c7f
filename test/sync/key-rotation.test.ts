import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { projectEntry } from '../../app/domain/projection.ts';
import { openLedger } from '../../app/entrypoints/station-start.ts';
import { auditBundle } from '../../app/ledger/audit.ts';
import { writeBundle } from '../../app/ledger/bundle.ts';
import type { Store } from '../../app/storage/store.ts';
import { openIdentity, type Identity } from '../../app/sync/identity.ts';
import { rotateLedgerKey } from '../../app/sync/ledger-key.ts';
import { openStation } from '../../scripts/verify/store.ts';
import { startTestCentral, type TestCentral } from '../central/demo-central.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { turnableClock } from '../support/turnable-clock.ts';
import { enrolFolder, noted, startContact, type Contact } from './contact.ts';
import { ask, contactedCart, exported, newFolder, policyNow, policySays, synced, within } from './keys-at-central.ts';

let postgres: TestPostgres;
let central: TestCentral;
let data: string;

beforeAll(async () => {
  postgres = await startTestPostgres();
  central = await startTestCentral(await postgres.createDatabase());
});
afterAll(async () => {
  await central.close();
  await postgres.stop();
});
beforeEach(async () => {
  data = await newFolder();
});

const incidents = async (): Promise<string[]> => (await central.database.query<{ kind: string }>('select kind from incident where station = $1 order by id', [(await openIdentity(data)).enrolledOrThrow().enrolment.station])).rows.map(({ kind }) => kind);
const silent = pino({ level: 'silent' });
const alone = async (): Promise<{ identity: Identity; store: Store; origin: string }> => {
  const identity = await openIdentity(data);
  const { store, origin } = await openLedger({ data, identity, clock: turnableClock(), project: projectEntry, log: silent, onFatal: (error) => expect.fail(error.message) });
  onTestFinished(() => store.close().catch(() => undefined));
  return { identity, store, origin };
};
const contact = async (): Promise<Contact> => {
  const started = await startContact(central, data);
  onTestFinished(() => started.stop().catch(() => undefined));
  return started;
};
const keysIn = async (): Promise<{ ledgerKey: unknown; nextLedgerKey?: unknown }> => JSON.parse(await readFile(join(data, 'identity.json'), 'utf8')) as { ledgerKey: unknown; nextLedgerKey?: unknown };

class PowerCut extends Error {}

describe('the power fails while a station replaces its ledger key', () => {
  /** Durable effects of a rotation, in order: the identity keeps the next key, the ledger says so, the identity drops the old one. */
  const cutAfter = (effects: number, identity: Identity, store: Store): [Identity, Store] => {
    let done = 0;
    const effect = async <T>(work: () => Promise<T>): Promise<T> => {
      if (done === effects) throw new PowerCut();
      const value = await work();
      done += 1;
      if (done === effects) throw new PowerCut();
      return value;
    };
    return [
      { ...identity, prepareLedgerKey: () => effect(identity.prepareLedgerKey), adoptLedgerKey: () => effect(identity.adoptLedgerKey) },
      { ...store, rotateKey: (next, options) => effect(() => store.rotateKey(next, options)) },
    ];
  };

  test.each([
    [0, 'before anything was kept', 1, false],
    [1, 'after the next key was kept', 1, true],
    [2, 'after the ledger said so', 2, false],
    [3, 'after the old key was dropped', 2, false],
  ])('after %i of its steps, %s: the next start goes on under the right key, and the server takes all of it', async (steps, _when, keys, pending) => {
    await enrolFolder(central, data);
    const before = await alone();
    await before.store.append([noted('before')]);
    await expect(rotateLedgerKey(...cutAfter(steps, before.identity, before.store))).rejects.toThrow(PowerCut);
    await before.store.close();
    // Half of a file that was being written when the power went.
    await writeFile(join(data, 'identity.json.new'), '{"seal": "devel');

    const after = await contact();
    expect(after.store.keyRanges()).toHaveLength(keys);
    expect('nextLedgerKey' in (await keysIn())).toBe(pending);
    await after.note('after');
    await synced(after.store);
    expect(await rotateLedgerKey(after.identity, after.store)).toEqual({ ok: true, value: undefined });
    await after.note('and after that');
    await synced(after.store);
    expect('nextLedgerKey' in (await keysIn())).toBe(false);
    const audit = await exported(central, after.origin);
    expect([audit.finding, audit.keys?.ranges.length, await incidents()]).toEqual([undefined, keys + 1, []]);
  });

  test('at every start again: the old key is dropped at the first one that lives long enough', async () => {
    await enrolFolder(central, data);
    const { identity, store, origin } = await alone();
    const next = await identity.prepareLedgerKey();
    expect((await identity.prepareLedgerKey()).equals(next)).toBe(true);
    await store.rotateKey(next);
    await store.close();
    const old = await keysIn();
    for (let starts = 0; starts < 3; starts += 1) {
      const again = await alone();
      expect([again.store.keyRanges().length, again.origin]).toEqual([2, origin]);
      await again.store.append([{ ...noted(`start ${starts}`), covered: true }]);
      await again.store.close();
      // As if its identity had not reached the disk.
      if (starts < 2) await writeFile(join(data, 'identity.json'), JSON.stringify(old));
    }
    expect((await keysIn()).ledgerKey).toEqual(old.nextLedgerKey);
    const { store: last } = await contact();
    await synced(last);
    expect((await exported(central, origin)).finding).toBeUndefined();
  });

  test('and the disk has no room for the identity at the next start: the ledger is written all the same, and its next rotation is sound', async () => {
    await enrolFolder(central, data);
    const before = await alone();
    await before.store.rotateKey(await before.identity.prepareLedgerKey());
    await before.store.close();
    const full = { ...(await openIdentity(data)), adoptLedgerKey: () => Promise.reject(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })) };
    const { store, origin } = await openLedger({ data, identity: full, clock: turnableClock(), project: projectEntry, log: silent, onFatal: (error) => expect.fail(error.message) });
    await store.append([noted('without room')]);
    expect((await rotateLedgerKey(await openIdentity(data), store)).ok).toBe(true);
    await store.close();
    const after = await contact();
    await synced(after.store);
    expect([(await exported(central, origin)).finding, after.store.keyRanges().length, await incidents()]).toEqual([undefined, 3, []]);
  });

  test('and the whole folder is put back from an image older than the rotation: the server notices, both histories are kept, a new epoch begins', async () => {
    await enrolFolder(central, data);
    const before = await contact();
    await before.note('in both');
    await synced(before.store);
    await before.stop();
    const image = await newFolder();
    await cp(data, image, { recursive: true });
    const rotatedHere = await contact();
    await rotateLedgerKey(rotatedHere.identity, rotatedHere.store);
    await synced(rotatedHere.store);
    await rotatedHere.stop();
    await rm(data, { recursive: true });
    await cp(image, data, { recursive: true });
    const restored = await contact();
    await restored.note('instead');
    const fork = await restored.forked;
    expect(fork.cause).toBe('two-histories');
    await restored.giveUp(fork);
    const next = await contact();
    expect(next.origin).toMatch(/\/e2$/);
    await synced(next.store);
    expect(await incidents()).toEqual(['two-histories', 'epoch-begun']);
    expect((await exported(central, before.origin)).keys?.ranges).toHaveLength(2);
  });

  test('and an identity from before the rotation is put back: the ledger is set aside, and the next one begins under a new key', async () => {
    await enrolFolder(central, data);
    const { identity, store } = await alone();
    await cp(join(data, 'identity.json'), join(data, 'identity.backup'));
    await rotateLedgerKey(identity, store);
    await store.close();
    await cp(join(data, 'identity.backup'), join(data, 'identity.json'));
    const after = await contact();
    expect(after.origin).toMatch(/\/e2$/);
    expect(await after.store.recorded(0, 1)).toMatchObject([{ type: 'epoch-began', body: { cause: 'key-lost' } }]);
    await synced(after.store);
    expect(await incidents()).toEqual(['epoch-begun']);
  });
});

describe('a station', () => {
  test('that is offline replaces its key twice, then comes back: one upload brings both, and each size has its key', async () => {
    await enrolFolder(central, data);
    const { identity, store } = await alone();
    for (const text of ['a', 'b']) {
      await store.append(Array.from({ length: 100 }, (_, n) => noted(`${text} ${n}`)));
      expect((await rotateLedgerKey(identity, store)).ok).toBe(true);
    }
    await store.append(Array.from({ length: 30 }, (_, n) => noted(`c ${n}`)));
    await store.close();
    const back = await contact();
    await synced(back.store);
    const audit = await exported(central, back.origin);
    expect([audit.finding, audit.keys?.ranges.map(({ from, to }) => [from, to])]).toEqual([undefined, [[0, 100], [100, 201], [201, 232]]]);
    expect(await incidents()).toEqual([]);
  });

  test('is ordered by an administrator to take a new key: it obeys, once, and its ledger is sound on both sides of it', async () => {
    const cart = await contactedCart(central, data);
    await expect.poll(async () => (await ask(central, '/api/stations/rotate-key', { station: cart.origin.split('/')[2] })).status, within).toBe(200);
    const ordered = cart.store().view.get('cart', 'cart')?.bundle?.version ?? 0;
    await expect.poll(() => cart.store().view.get('cart', 'cart')?.bundle?.version, within).toBeGreaterThan(ordered);
    await expect.poll(async () => (await cart.pass(500), cart.store().keyRanges().length), within).toBe(2);
    for (let ticks = 0; ticks < 10; ticks += 1) await cart.pass(500);
    expect(cart.store().keyRanges()).toHaveLength(2);
    await synced(cart.store());
    await expect.poll(async () => (await exported(central, cart.origin)).keys?.ranges.length, within).toBe(2);
    await cart.powerCut(60_000);
    await synced(cart.store());
    expect([(await exported(central, cart.origin)).finding, await incidents()]).toEqual([undefined, []]);
  });

  test('is stolen with entries that no server has seen: its disk exports them, and with the newest policy they are suspect', async () => {
    await enrolFolder(central, data);
    const here = await contact();
    await here.note('seen');
    await synced(here.store);
    const seen = here.store.size();
    await here.stop();
    const stolen = await alone();
    await stolen.store.append([noted('written by the thief')]);
    // He has the key: he can even replace it.
    await rotateLedgerKey(stolen.identity, stolen.store);
    await stolen.store.append([noted('and this')]);
    await stolen.store.close();
    const other = await newFolder();
    await enrolFolder(central, other);
    await ask(central, '/api/stations/deny', { station: here.origin.split('/')[2] });
    const witnessing = await startContact(central, other);
    await expect.poll(async () => (await policySays(central))?.revokedKeys, within).toMatchObject([{ origin: here.origin, afterSize: seen }]);
    await witnessing.stop();

    const station = await openStation(data);
    const chunks: Buffer[] = [];
    for await (const chunk of writeBundle(await station.bundle())) chunks.push(chunk);
    await station.store.close();
    expect((await auditBundle(chunks)).finding).toBeUndefined();
    expect((await auditBundle(chunks, await policyNow(central))).finding).toMatchObject({ kind: 'key-range', seq: seen, message: expect.stringMatching(new RegExp(`^entries from ${seen} on were signed by a revoked key and not witnessed before: suspect`)) as string });
    expect((await exported(central, here.origin)).finding).toBeUndefined();

    const thief = await contact();
    await expect.poll(() => thief.log.some((line) => line.includes('no usable answer')), within).toBe(true);
    expect(thief.store.acked().size).toBe(seen);
  });
});
