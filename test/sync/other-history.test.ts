import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { EXIT_NEW_EPOCH } from '../../app/entrypoints/station-start.ts';
import { openIdentity } from '../../app/sync/identity.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { admissionOf } from '../central/demo-station.ts';
import { SERIAL, startTestCentral, type TestCentral } from '../central/demo-central.ts';
import { enrolFolder, ledgerPath, noted, openAlone, startContact, type Contact } from './contact.ts';

let postgres: TestPostgres;
let central: TestCentral;
let data: string;
let image: string;
let station: string;

beforeAll(async () => {
  postgres = await startTestPostgres();
  central = await startTestCentral(await postgres.createDatabase());
});
afterAll(async () => {
  await central.close();
  await postgres.stop();
});
beforeEach(async () => {
  [data, image] = [await mkdtemp(join(tmpdir(), 'station-')), await mkdtemp(join(tmpdir(), 'image-'))];
  onTestFinished(async () => {
    await Promise.all([data, image].map((folder) => rm(folder, { recursive: true, force: true })));
  });
  station = (await enrolFolder(central, data)).enrolledOrThrow().enrolment.station;
});

const copy = async (from: string, to: string): Promise<void> => {
  await rm(to, { recursive: true, force: true });
  await cp(from, to, { recursive: true });
};
const start = async (folder = data): Promise<Contact> => {
  const contact = await startContact(central, folder);
  onTestFinished(() => contact.stop().catch(() => undefined));
  return contact;
};
const synced = ({ store }: Contact): Promise<void> => expect.poll(() => store.acked().size, { timeout: 10_000 }).toBe(store.size());
const heldBy = async (origin: string): Promise<string[]> => (await central.database.query<{ bytes: Buffer }>('select bytes from entry where origin = $1 order by seq', [origin])).rows.map(({ bytes }) => bytes.toString());
const incidents = async (): Promise<string[]> => (await central.database.query<{ kind: string }>('select kind from incident where station = $1 order by id', [station])).rows.map(({ kind }) => kind);
const aside = async (folder = data): Promise<string[]> => (await readdir(folder)).filter((name) => /^ledger\.db\.forked-[^-]+$/.test(name)).sort();
const origin = (epoch: number): string => `demo/station/${station}/e${epoch}`;

/** A life of the station: it writes these notes and the server gets them all. */
async function live(...notes: string[]): Promise<void> {
  const contact = await start();
  for (const text of notes) await contact.note(text);
  await synced(contact);
  await contact.stop();
}

/** A database as it was before it heard of this ledger. */
async function forget(ledger: string): Promise<void> {
  const tables = await central.database.query<{ name: string }>(`select table_name as name from information_schema.columns where column_name = 'origin' and table_schema = current_schema()`);
  await central.database.transaction(async (client) => {
    await client.query(`set local session_replication_role = 'replica'`);
    for (const { name } of tables.rows) await client.query(`delete from ${name} where origin = $1`, [ledger]);
  });
}

/** Gives the ledger up for a made-up reason, and starts the next life. */
async function beginAnewAfter(contact: Contact): Promise<Contact> {
  await contact.giveUp({ cause: 'two-histories', message: 'as if' });
  return start();
}

/** What station-node does when it is told of a fork, up to the ledger of its next life. */
async function beginAnew(contact: Contact, folder = data): Promise<Contact> {
  await contact.giveUp(await contact.forked);
  return start(folder);
}

test('a disk image of last week is put back: noticed on contact, both branches kept, and a new ledger begins with a new key', async () => {
  const first = await start();
  await first.store.append(admissionOf(SERIAL, 1));
  await synced(first);
  await first.stop();
  await copy(data, image);
  await live('of this week', 'and this');
  await copy(image, data);
  const branch = await heldBy(origin(1));

  const restored = await start();
  const oldKey = restored.identity.ledgerPublicKey();
  await restored.note('after the restore');
  expect(await restored.forked).toMatchObject({ cause: 'two-histories' });
  const mine = (await restored.store.entries(0, 100)).map(({ bytes }) => bytes.toString());
  const again = await beginAnew(restored);
  await again.note('in the new ledger');
  await synced(again);

  expect(again.origin).toBe(origin(2));
  expect(again.identity.ledgerPublicKey()).not.toBe(oldKey);
  expect((await again.store.recorded(0, 1))[0]).toMatchObject({ type: 'epoch-began', body: { cause: 'two-histories' } });
  // Nothing of the old ledger is believed: no tablet is known, so every one that is docked is sanitized anew.
  expect([...again.store.view.all('device')]).toEqual([]);
  expect(await heldBy(origin(1))).toEqual(branch);
  expect(await heldBy(origin(2))).toHaveLength(2);
  expect(await incidents()).toEqual(['two-histories', 'epoch-begun']);
  const [kept = ''] = await aside();
  expect((await readFile(join(data, kept))).length).toBeGreaterThan(0);
  expect(mine.at(-1)).toContain('after the restore');
  expect((await readFile(join(data, kept), 'latin1')) + (await readFile(join(data, `${kept}-wal`), 'latin1').catch(() => ''))).toContain('after the restore');
});

