import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import type { PolicyBundle } from '../../app/contract/policy-bundle.ts';
import { projectEntry } from '../../app/domain/projection.ts';
import { knownBundle, openLedger, StartRefused, type OpenedLedger } from '../../app/entrypoints/station-start.ts';
import { createPinChecks } from '../../app/station/pin.ts';
import { createStation, type Station } from '../../app/station/station.ts';
import { cartHost } from '../support/cart-host.ts';
import { enrolledFolder, type EnrolledFolder } from '../support/enrolled-folder.ts';
import { turnableClock } from '../support/turnable-clock.ts';
import { HERE, policy, SECRETS, tablet } from '../support/ward-policy.ts';

const silent = pino({ level: 'silent' });

async function ledgerIn(folder: EnrolledFolder): Promise<OpenedLedger> {
  return openLedger({ data: folder.data, identity: await folder.identity(), clock: turnableClock(), project: projectEntry, log: silent, onFatal: (error) => expect.fail(error.message) });
}

async function stationOn({ store }: OpenedLedger, bundle: PolicyBundle | undefined): Promise<Station> {
  const station = await createStation(
    {
      place: { ...HERE, ward: '7e', cart: 'Cart 7', shelves: [[1, 2, 3, 4]], timeZone: 'UTC', language: 'en' },
      store,
      clock: turnableClock(),
      program: 'test',
      randomId: () => 'ab'.repeat(16),
      badgeHmacs: () => [],
      pins: createPinChecks(() => SECRETS, () => 'ab'.repeat(16)),
      rekeyed: () => undefined,
      keepBundle: () => Promise.resolve(),
      log: () => undefined,
      onFailure: (error) => expect.fail(String(error)),
    },
    bundle,
  );
  onTestFinished(async () => {
    await station.stop();
    await store.close();
  });
  return station;
}

test.each([
  ['it is no database at all', () => Buffer.from('this was a ledger once, before the disk gave way')],
  ['its middle was overwritten', (whole: Buffer) => Buffer.concat([whole.subarray(0, 100), Buffer.alloc(whole.length - 100, 0xa5)])],
])('the ledger cannot be read, %s: set aside byte for byte, a new epoch with a new key, and returns are recorded from the first minute', async (_, damage) => {
  const folder = await enrolledFolder();
  const bundle = policy({ version: 3, issuedAtMs: Date.UTC(2027, 0, 1), devices: [tablet('T1'), tablet('T2')] });
  await writeFile(join(folder.data, 'bundle.jws'), await folder.server.sign('dockward-bundle+jwt', bundle));
  const first = await ledgerIn(folder);
  await first.store.append([{ type: 'host-lost', body: { cause: 'something to lose' } }]);
  await first.store.close();
  const path = join(folder.data, 'ledger.db');
  const damaged = damage(await readFile(path));
  await writeFile(path, damaged);
  const firstKey = (await folder.identity()).ledgerPublicKey();

  const again = await ledgerIn(folder);
  expect(again).toMatchObject({ origin: 'mercy/station/cart-7/e2', epoch: { number: 2, registered: false } });
  expect((await folder.identity()).ledgerPublicKey()).not.toBe(firstKey);
  const aside = (await readdir(folder.data)).filter((name) => /^ledger\.db\.unreadable-[^-]+$/.test(name));
  expect(aside).toHaveLength(1);
  expect((await readFile(join(folder.data, aside[0] ?? ''))).equals(damaged)).toBe(true);

  const station = await stationOn(again, await knownBundle(folder.data, folder.enrolment));
  const host = cartHost(4);
  host.put(1, 'T1');
  host.start(station.attachHost);
  await settled(station);
  host.put(2, 'T2');
  await settled(station);
  const entries = await again.store.recorded(0, again.store.size());
  expect(entries.filter(({ type }) => type === 'returned')).toMatchObject([{ device: 'T1', slot: 1 }, { device: 'T2', slot: 2 }]);
  expect(entries.filter(({ type }) => type === 'sanitization-requested').map(({ device }) => device)).toEqual(['T1', 'T2']);
  expect(station.snapshot().counts).toMatchObject({ ready: 0, out: 0 });
});

test('the bundle in the folder ran out long ago: it still says whose badge it is, and the ladder allows nothing', async () => {
  const folder = await enrolledFolder();
  const old = policy({ version: 3, issuedAtMs: Date.UTC(2020, 0, 1), devices: [] });
  await writeFile(join(folder.data, 'bundle.jws'), await folder.server.sign('dockward-bundle+jwt', old));
  const bundle = await knownBundle(folder.data, folder.enrolment);
  expect(bundle?.version).toBe(3);
  const station = await stationOn(await ledgerIn(folder), bundle);
  expect(station.snapshot()).toMatchObject({ ladder: 'break-glass-only' });
});

test('somebody put another bundle into the folder: it is not used', async () => {
  const folder = await enrolledFolder();
  const other = await enrolledFolder();
  const bundle = policy({ version: 9, issuedAtMs: Date.UTC(2027, 0, 1), devices: [] });
  await writeFile(join(folder.data, 'bundle.jws'), await other.server.sign('dockward-bundle+jwt', bundle));
  expect(await knownBundle(folder.data, folder.enrolment)).toBeUndefined();
});

test('the folder holds another station’s ledger: refused, and no epoch is used up', async () => {
  const [folder, other] = [await enrolledFolder(), await enrolledFolder('cart-8')];
  const identity = await other.identity();
  const foreign = await openLedger({ data: folder.data, identity, clock: turnableClock(), project: projectEntry, log: silent, onFatal: () => undefined });
  await foreign.store.append([{ type: 'host-lost', body: { cause: 'x' } }]);
  await foreign.store.close();
  await expect(ledgerIn(folder)).rejects.toThrow(StartRefused);
  await expect(ledgerIn(folder)).rejects.toThrow(/belongs to another station\. Nothing was changed\./);
  expect((await folder.identity()).epoch().number).toBe(1);
});

test('the identity was put back from an older image than the ledger: the ledger is kept untouched, and a new epoch begins', async () => {
  const folder = await enrolledFolder();
  const later = await (await enrolledFolder()).identity();
  await later.beginEpoch();
  const opened = await openLedger({ data: folder.data, identity: later, clock: turnableClock(), project: projectEntry, log: silent, onFatal: () => undefined });
  await opened.store.append([{ type: 'host-lost', body: { cause: 'x' } }]);
  await opened.store.close();
  const bytes = await readFile(join(folder.data, 'ledger.db'));
  const begun = await ledgerIn(folder);
  onTestFinished(() => begun.store.close());
  expect(begun.epoch).toMatchObject({ number: 2, registered: false, cause: 'behind-witness' });
  expect((await begun.store.recorded(0, 1))[0]).toMatchObject({ type: 'epoch-began', body: { cause: 'behind-witness' } });
  const kept = (await readdir(folder.data)).find((name) => name.includes('forked'));
  expect((await readFile(join(folder.data, kept ?? 'none'))).equals(bytes)).toBe(true);
});

async function settled(station: Station): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  await station.settled();
}
