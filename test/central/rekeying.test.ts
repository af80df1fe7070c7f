import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { badgeHmac, importDirectory, type Directory } from '../../app/central/directory.ts';
import { denyStation } from '../../app/central/enrolment.ts';
import { retireSecrets, rotateSecrets, type RekeyingDeps } from '../../app/central/rekeying.ts';
import { liveSecrets, secretsFor } from '../../app/central/tenant-secrets.ts';
import { policyBundle, type PinVerifier, type PolicyBundle } from '../../app/contract/policy-bundle.ts';
import { secretsView, type BadgeMove, type PinMove, type SecretKind } from '../../app/contract/secrets.ts';
import type { TenantSecrets } from '../../app/contract/station-http.ts';
import { rawPublicKey } from '../../app/ledger/note.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { BADGE, DIRECTORY_WITHOUT_PINS, signInAsAdmin, startTestCentral, type TestCentral } from './demo-central.ts';
import { enrolStation, payloadOf, type TestStation } from './demo-station.ts';

const NEW_BADGE = '0488776655AABB';
const EWA_BADGE = '04947CCF25EC84';
const SECOND_BADGE = '0455667788AABB';
const NILS_BADGE = '0411223344AABB';
const WITH_NILS: Directory = { ...DIRECTORY_WITHOUT_PINS, staff: [{ id: 's2000', name: 'Nils Berg', short: 'Nils B.', roles: ['clinician'], wards: ['7e'], badgeUid: NILS_BADGE }] };

let postgres: TestPostgres;
let folder: string;
let central: TestCentral;
const running: TestCentral[] = [];

/** A process of the server on the database and the data folder of this test. */
async function start(url = central.options.databaseUrl): Promise<TestCentral> {
  const started = await startTestCentral(url, { dataFolder: folder });
  running.push(started);
  return started;
}
const stop = async (): Promise<void> => {
  for (const each of running.splice(0)) await each.close();
};

beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.stop());
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dockward-rekeying-'));
  central = await start(await postgres.createDatabase());
  onTestFinished(async () => {
    await stop();
    await rm(folder, { recursive: true, force: true });
  });
});

const deps = (of = central): RekeyingDeps => ({ database: of.database, keys: of.keys, now: of.options.now });
const rotate = (kind: SecretKind, of = central) => rotateSecrets(deps(of), kind);
const retire = (kind: SecretKind, confirm?: number) => retireSecrets(deps(), kind, confirm);
const live = (of = central): Promise<TenantSecrets> => liveSecrets(of.database, of.keys);
const keysJson = async (): Promise<TenantSecrets & { secretsVersion: number }> => JSON.parse(await readFile(path.join(folder, 'keys.json'), 'utf8')) as TenantSecrets & { secretsVersion: number };
const versions = (secrets: { version: number }[]): number[] => secrets.map(({ version }) => version);

async function bundle(station: TestStation): Promise<PolicyBundle> {
  const { body } = await station.request('GET', '/v1/downlink?bundle=0');
  return policyBundle.parse(await payloadOf(station.enrolled, String(body['bundle']), 'dockward-bundle+jwt'));
}