test('an image is put back whose last entries the server had not acknowledged yet: it is behind, and says so', async () => {
  await live('one');
  const alone = await openAlone(data);
  await alone.append([noted('written while the network was down')]);
  await alone.close();
  await copy(data, image);
  await live('later');
  await copy(image, data);
  const restored = await start();
  expect(await restored.forked).toMatchObject({ cause: 'behind-witness' });
  const again = await beginAnew(restored);
  await synced(again);
  expect(await heldBy(origin(1))).toHaveLength(3);
  expect((await central.database.query<{ detail: unknown }>(`select detail from incident where station = $1`, [station])).rows).toMatchObject([{ detail: { cause: 'behind-witness', heldBefore: 3 } }]);
});

test('two programs run under one identity: the second gets a ledger of its own, nothing of either is lost, and it is recorded', async () => {
  await live('before the copy');
  await copy(data, image);
  const [original, clone] = [await start(data), await start(image)];
  await original.note('of the original');
  await synced(original);
  await clone.note('of the clone');
  const apart = await beginAnew(clone, image);
  await apart.note('of the clone, later');
  await synced(apart);
  await original.note('of the original, later');
  await synced(original);
  expect([original.origin, apart.origin]).toEqual([origin(1), origin(2)]);
  expect((await heldBy(origin(1))).map((text) => /"cause":"([^"]*)"/.exec(text)?.[1])).toEqual(['before the copy', 'of the original', 'of the original, later']);
  expect((await heldBy(origin(2))).map((text) => /"cause":"([^"]*)"/.exec(text)?.[1])).toEqual(['two-histories', 'of the clone, later']);
  expect(await incidents()).toEqual(['two-histories', 'epoch-begun', 'ledger-continued']);
});

test('the same old image is put back twice: its memory of epochs is old too, and the server allocates the next free one', async () => {
  await live('one');
  await copy(data, image);
  await live('two');
  for (const epoch of [2, 3]) {
    await copy(image, data);
    const restored = await start();
    await restored.note(`restored for epoch ${epoch}`);
    const again = await beginAnew(restored);
    await synced(again);
    expect(again.origin).toBe(origin(epoch));
    await again.stop();
  }
});

test('the ledger was unreadable while the server was away, and a clone has used the epoch up: the server’s number counts', async () => {
  await live('one');
  await copy(data, image);
  const first = await start();
  await first.giveUp({ cause: 'two-histories', message: 'as if' });
  await live('in epoch 2');
  // The clone begins its epoch without asking anybody, as a station does whose ledger cannot be read.
  await (await openIdentity(image)).beginEpoch('unreadable');
  const clone = await start(image);
  await clone.note('a return');
  expect(await clone.forked).toMatchObject({ cause: 'epoch-taken', allocated: 3 });
  const again = await beginAnew(clone, image);
  await again.note('a return, again');
  await synced(again);
  expect(again.origin).toBe(origin(3));
  // Its first ledger and the one of the wrong epoch.
  expect(await aside(image)).toHaveLength(2);
});

test('killed after the new key was made and before the old ledger was set aside: the next start goes on from there', async () => {
  await live('one');
  await (await openIdentity(data)).beginEpoch('two-histories');
  const again = await start();
  await synced(again);
  expect(again.origin).toBe(origin(2));
  expect(await aside()).toHaveLength(1);
  expect(await again.store.recorded(0, 5)).toMatchObject([{ type: 'epoch-began', body: { cause: 'two-histories' } }]);
});

