import { readdir, readFile, stat, writeFile, mkdtemp, rm, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { QueryResult, QueryResultRow } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBundleStore } from '../../app/central/bundle.ts';
import { badgeHmac, importDirectory, pinMatches } from '../../app/central/directory.ts';
import { NewerSchemaError, openDatabase } from '../../app/central/database.ts';
import { MIGRATIONS } from '../../app/central/migrations.ts';
import { policyBundle, type PolicyBundle } from '../../app/contract/policy-bundle.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { BADGE, DIRECTORY, DIRECTORY_WITHOUT_PINS, PIN, SERIAL, startTestCentral, type TestCentral } from './demo-central.ts';
import { enrolStation, payloadOf, type TestStation } from './demo-station.ts';

let postgres: TestPostgres;
let central: TestCentral;
let station: TestStation;

beforeAll(async () => {
  postgres = await startTestPostgres();
  central = await startTestCentral(await postgres.createDatabase(), { directory: DIRECTORY });
  station = await enrolStation(central);
});
afterAll(async () => {
  await central.close();
  await postgres.stop();
});

async function bundleAfter(version: number): Promise<{ jws: string; bundle: PolicyBundle } | undefined> {
  const { jws } = (({ bundle }) => ({ jws: bundle as string | undefined }))((await station.request('GET', `/v1/downlink?bundle=${version}`)).body);
  return jws === undefined ? undefined : { jws, bundle: policyBundle.parse(await payloadOf(station.enrolled, jws, 'dockward-bundle+jwt')) };
}
async function newest(): Promise<{ jws: string; bundle: PolicyBundle }> {
  const found = await bundleAfter(0);
  if (!found) throw new Error('there is no bundle');
  return found;
}

describe('the policy bundle', () => {
  it('is signed, names this tenant and station, and holds what the cart needs', async () => {
    const { bundle } = await newest();
    expect(bundle.tenant).toBe('demo');
    expect(bundle.stations).toContain(station.id);
    expect(bundle.devices.map(({ serial }) => serial)).toContain(SERIAL);
    expect(bundle.staff.map(({ name }) => name)).toEqual(['Maria K.', 'Ewa N.']);
    expect(bundle.keys.server).toEqual(station.enrolled.serverKeys);
  });

  it('lets a station that has the tenant secrets recognise a badge and check a PIN', async () => {
    const maria = (await newest()).bundle.staff[0];
    const [badgeKey] = station.secrets.badgeKeys;
    const [pepper] = station.secrets.peppers;
    if (!maria?.pin || !badgeKey || !pepper) throw new Error('something is missing');
    expect(maria.badges).toEqual([{ hmac: badgeHmac(badgeKey.key, BADGE), badgeKeyVersion: 1 }]);
    expect(await pinMatches(PIN, pepper.key, maria.pin)).toBe(true);
    expect(await pinMatches('538486', pepper.key, maria.pin)).toBe(false);
  });

  it('holds no clear badge, PIN, full name or staff id, and neither does the database', async () => {
    const payload = JSON.stringify((await newest()).bundle);
    for (const secret of [BADGE, BADGE.toLowerCase(), PIN, 'Kovac', 's1001']) expect(payload).not.toContain(secret);
    const stored = await central.database.query<{ all: string }>(`select concat((select string_agg(s::text, ';') from staff s), (select string_agg(b::text, ';') from badge b)) as all`);
    for (const secret of [BADGE, BADGE.toLowerCase(), `"${PIN}"`]) expect(stored.rows[0]?.all).not.toContain(secret);
  });

  it('stays the same while nothing changes and is issued anew after an hour', async () => {
    const { bundle } = await newest();
    expect(await bundleAfter(bundle.version)).toBeUndefined();
    await importDirectory(central.database, central.keys, DIRECTORY);
    expect(await bundleAfter(bundle.version)).toBeUndefined();
    central.clock.ms += 3_600_001;
    const renewed = await bundleAfter(bundle.version);
    expect(renewed?.bundle).toMatchObject({ version: bundle.version + 1, issuedAtMs: central.clock.ms });
  });

  it('gets a new version with the next change, and keeps a PIN that is already set', async () => {
    const { bundle } = await newest();
    const changed = { ...DIRECTORY, staff: DIRECTORY.staff.map((member) => ({ ...member, roles: ['biomed' as const] })) };
    await importDirectory(central.database, central.keys, changed);
    const next = await bundleAfter(bundle.version);
    expect(next?.bundle.version).toBe(bundle.version + 1);
    expect(next?.bundle.staff.map(({ roles }) => roles)).toEqual([['biomed'], ['biomed']]);
    expect(next?.bundle.staff.map(({ actor, pin }) => [actor, pin])).toEqual(bundle.staff.map(({ actor, pin }) => [actor, pin]));
  });

  it('is made once when many stations ask at the same moment', async () => {
    central.clock.ms += 3_600_001;
    const before = (await central.database.query('select 1 from bundle')).rowCount ?? 0;
    // All of them have seen that the bundle is old before the first makes a new one.
    const all = Promise.withResolvers<void>();
    let looked = 0;
    const query = async <R extends QueryResultRow>(text: string): Promise<QueryResult<R>> => {
      const found = await central.database.query<R>(text);
      if ((looked += 1) === 8) all.resolve();
      await all.promise;
      return found;
    };
    const store = createBundleStore({ ...central.database, query }, central.keys, central.options.now);
    const answers = await Promise.all(Array.from({ length: 8 }, () => store.current()));
    expect(new Set(answers.map((bundle) => bundle?.jws)).size).toBe(1);
    expect((await central.database.query('select 1 from bundle')).rowCount).toBe(before + 1);
  });

  it('reaches a waiting station as soon as it changes', async () => {
    const { bundle } = await newest();
    const waiting = station.request('GET', `/v1/downlink?bundle=${bundle.version}&waitMs=25000`);
    await importDirectory(central.database, central.keys, { ...DIRECTORY, wards: [...DIRECTORY.wards, { id: '8n', name: 'Ward 8 North' }] });
    expect((await waiting).body['bundle']).toEqual(expect.any(String));
  });

  it('leaves a waiting station empty-handed when the server stops', async () => {
    const url = await postgres.createDatabase();
    const other = await startTestCentral(url);
    const waiter = await enrolStation(other);
    const { body } = await waiter.request('GET', '/v1/downlink?bundle=0');
    expect(body['bundle']).toEqual(expect.any(String));
    const asked = (await other.database.query<{ at: string }>('select clock_timestamp()::text as at')).rows[0]?.at;
    const { version } = (await payloadOf(waiter.enrolled, String(body['bundle']), 'dockward-bundle+jwt')) as PolicyBundle;
    const waiting = waiter.request('GET', `/v1/downlink?bundle=${version}&waitMs=25000`);
    // The stop is worth something only once the server has looked for this request and found nothing.
    const looks = (): Promise<number | null> =>
      central.database.query(`select 1 from pg_stat_activity where datname = $2 and query like 'select cursor, jws%' and query_start > $1::timestamptz`, [asked, new URL(url).pathname.slice(1)]).then(({ rowCount }) => rowCount);
    await expect.poll(looks, { timeout: 10_000 }).toBeGreaterThan(0);
    const [answer] = await Promise.all([waiting, other.close()]);
    expect(answer.body).toEqual({ statements: [] });
  }, 15_000);
});