/** As the fleet page asks, signed in as the administrator. */
async function people(method: 'GET' | 'POST', route: string, body?: unknown): Promise<{ status: number; body: Record<string, unknown> }> {
  const cookie = await signInAsAdmin(central);
  const answer = await fetch(`${central.url}${route}`, { method, headers: { 'content-type': 'application/json', cookie }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

const key = (secrets: { version: number; key: string }[], version: number): string => {
  const found = secrets.find((each) => each.version === version);
  if (!found) throw new Error(`there is no version ${version}`);
  return found.key;
};
/** What a station would report of a badge, from version 1 to 2. */
async function moveOf(uid: string, asIf = uid): Promise<BadgeMove> {
  const { badgeKeys } = await live();
  return { old: { hmac: badgeHmac(key(badgeKeys, 1), uid), version: 1 }, new: { hmac: badgeHmac(key(badgeKeys, 2), asIf), version: 2 } };
}
const rekeyed = async (station: TestStation, badges: BadgeMove[], pins: PinMove[] = []): Promise<unknown> => (await station.request('POST', '/v1/rekeyed', { badges, pins })).body;
const badgesOf = async (name: string): Promise<{ version: number; moved: boolean }[]> =>
  (await central.database.query<{ version: number; moved: boolean }>('select key_version as version, moved_from is not null as moved from badge join staff on staff.id = badge.staff where short = $1 order by 1', [name])).rows;
const verifier = (pepperVersion: number, fill: string): PinVerifier => ({ salt: fill.repeat(16), hash: fill.repeat(32), pepperVersion });
const givePin = (name: string, pin: PinVerifier) => central.database.query('update staff set pin = $2::jsonb where short = $1', [name, JSON.stringify(pin)]);
const pinOf = async (name: string): Promise<PinVerifier | null | undefined> => (await central.database.query<{ pin: PinVerifier | null }>('select pin from staff where short = $1', [name])).rows[0]?.pin;
const actorOf = async (name: string): Promise<string> => (await central.database.query<{ actor: string }>('select actor from staff where short = $1', [name])).rows[0]?.actor ?? '';

test('a station is stolen: rotation is advised, the new key never reaches it, and its old key finds no badge that was enrolled since', async () => {
  const [stolen, other] = [await enrolStation(central, 'Cart A'), await enrolStation(central, 'Cart B')];
  expect((await people('POST', '/api/stations/deny', { station: stolen.id })).body).toEqual({ rotate: true });
  expect(await people('POST', '/api/secrets/rotate', { kind: 'badge-key' })).toEqual({ status: 200, body: { kind: 'badge-key', version: 2 } });
  expect((await people('POST', '/api/stations/deny', { station: stolen.id })).body).toEqual({ rotate: true });
  expect((await people('POST', '/api/secrets/rotate', { kind: 'pepper' })).status).toBe(200);
  expect((await people('POST', '/api/stations/deny', { station: stolen.id })).body).toEqual({ rotate: false });

  expect(await stolen.request('GET', '/v1/secrets?held=1')).toMatchObject({ status: 403, body: { reason: 'denied' } });
  expect(await other.request('GET', '/v1/secrets?held=1')).toMatchObject({ status: 200, body: { version: 3, secrets: expect.any(String) as string } });
  await importDirectory(central.database, central.keys, WITH_NILS);
  const { staff } = await bundle(other);
  const known = staff.flatMap(({ badges }) => badges.map(({ hmac }) => hmac));
  const stolenKey = key(stolen.secrets.badgeKeys, 1);
  expect(known).toContain(badgeHmac(key((await live()).badgeKeys, 2), NILS_BADGE));
  expect(known).not.toContain(badgeHmac(stolenKey, NILS_BADGE));
  expect(known).toContain(badgeHmac(stolenKey, BADGE));

  const shown = secretsView.parse((await people('GET', '/api/secrets')).body);
  expect(shown.kinds.map(({ kind, versions: each, stragglers }) => [kind, each.map(({ version, known: count, deniedStations }) => [version, count, deniedStations]), stragglers])).toEqual([
    ['badge-key', [[1, 2, [stolen.id]], [2, 1, []]], 2],
    ['pepper', [[1, 0, [stolen.id]], [2, 0, []]], 0],
  ]);
  expect(shown.stations).toMatchObject([{ id: other.id, cart: 'Cart B', held: 1, current: false }]);
  await other.request('GET', '/v1/secrets?held=3');
  expect(secretsView.parse((await people('GET', '/api/secrets')).body).stations).toMatchObject([{ held: 3, current: true }]);
});

test('a station is denied while its request for the new key is being answered: it goes away empty-handed', async () => {
  const station = await enrolStation(central);
  await rotate('badge-key');
  await denyStation(deps(), station.id);
  // It was let in by the deny-list of a moment ago.
  expect(await secretsFor(deps(), station.id, 1)).toMatchObject({ ok: false, reason: { reason: 'denied' } });
});

test('whoever is not an administrator neither sees nor changes versions', async () => {
  await central.database.query(`update administrator set roles = '{supervisor}'`);
  expect((await people('GET', '/api/secrets')).status).toBe(403);
  expect((await people('POST', '/api/secrets/rotate', { kind: 'badge-key' })).status).toBe(403);
  expect((await people('POST', '/api/secrets/retire', { kind: 'badge-key' })).status).toBe(403);
  expect(versions((await live()).badgeKeys)).toEqual([1]);
});

test('the power is cut after the key file was written and before the database knew: nothing uses that key, and the next rotation takes it', async () => {
  const cut: RekeyingDeps['database'] = {
    ...central.database,
    transaction: (work) =>
      central.database.transaction(async (client) => {
        await work(client);
        throw new Error('the power is gone');
      }),
  };
  await expect(rotateSecrets({ ...deps(), database: cut }, 'badge-key')).rejects.toThrow('the power is gone');
  const written = await keysJson();
  expect(versions(written.badgeKeys)).toEqual([1, 2]);
  await stop();

  central = await start();
  expect(versions((await live()).badgeKeys)).toEqual([1]);
  const station = await enrolStation(central);
  expect(versions(station.secrets.badgeKeys)).toEqual([1]);
  expect((await bundle(station)).secretsVersion).toBe(1);
  expect(await rotate('badge-key')).toEqual({ ok: true, value: { kind: 'badge-key', version: 2 } });
  expect((await live()).badgeKeys).toEqual(written.badgeKeys);
  // What was given out in between is never taken for the newest.
  expect((await bundle(station)).secretsVersion).toBeGreaterThan(written.secretsVersion);
});

test('the power is cut after the database has retired a key and before the file lost it: it is not live, and the next start takes it out', async () => {
  await rotate('pepper');
  const cut: RekeyingDeps = { ...deps(), keys: { ...central.keys, secrets: { ...central.keys.secrets, change: () => Promise.reject(new Error('the power is gone')) } } };
  await expect(retireSecrets(cut, 'pepper', undefined)).rejects.toThrow('the power is gone');
  expect(versions((await keysJson()).peppers)).toEqual([1, 2]);
  expect(versions((await live()).peppers)).toEqual([2]);
  await stop();
  central = await start();
  expect(versions((await keysJson()).peppers)).toEqual([2]);
  expect(versions((await live()).peppers)).toEqual([2]);
});

test('the key file comes from a backup that is older than the database: the start is refused and nothing is changed', async () => {
  const before = await readFile(path.join(folder, 'keys.json'), 'utf8');
  await rotate('badge-key');
  await stop();
  await writeFile(path.join(folder, 'keys.json'), before);
  await expect(start()).rejects.toThrow(/older than the database. Restore the newest keys.json/);
  expect(await readFile(path.join(folder, 'keys.json'), 'utf8')).toBe(before);
});

test('the database comes from a backup that is older than the key file: the next rotation brings back the very key that the stations hold', async () => {
  await rotate('badge-key');
  const { badgeKeys } = await live();
  await central.database.query(`delete from tenant_secret where version = 2`);
  await central.database.query('update tenant set secrets_version = 1');
  await stop();
  central = await start();
  await rotate('badge-key');
  expect(await live()).toMatchObject({ version: 3, badgeKeys });
});

test('a server from before rotation was used until now: its database is taken over, and another server’s is not', async () => {
  const file = await keysJson();
  const { tenant, authority, statement, witness } = central.keys;
  const digest = (secrets: unknown[]): string => createHash('sha256').update(JSON.stringify([tenant, authority.certificatePem, statement.jwk.x, rawPublicKey(witness.verifier.publicKey).toString('hex'), ...secrets])).digest('hex');
  const asBefore = (text: string) => central.database.query('with gone as (delete from tenant_secret) update tenant set keys_digest = $1', [text]);
  await asBefore(digest([[{ version: 1, key: randomBytes(32).toString('base64url') }], file.peppers]));
  await expect(start()).rejects.toThrow(/are not those of this database/);
  await asBefore(digest([file.badgeKeys, file.peppers]));
  expect(versions((await live(await start())).badgeKeys)).toEqual([1]);
});

test('two processes: what one rotates the other gives out without a restart, and of two rotations at one moment one is refused', async () => {
  const second = await start();
  await rotate('pepper');
  expect((await live(second)).peppers).toEqual((await live()).peppers);
  const station = await enrolStation(second);
  expect(versions(station.secrets.peppers)).toEqual([1, 2]);
  const both = await Promise.all([rotate('badge-key'), rotate('badge-key', second)]);
  expect(both.map(({ ok }) => ok).sort()).toEqual([false, true]);
  expect(versions((await keysJson()).badgeKeys)).toEqual([1, 2]);
  expect((await live(second)).badgeKeys).toEqual((await live()).badgeKeys);
});

test('a third rotation is refused until the oldest version is retired', async () => {
  await rotate('badge-key');
  expect(await people('POST', '/api/secrets/rotate', { kind: 'badge-key' })).toMatchObject({ status: 409, body: { reason: 'conflict', message: expect.stringMatching(/Retire the older one first/) as string } });
  expect((await retire('badge-key', 2)).ok).toBe(true);
  expect(await rotate('badge-key')).toMatchObject({ ok: true, value: { version: 3 } });
  expect(versions((await keysJson()).badgeKeys)).toEqual([2, 3]);
});

test('retiring while people hang on the old version: refused with their number, also with a number that is no longer right', async () => {
  const station = await enrolStation(central);
  await givePin('Ewa N.', verifier(1, 'aa'));
  expect(await retire('badge-key', 0)).toMatchObject({ ok: false, reason: { reason: 'conflict', message: expect.stringMatching(/one version/) as string } });
  await rotate('badge-key');
  await rotate('pepper');
  await rekeyed(station, [await moveOf(BADGE)]);
  expect(await people('POST', '/api/secrets/retire', { kind: 'badge-key' })).toMatchObject({ status: 409, body: { reason: 'conflict', message: expect.stringMatching(/^1 badges .* alone/) as string } });
  expect(await retire('badge-key', 2)).toMatchObject({ ok: false });
  expect(await retire('pepper')).toMatchObject({ ok: false, reason: { message: expect.stringMatching(/^1 PINs/) as string } });
  expect([await badgesOf('Ewa N.'), (await pinOf('Ewa N.'))?.pepperVersion]).toEqual([[{ version: 1, moved: false }], 1]);

  expect(await people('POST', '/api/secrets/retire', { kind: 'badge-key', confirm: 1 })).toEqual({ status: 200, body: { kind: 'badge-key', version: 1, ended: 1 } });
  expect(await retire('pepper', 1)).toMatchObject({ ok: true, value: { ended: 1 } });
  expect([await badgesOf('Maria K.'), await badgesOf('Ewa N.'), await pinOf('Ewa N.')]).toEqual([[{ version: 2, moved: true }], [], null]);
  const now = await bundle(station);
  expect(now.staff.map(({ name, badges, pin }) => [name, badges.map(({ badgeKeyVersion }) => badgeKeyVersion), pin])).toEqual([['Maria K.', [2], undefined], ['Ewa N.', [], undefined]]);
  expect(now.secretsVersion).toBe((await live()).version);
  expect(versions((await keysJson()).badgeKeys)).toEqual([2]);
});

test('a directory is imported anew after a rotation: the badges in it need no tap, and one that was given to somebody else is theirs under both versions', async () => {
  await rotate('badge-key');
  const [maria, ewa] = DIRECTORY_WITHOUT_PINS.staff;
  if (!maria || !ewa) throw new Error('the directory has two people');
  await importDirectory(central.database, central.keys, { ...DIRECTORY_WITHOUT_PINS, staff: [{ ...maria, badgeUid: undefined }, { ...ewa, badgeUid: BADGE.toLowerCase() }] });
  expect([await badgesOf('Maria K.'), (await badgesOf('Ewa N.')).length]).toEqual([[], 3]);
  const secrets = secretsView.parse((await people('GET', '/api/secrets')).body);
  expect(secrets.kinds[0]?.stragglers).toBe(1);
});

test('a station reports a badge under the new key: it is moved once however often it is said, and the old number goes on working', async () => {
  const [station, other] = [await enrolStation(central), await enrolStation(central, 'Cart B')];
  const before = await live();
  const early: BadgeMove = { old: { hmac: badgeHmac(key(before.badgeKeys, 1), BADGE), version: 1 }, new: { hmac: 'ab'.repeat(32), version: 2 } };
  expect(await rekeyed(station, [early])).toEqual({ taken: 0, refused: 1 });
  await rotate('badge-key');
  const move = await moveOf(BADGE);
  expect(await rekeyed(station, [move, move])).toEqual({ taken: 2, refused: 0 });
  expect(await rekeyed(other, [move])).toEqual({ taken: 1, refused: 0 });
  expect(await badgesOf('Maria K.')).toEqual([{ version: 1, moved: false }, { version: 2, moved: true }]);
  central.clock.ms += 3_600_001;
  expect((await bundle(station)).staff[0]?.badges.map(({ badgeKeyVersion }) => badgeKeyVersion).sort()).toEqual([1, 2]);
  expect((await central.database.query('select kind, outcome, actor, station, from_version, to_version from rekeying')).rows).toEqual([{ kind: 'badge', outcome: 'moved', actor: await actorOf('Maria K.'), station: station.id, from_version: 1, to_version: 2 }]);
});

test('a station in the wrong hands reports badges: an unknown one, other people’s, a second badge for one that has moved, unknown versions — nothing changes, and contradictions are shown', async () => {
  const [honest, wrong] = [await enrolStation(central), await enrolStation(central, 'Cart B')];
  await rotate('badge-key');
  await rekeyed(honest, [await moveOf(BADGE)]);
  await importDirectory(central.database, central.keys, WITH_NILS);
  const unknown = await moveOf(NEW_BADGE);
  const ewaAsMaria = await moveOf(EWA_BADGE, BADGE);
  const mariaAnew = await moveOf(BADGE, NEW_BADGE);
  // A badge of somebody who came after the rotation: it never had an old number.
  const ewaAsNils = await moveOf(EWA_BADGE, NILS_BADGE);
  // Her second badge, reported as her first.
  const secondAsFirst = await moveOf(SECOND_BADGE, BADGE);
  await central.database.query(`insert into badge (hmac, key_version, staff) select $1, 1, id from staff where short = 'Maria K.'`, [secondAsFirst.old.hmac]);
  const versionless: BadgeMove = { ...(await moveOf(EWA_BADGE)), new: { hmac: 'cd'.repeat(32), version: 3 } };
  const backwards: BadgeMove = { old: (await moveOf(BADGE)).new, new: { hmac: 'cd'.repeat(32), version: 2 } };
  const held = await central.database.query('select * from badge order by hmac');
  expect(await rekeyed(wrong, [unknown, ewaAsMaria, mariaAnew, ewaAsNils, secondAsFirst, versionless, backwards])).toEqual({ taken: 0, refused: 7 });
  expect((await central.database.query('select * from badge order by hmac')).rows).toEqual(held.rows);
  const { contradictions } = secretsView.parse((await people('GET', '/api/secrets')).body);
  expect(contradictions.map(({ station, cart, person }) => [station, cart, person])).toEqual([[wrong.id, 'Cart B', 'Maria K.'], [wrong.id, 'Cart B', 'Ewa N.']]);
});

test('a station reports PINs: only one that stands under the old pepper is replaced, once, and it is kept which station did it and when', async () => {
  const [station, other] = [await enrolStation(central), await enrolStation(central, 'Cart B')];
  await givePin('Maria K.', verifier(1, 'aa'));
  const [maria, ewa] = [await actorOf('Maria K.'), await actorOf('Ewa N.')];
  const pin = (actor: string, fill: string, change: Partial<PinMove> = {}): PinMove => ({ actor, from: 1, new: verifier(2, fill), ...change });
  expect(await rekeyed(station, [], [pin(maria, 'bb')])).toEqual({ taken: 0, refused: 1 });
  await rotate('pepper');
  const refusedOnes = [pin(ewa, 'bb'), pin('00'.repeat(32), 'bb'), pin(maria, 'bb', { from: 2 }), pin(maria, 'bb', { new: verifier(1, 'bb') }), pin(maria, 'bb', { new: verifier(3, 'bb') })];
  expect(await rekeyed(station, [], refusedOnes)).toEqual({ taken: 0, refused: 5 });
  expect([await pinOf('Maria K.'), await pinOf('Ewa N.')]).toEqual([verifier(1, 'aa'), null]);
  central.clock.ms += 1_000;
  expect(await rekeyed(station, [], [pin(maria, 'bb')])).toEqual({ taken: 1, refused: 0 });
  expect(await rekeyed(other, [], [pin(maria, 'cc')])).toEqual({ taken: 1, refused: 0 });
  expect(await pinOf('Maria K.')).toEqual(verifier(2, 'bb'));
  expect((await central.database.query('select kind, outcome, actor, station, at_ms from rekeying')).rows).toEqual([{ kind: 'pin', outcome: 'moved', actor: maria, station: station.id, at_ms: central.clock.ms }]);
  expect(await retire('pepper')).toMatchObject({ ok: true, value: { ended: 0 } });
  expect(await pinOf('Maria K.')).toEqual(verifier(2, 'bb'));
});

test('after rotations, reports and a retirement no badge number and no key stands in the database or the log', async () => {
  const station = await enrolStation(central);
  const first = await live();
  for (const kind of ['badge-key', 'pepper'] as const) await rotate(kind);
  const second = await live();
  await station.request('GET', '/v1/secrets?held=1');
  await rekeyed(station, [await moveOf(BADGE), await moveOf(NEW_BADGE)]);
  await retire('badge-key', 1);
  const tables = await central.database.query<{ name: string }>(`select table_name as name from information_schema.tables where table_schema = 'public'`);
  const dumps = await Promise.all(tables.rows.map(({ name }) => central.database.query<{ all: string | null }>(`select string_agg(t::text, chr(10)) as all from ${name} t`)));
  const all = `${dumps.map(({ rows }) => rows[0]?.all ?? '').join('\n')}${JSON.stringify(central.logged.lines)}`.toLowerCase();
  expect(all).toContain((await live()).badgeKeys.map((secret) => createHash('sha256').update(Buffer.from(secret.key, 'base64url')).digest('hex'))[0]);
  const keys = [first, second].flatMap(({ badgeKeys, peppers }) => [...badgeKeys, ...peppers]).map((secret) => Buffer.from(secret.key, 'base64url'));
  const forms = [...keys.flatMap((bytes) => (['hex', 'base64', 'base64url'] as const).map((form) => bytes.toString(form))), BADGE, NEW_BADGE, EWA_BADGE];
  for (const form of forms) expect(all).not.toContain(form.toLowerCase());
});
