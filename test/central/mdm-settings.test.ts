import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import type { z } from 'zod';
import type { CentralOptions } from '../../app/central/central.ts';
import { mdmsView, mdmTried, type MdmOrder, type MdmsView } from '../../app/contract/mdm.ts';
import { mdmFile, openMdms } from '../../app/entrypoints/central-mdm.ts';
import { makeServiceAccount } from '../../app/simulator/mdm/service-account.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { DIRECTORY_WITHOUT_PINS, SERIAL, signInAsAdmin, startTestCentral, type TestCentral } from './demo-central.ts';
import { admissionOf, enrolStation, testLedger } from './demo-station.ts';
import { google, NANOMDM_KEYS, nanomdm } from './mdm-doubles.ts';

const IPAD = { serial: 'DMPXK2ABCD', asset: 'T-201', ward: '7e', model: 'iPad', platform: 'apple' as const, profile: 'ward-7-east', standing: 'admitted' as const };
const WITH_IPAD = { ...DIRECTORY_WITHOUT_PINS, devices: [...DIRECTORY_WITHOUT_PINS.devices, IPAD] };

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.stop());

interface Answer {
  readonly status: number;
  readonly body: { readonly message?: string };
  readonly text: string;
}
interface Desk {
  readonly central: TestCentral;
  ask(path: string, body?: unknown): Promise<Answer>;
  view(): Promise<MdmsView>;
  use(order: MdmOrder): Promise<Answer>;
  attempt(order: MdmOrder): Promise<{ answered: boolean; message: string }>;
}

/** A server in this folder, on this database, with its first administrator signed in; closed with the test. */
async function desk(where: { database?: string; dataFolder?: string } = {}, options: Partial<CentralOptions> = {}): Promise<Desk & { database: string; dataFolder: string; close(): Promise<void> }> {
  const database = where.database ?? (await postgres.createDatabase());
  const dataFolder = where.dataFolder ?? (await mkdtemp(path.join(tmpdir(), 'dockward-mdm-settings-')));
  if (where.dataFolder === undefined) onTestFinished(() => rm(dataFolder, { recursive: true, force: true }));
  const central = await startTestCentral(database, { dataFolder, now: Date.now, ...options });
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= central.close());
  onTestFinished(close);
  const cookie = await signInAsAdmin(central);
  const ask: Desk['ask'] = async (where, body) => {
    const answer = await fetch(`${central.url}${where}`, { headers: { cookie, 'content-type': 'application/json' }, ...(body === undefined ? {} : { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) }) });
    const text = await answer.text();
    return { status: answer.status, body: JSON.parse(text) as Answer['body'], text };
  };
  return {
    central,
    database,
    dataFolder,
    close,
    ask,
    view: async () => mdmsView.parse((await ask('/api/mdms')).body),
    use: (order) => ask('/api/mdms/use', order),
    attempt: async (order) => mdmTried.parse((await ask('/api/mdms/try', order)).body),
  };
}

/** Every row of every table as text, as a dump holds them. */
async function dump({ database }: TestCentral): Promise<string> {
  const tables = await database.query<{ name: string }>(`select quote_ident(table_name) as name from information_schema.tables where table_schema = 'public'`);
  const rows = await Promise.all(tables.rows.map(async ({ name }) => (await database.query<{ row: string }>(`select t::text as row from ${name} t`)).rows.map(({ row }) => row).join('\n')));
  return rows.join('\n');
}

test('whoever is no administrator neither sees the MDMs nor changes one', async () => {
  const { central, ask } = await desk();
  const { order } = await google(SERIAL);
  await central.database.query(`update administrator set roles = '{privacy-officer}'`);
  for (const [where, body] of [['/api/mdms', undefined], ['/api/mdms/try', order], ['/api/mdms/use', order], ['/api/mdms/remove', { kind: 'amapi' }]] as const) {
    expect(await ask(where, body)).toMatchObject({ status: 403, body: { message: 'Only an administrator may do this.' } });
    expect((await fetch(`${central.url}${where}`, body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })).status).toBe(401);
  }
  expect((await central.database.query('select 1 from mdm_setting')).rowCount).toBe(0);
});