test('the ledger of an earlier epoch is put back beside the identity of a later one: set aside, and a new epoch begins', async () => {
  await live('one');
  await copy(data, image);
  const first = await start();
  const later = await beginAnewAfter(first);
  await synced(later);
  await later.stop();
  await cp(ledgerPath(image), ledgerPath(data));
  await Promise.all(['-wal', '-shm'].map((suffix) => rm(ledgerPath(data) + suffix, { force: true })));
  const again = await start();
  await synced(again);
  expect(again.origin).toBe(origin(3));
  expect(await again.store.recorded(0, 1)).toMatchObject([{ type: 'epoch-began', body: { cause: 'behind-witness' } }]);
  // The ledger of epoch 1 twice: as it was given up, and as it was put back.
  expect(await aside()).toHaveLength(2);
});

test('the server is restored from a backup that knows nothing of the epoch: it is told again, and gets every entry', async () => {
  await live('one');
  const first = await start();
  const again = await beginAnewAfter(first);
  await again.note('in epoch 2');
  await synced(again);
  const mine = await heldBy(origin(2));
  await forget(origin(2));
  await again.note('after the restore');
  await expect.poll(() => heldBy(origin(2)).then(({ length }) => length), { timeout: 20_000 }).toBe(again.store.size());
  expect((await heldBy(origin(2))).slice(0, mine.length)).toEqual(mine);
  expect(again.log.filter((line) => line.startsWith('error'))).toEqual([]);
});

test('the ledger file was cut short: unreadable, set aside, and the server hears of the new epoch', async () => {
  await live('one');
  await truncate(ledgerPath(data), 8192);
  const again = await start();
  await synced(again);
  expect(again.origin).toBe(origin(2));
  expect(await heldBy(origin(2))).toHaveLength(1);
  expect(await incidents()).toEqual(['epoch-begun']);
});

const program = fileURLToPath(new URL('../../app/entrypoints/station-node.ts', import.meta.url));
const sizes = async (): Promise<Record<string, number>> =>
  Object.fromEntries((await central.database.query<{ epoch: number; size: number }>('select epoch, size from origin where station = (select max(id) from station where cart = $1) order by epoch', ['Cart P'])).rows.map(({ epoch, size }) => [`e${epoch}`, size]));

test('the station program on a disk image that was put back: it ends with its own exit code, and its next life writes a new ledger', async () => {
  await rm(data, { recursive: true });
  await mkdir(data);
  let child: ChildProcess | undefined;
  onTestFinished(() => void child?.kill('SIGKILL'));
  await writeFile(join(data, 'station.json'), JSON.stringify({ readers: 'none', slots: 'none', shelves: [[1, 2, 3, 4]] }));
  const code = await central.makeCode({ ward: '7e', cart: 'Cart P' });
  if (!code.ok) throw new Error(code.reason.message);
  const run = async (...more: string[]): Promise<ChildProcess> => {
    const running = fork(program, ['--data', data, '--central', central.stationUrl, '--kiosk-port', '0', ...more], { stdio: ['ignore', 'pipe', 'ignore', 'ipc'], env: { ...process.env, LOG_LEVEL: 'silent' } });
    child = running;
    if (!running.stdout) throw new Error('a piped standard output is missing');
    await once(createInterface({ input: running.stdout }), 'line');
    return running;
  };
  const end = async (running: ChildProcess): Promise<void> => {
    running.kill('SIGTERM');
    await once(running, 'exit');
  };
  const first = await run('--code', code.value.code);
  await expect.poll(async () => (await sizes())['e1'], { timeout: 15_000 }).toBeGreaterThan(0);
  await end(first);
  await cp(data, image, { recursive: true });
  const second = await run();
  const before = (await sizes())['e1'] ?? 0;
  await expect.poll(async () => (await sizes())['e1'], { timeout: 15_000 }).toBeGreaterThan(before);
  await end(second);

  await rm(data, { recursive: true });
  await cp(image, data, { recursive: true });
  const restored = await run();
  const [exitCode] = restored.exitCode === null ? ((await once(restored, 'exit')) as [number]) : [restored.exitCode];
  expect(exitCode).toBe(EXIT_NEW_EPOCH);
  expect(JSON.parse(await readFile(join(data, 'identity.json'), 'utf8'))).toMatchObject({ epoch: { number: 2, registered: true, cause: 'two-histories' } });
  const last = await run();
  await expect.poll(async () => (await sizes())['e2'], { timeout: 15_000 }).toBeGreaterThan(1);
  await end(last);
}, 60_000);