describe('the data folder', () => {
  it('keeps keys and first secrets to its owner', async () => {
    for (const name of await readdir(central.options.dataFolder)) expect([name, (await stat(path.join(central.options.dataFolder, name))).mode & 0o077]).toEqual([name, 0]);
  });

  it('gives the same administrator and keys at the next start, and another folder is refused', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'dockward-keys-'));
    const url = await postgres.createDatabase();
    const start = (): Promise<TestCentral> => startTestCentral(url, { dataFolder: folder, directory: DIRECTORY_WITHOUT_PINS });
    const first = await start();
    await first.close();
    const second = await start();
    expect([second.firstSecrets, second.keys.digest]).toEqual([first.firstSecrets, first.keys.digest]);
    await second.close();

    await expect(startTestCentral(url, { directory: undefined })).rejects.toThrow(/was made with other keys/);
    const file = path.join(folder, 'keys.json');
    const whole = await readFile(file, 'utf8');
    await writeFile(file, whole.slice(0, 200));
    await expect(start()).rejects.toThrow(/is damaged/);
    expect(await readFile(file, 'utf8')).toBe(whole.slice(0, 200));
    await unlink(file);
    await expect(start()).rejects.toThrow(/restore the file/i);
    await rm(folder, { recursive: true, force: true });
  });

  it('serves two processes on one database', async () => {
    const second = await startTestCentral(central.options.databaseUrl, { dataFolder: central.options.dataFolder, directory: undefined });
    expect(second.firstSecrets).toEqual(central.firstSecrets);
    const made = await second.makeCode({ ward: '7e', cart: 'Cart Z' });
    expect(made.ok).toBe(true);
    await second.close();
  });
});

describe('the database', () => {
  it('with the schema of a newer program is refused and left alone', async () => {
    const url = await postgres.createDatabase();
    const first = await openDatabase(url, () => undefined);
    await first.query('insert into schema_version (version) values (999)');
    await first.close();
    await expect(openDatabase(url, () => undefined)).rejects.toThrow(NewerSchemaError);
  });

  it('is migrated once by three processes that start together', async () => {
    const url = await postgres.createDatabase();
    const opened = await Promise.all([1, 2, 3].map(() => openDatabase(url, () => undefined)));
    expect((await opened[0]?.query('select version from schema_version'))?.rows).toEqual(MIGRATIONS.map((_, index) => ({ version: index + 1 })));
    await Promise.all(opened.map((database) => database.close()));
  });
});