test('a key that is no key, and one that the MDM does not take: both are told in words, and neither is kept', async () => {
  const { central, use, attempt, ask, view } = await desk();
  const at = await google(SERIAL);
  const given = (file: unknown): MdmOrder => ({ ...at.order, secrets: { serviceAccount: typeof file === 'string' ? file : JSON.stringify(file) } });
  expect(await ask('/api/mdms/try', given('{"type": "authorized_user"}'))).toMatchObject({ status: 400, body: { message: 'This is not the key of a service account. Give the whole JSON file as Google made it.' } });
  expect(await ask('/api/mdms/use', given('-----BEGIN PRIVATE KEY----- cut o'))).toMatchObject({ status: 400 });
  const cut = given({ ...at.account.file, private_key: '-----BEGIN PRIVATE KEY-----\ncut off here' });
  expect(await attempt(cut)).toMatchObject({ answered: false, message: expect.stringMatching(/^Google does not take this key .*the private key in the service account file cannot be used/) });
  const stranger = given(makeServiceAccount(`${at.url}/token`).file);
  expect(await attempt(stranger)).toMatchObject({ answered: false, message: expect.stringContaining('the token server refused the service account dockward@') });
  expect(await use(stranger)).toMatchObject({ status: 409, body: { message: expect.stringMatching(/Nothing was changed\.$/) } });
  const elsewhere: MdmOrder = { ...at.order, settings: { ...at.order.settings, baseUrl: 'http://127.0.0.1:9' } };
  expect(await attempt(elsewhere)).toMatchObject({ answered: false, message: expect.stringContaining('Google gave no usable answer.') });
  const { order } = await nanomdm();
  expect(await attempt({ ...order, secrets: { ...order.secrets, apiKey: 'wrong' } })).toMatchObject({ answered: false, message: 'NanoMDM does not take this API key. Compare it with -api (HTTP 401).' });
  expect(await attempt({ ...order, settings: { ...order.settings, baseUrl: at.url } })).toMatchObject({ answered: false });
  expect(await ask('/api/mdms/try', { ...order, settings: { ...order.settings, baseUrl: 'http://nano:secret@127.0.0.1/' } })).toMatchObject({ status: 400, body: { message: expect.stringContaining('an address without a name and a password') } });
  expect((await view()).mdms).toEqual([]);
  expect((await central.database.query('select 1 from mdm_setting union all select 1 from mdm_change')).rowCount).toBe(0);
});

test('nothing of a secret is in a dump of the database, in the log or in any answer; keys.json alone opens it', async () => {
  const { central, use, ask, attempt, dataFolder } = await desk({}, { directory: WITH_IPAD });
  const [{ order, account }, nano] = [await google(SERIAL), await nanomdm()];
  const texts = [await attempt(order), await use(order), await use(nano.order), await ask('/api/mdms'), await ask('/api/mdms/use', `{"kind": "amapi", "secrets": ${JSON.stringify(account.file.private_key)}`)];
  expect((await use({ ...nano.order, secrets: { webhookKey: 'wh '.repeat(500) } })).status).toBe(400);
  const key = account.file.private_key.split('\n')[3] ?? '';
  const secrets = [key, NANOMDM_KEYS.apiKey, NANOMDM_KEYS.webhookKey, 'wifi password', nano.order.secrets.wifiProfile?.slice(8, 30) ?? ''];
  const everything = [JSON.stringify(texts), JSON.stringify(central.logged.lines), await dump(central), await (await fetch(`${central.url}/openapi.json`)).text()].join('\n');
  for (const secret of secrets) {
    expect(secret.length).toBeGreaterThan(8);
    expect(everything).not.toContain(secret);
    expect(everything).not.toContain(Buffer.from(secret).toString('base64').replace(/=+$/, ''));
  }
  // The dump is one: what may be seen is in it.
  expect(everything).toContain(new URL(nano.url).host);
  expect(JSON.parse(await readFile(path.join(dataFolder, 'keys.json'), 'utf8'))).toMatchObject({ sealingKey: expect.stringMatching(/^[\w-]{43}$/) });
});

test('a tablet that waits for an MDM is wiped once one is set: once, though the MDM is changed meanwhile and the server starts again', async () => {
  const at = await google(SERIAL);
  const first = await desk();
  const station = await enrolStation(first.central);
  const ledger = testLedger(station);
  ledger.add(...admissionOf(SERIAL, 1));
  ledger.add({ type: 'sanitization-requested', device: SERIAL, slot: 1, body: { request: 'r-1', nonce: 'a'.repeat(32), exposure: ledger.leaves[0] ?? '', attempt: 1 } });
  expect((await station.request('POST', '/v1/log/entries', ledger.upload(0))).status).toBe(200);
  const state = async ({ central }: Desk): Promise<string | undefined> => (await central.database.query<{ state: string }>(`select state from sanitization_request where request = 'r-1'`)).rows[0]?.state;
  expect(await state(first)).toBe('requested');
  expect((await first.view()).free).toEqual([{ kind: 'amapi', platform: 'android', tablets: 2 }, { kind: 'nanomdm', platform: 'apple', tablets: 0 }]);

  // One for other tablets alone gives nothing up.
  expect((await first.use((await nanomdm()).order)).status).toBe(200);
  await vi.waitFor(async () => expect((await first.central.database.query('select state, detail from sanitization_request')).rows).toEqual([{ state: 'requested', detail: 'no MDM is configured for android tablets' }]), { timeout: 10_000 });
  // Its next look would be in an hour.
  await first.central.database.query(`update sanitization_request set next_at_ms = $1`, [Date.now() + 3_600_000]);
  expect((await first.use(at.order)).status).toBe(200);
  await vi.waitFor(async () => expect(await state(first)).toBe('observing'), { timeout: 10_000 });
  expect((await first.view()).mdms.filter(({ platform }) => platform === 'android')).toMatchObject([{ underWay: 1 }]);
  // As though the answer to the wipe had been lost: it is looked for, by its request, with the new adapter.
  await first.central.database.query(`update sanitization_request set state = 'issuing', command = null, next_at_ms = 0`);
  const floor: MdmOrder = { ...at.order, settings: { ...at.order.settings, securityPatchFloor: '2026-07-01' }, secrets: {} };
  expect((await first.use(floor)).status).toBe(200);
  await vi.waitFor(async () => expect(await state(first)).toBe('observing'), { timeout: 10_000 });
  await first.close();

  const second = await desk(first, { directory: undefined });
  expect((await second.view()).mdms.slice(0, 1)).toMatchObject([{ source: 'page', settings: { securityPatchFloor: '2026-07-01' }, set: { by: 'admin' } }]);
  at.mdm.tick(at.mdm.nowMs() + 60_000);
  await vi.waitFor(async () => expect(await state(second)).toBe('complete'), { timeout: 10_000 });
  expect(at.wipes()).toBe(1);
});

test('who set what, and when, is kept; each request is counted under the credential it carried; a change without a key keeps the key', async () => {
  const at = await google(SERIAL);
  const { central, use, view } = await desk();
  const before = Date.now();
  await use(at.order);
  await use({ ...at.order, settings: { ...at.order.settings, securityPatchFloor: '2026-07-01' }, secrets: {} });
  const seen = await view();
  const { account: { file: { client_email: name } } } = at;
  expect(seen.changes.map(({ by, act, credential, settings }) => [by, act, credential, 'securityPatchFloor' in settings])).toEqual([['admin', 'changed', false, true], ['admin', 'added', true, false]]);
  const [mdm] = seen.mdms;
  expect(mdm).toMatchObject({ name: 'android-management-api', platform: 'android', maximumGrade: 'E2', never: [{ leaf: 'attestation', words: 'its hardware vouches for it' }], tablets: 2, lastRequest: { purpose: 'try', answered: true } });
  expect(Date.parse(mdm?.credential?.since ?? '')).toBeGreaterThanOrEqual(before);
  expect(Date.parse(mdm?.set?.at ?? '')).toBeGreaterThan(Date.parse(mdm?.credential?.since ?? ''));
  // Two tries, each with a token of its own.
  expect(mdm?.days).toEqual([{ day: new Date(before).toISOString().slice(0, 10), name, accepted: 4, refused: 0 }]);
  expect(central.logged.lines.filter(([what]) => JSON.stringify(what).includes('"by":"admin"'))).toHaveLength(2);
});

test('the key is withdrawn: the page says that it is refused, since when, and what to do', async () => {
  const at = await google(SERIAL);
  const { central, use, view } = await desk();
  await use(at.order);
  await central.database.query(`insert into credential_use (name, purpose, outcome, day_ms, uses, first_at_ms, last_at_ms) values ($1, 'access token', 'unauthorized', $2, 3, $3, $3), ($1, 'notification', 'accepted', $2, 1, $4, $4)`, [at.account.file.client_email, Math.floor(Date.now() / 86_400_000) * 86_400_000, Date.now() + 1_000, Date.now() + 2_000]);
  expect((await view()).mdms[0]?.lastRequest).toMatchObject({ purpose: 'access token', answered: false, words: 'the credential was refused', toDo: 'Make a new key for the service account, and change it here. Until then no tablet is wiped.' });
});

test('a credential is never sent to an address it was not given for', async () => {
  const [one, other] = [await google(SERIAL), await google(SERIAL)];
  const { use, ask, view } = await desk();
  await use(one.order);
  const moved: MdmOrder = { ...other.order, secrets: {} };
  for (const path of ['/api/mdms/try', '/api/mdms/use']) expect(await ask(path, moved)).toMatchObject({ status: 400, body: { message: expect.stringMatching(/^Give the service account’s JSON file: /) } });
  expect((await view()).mdms).toMatchObject([{ settings: { baseUrl: one.url } }]);
  expect((await use(other.order)).status).toBe(200);
  expect((await view()).mdms).toMatchObject([{ settings: { baseUrl: other.url } }]);
});

test('it is taken away, or changed to one that can do less, while the policy needs it: refused in words, and it stays in use', async () => {
  const [at, nano] = [await google(SERIAL), await nanomdm()];
  const { central, use, ask, view } = await desk({}, { directory: WITH_IPAD });
  await use(at.order);
  await use(nano.order);
  const weaker: MdmOrder = { ...nano.order, settings: { ...nano.order.settings, pinsOneCertificate: false }, secrets: {} };
  expect(await use(weaker)).toMatchObject({
    status: 409,
    body: { message: 'The policy in force asks of iPads what could then never be proven: that its old credentials are dead. None of them would be offered again, so nothing was changed. Publish a policy that does not ask for it first (mandatoryLeaves: credentials-revoked).' },
  });
  expect(await ask('/api/mdms/remove', { kind: 'amapi' })).toMatchObject({ status: 409, body: { message: expect.stringMatching(/^The policy in force asks of Android tablets .*that its wipe was carried out; that it enrolled anew/) } });
  expect((await view()).mdms.map(({ settings }) => settings)).toEqual([at.order.settings, nano.order.settings]);
  // Nobody has an Android tablet any more: what is not needed can go.
  await central.database.query(`update device set standing = 'retired' where platform = 'android'`);
  expect((await ask('/api/mdms/remove', { kind: 'amapi' })).status).toBe(200);
  expect((await ask('/api/mdms/remove', { kind: 'amapi' })).status).toBe(404);
  const left = await view();
  expect(left.mdms.map(({ name }) => name)).toEqual(['nanomdm']);
  expect(left.changes[0]).toMatchObject({ kind: 'amapi', act: 'removed', by: 'admin' });
  expect((await central.database.query(`select 1 from mdm_setting where kind = 'amapi'`)).rowCount).toBe(0);
});

test('the file and the page name different MDMs: the file’s is in use, the page’s says why it is not, and the page changes neither', async () => {
  const at = await google(SERIAL);
  const first = await desk();
  await first.use(at.order);
  await first.close();
  const named = path.join(first.dataFolder, 'mdm.json');
  await writeFile(path.join(first.dataFolder, 'account.json'), JSON.stringify(at.account.file));
  const other = { ...at.order.settings, enterprise: 'LC09other' };
  const files = { read: (file: string) => readFile(file, 'utf8'), parse: <T>(shape: z.ZodType<T>, text: string): T => shape.parse(JSON.parse(text)) };
  const mdm = await openMdms(mdmFile.parse({ ...other, serviceAccountFile: 'account.json' }), named, Date.now, files);
  const byFile = await desk(first, { directory: undefined, mdm });
  const seen = await byFile.view();
  expect(seen.mdms).toMatchObject([{ name: 'android-management-api', source: 'file', settings: other, credential: { name: at.account.file.client_email } }]);
  expect(seen.idle).toMatchObject([{ kind: 'amapi', set: { by: 'admin' }, why: expect.stringMatching(/^The file given at the start \(--mdm\) names another MDM/) }]);
  expect(seen.free.map(({ kind }) => kind)).toEqual(['nanomdm']);
  expect(await byFile.use(at.order)).toMatchObject({ status: 409, body: { message: expect.stringMatching(/^The file given at the start of the server \(--mdm\) names the MDM of these tablets\./) } });
  // What is not in use holds nobody back.
  expect((await byFile.ask('/api/mdms/remove', { kind: 'amapi' })).status).toBe(200);
  expect(await byFile.view()).toMatchObject({ idle: [], mdms: [{ source: 'file' }] });
});

test('keys.json comes from an older backup: the server starts, says that the credential is sealed shut, and takes it anew', async () => {
  const at = await google(SERIAL);
  const first = await desk();
  const file = path.join(first.dataFolder, 'keys.json');
  const older = await readFile(file, 'utf8');
  await first.use(at.order);
  await first.close();
  await writeFile(file, older, { mode: 0o600 });
  const again = await desk(first, { directory: undefined });
  expect(await again.view()).toMatchObject({ mdms: [], idle: [{ kind: 'amapi', why: expect.stringMatching(/^Its credential cannot be opened: keys\.json is older/) }] });
  expect(again.central.logged.lines).toContainEqual([{ mdm: 'amapi' }, 'the credential of an MDM is sealed by a key that keys.json does not hold; it is not in use']);
  expect((await again.use({ ...at.order, secrets: {} })).status).toBe(400);
  expect((await again.use(at.order)).status).toBe(200);
  expect(await again.view()).toMatchObject({ mdms: [{ source: 'page' }], idle: [] });
});

test('a second process on the same database follows without a restart; of two administrators at once one is told', async () => {
  // Both are being tried while neither is in use.
  const nano = await nanomdm(2);
  const one = await desk({}, { directory: WITH_IPAD });
  const two = await desk(one, { directory: undefined });
  const hear = async ({ central }: Desk): Promise<number> => (await fetch(`${central.url}/mdm/nanomdm`, { method: 'POST', headers: { 'x-hmac-signature': 'AAAA' }, body: 'x' })).status;
  expect(await hear(two)).toBe(404);
  const answers = await Promise.all([one.use(nano.order), two.use(nano.order)]);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  expect(answers.find(({ status }) => status === 409)?.body.message).toBe('Somebody else has set it in the meantime. Look at it, then try again.');
  await vi.waitFor(async () => expect([await hear(one), await hear(two)]).toEqual([401, 401]), { timeout: 10_000 });
  expect((await two.view()).mdms).toMatchObject([{ name: 'nanomdm', source: 'page' }]);
  await vi.waitFor(async () => expect((await two.view()).mdms[0]?.days.map(({ name }) => name).sort()).toEqual(['NanoMDM webhook key', `NanoMDM API key of ${new URL(nano.url).host}`].sort()));
});
