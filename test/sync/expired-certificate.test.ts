import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { denyStation } from '../../app/central/enrolment.ts';
import { NONCE_LIFE_MS } from '../../app/central/renewal.ts';
import { renewalText } from '../../app/contract/station-http.ts';
import type { Identity } from '../../app/sync/identity.ts';
import { startTestCentral, type TestCentral } from '../central/demo-central.ts';
import { stationRequest, type Answer } from '../central/demo-station.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { enrolFolder, noted, openAlone, startContact, type Contact } from './contact.ts';

const MONTH_MS = 30 * 86_400_000;

let postgres: TestPostgres;
let central: TestCentral;
let data: string;
let identity: Identity;

beforeAll(async () => {
  postgres = await startTestPostgres();
  central = await startTestCentral(await postgres.createDatabase());
});
afterAll(async () => {
  await central.close();
  await postgres.stop();
});
/** The station was enrolled a month ago, by every clock there is. */
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'station-'));
  onTestFinished(() => rm(data, { recursive: true, force: true }));
  central.clock.ms = Date.now() - MONTH_MS;
  identity = await enrolFolder(central, data);
  central.clock.ms = Date.now();
  expect(new X509Certificate(identity.enrolledOrThrow().certificatePem).validToDate.getTime()).toBeLessThan(Date.now() - 20 * 86_400_000);
});

const start = async (): Promise<Contact> => {
  const contact = await startContact(central, data);
  onTestFinished(() => contact.stop().catch(() => undefined));
  return contact;
};
const deny = () => denyStation({ database: central.database, keys: central.keys, now: central.options.now }, identity.enrolledOrThrow().enrolment.station);
const post = (path: string, body: unknown): Promise<Answer> => stationRequest(central, undefined, 'POST', path, body);
const nonce = async (): Promise<string> => String((await post('/v1/renewal-nonce', {})).body['nonce']);

async function request(by: Identity = identity, change: object = {}): Promise<Record<string, unknown>> {
  const [given, csrPem] = [await nonce(), await identity.keys.certificateRequest()];
  return { certificatePem: identity.enrolledOrThrow().certificatePem, csrPem, nonce: given, signature: by.keys.sign(renewalText(given, csrPem)), ...change };
}

test('a month without network: the certificate ran out, is renewed by itself, and the backlog drains', async () => {
  const alone = await openAlone(data);
  for (let day = 0; day < 30; day += 1) await alone.append(Array.from({ length: 20 }, (_, n) => ({ ...noted(`day ${day}, ${n}`), covered: n === 19 })));
  await alone.close();
  const contact = await start();
  await expect.poll(() => contact.store.acked().size, { timeout: 20_000 }).toBe(600);
  expect(contact.log).toContain('info: the station certificate had expired and was renewed');
  const held = await central.database.query<{ seq: number }>('select seq from entry where origin = $1 order by seq', [contact.origin]);
  expect(held.rows.map(({ seq }) => seq)).toEqual(Array.from({ length: 600 }, (_, n) => n));
  expect(new X509Certificate(contact.identity.enrolledOrThrow().certificatePem).validToDate.getTime()).toBeGreaterThan(Date.now());
});

test('only the server’s clock says that it ran out: its refusal is enough', async () => {
  const contact = await start();
  await contact.note('while it is valid');
  await expect.poll(() => contact.store.acked().size, { timeout: 10_000 }).toBe(1);
  central.clock.ms = Date.now() + 8 * 86_400_000;
  await contact.note('after a week');
  await expect.poll(() => contact.store.acked().size, { timeout: 10_000 }).toBe(2);
});

test('a station on the deny-list comes back after a month: refused, and it goes on alone', async () => {
  await deny();
  const contact = await start();
  await contact.note('nobody hears of this');
  await expect.poll(() => contact.log, { timeout: 10_000 }).toContain('warn: the expired station certificate could not be renewed');
  expect((await post('/v1/renew-expired', await request())).body['reason']).toBe('denied');
  expect(contact.store.acked().size).toBe(0);
  expect(contact.events).toContainEqual({ kind: 'offline' });
});

test('the same request is sent twice: a nonce counts once', async () => {
  const once = await request();
  expect((await post('/v1/renew-expired', once)).status).toBe(200);
  expect((await post('/v1/renew-expired', once)).body['reason']).toBe('not-authenticated');
});

test('a request that took longer than five minutes is refused', async () => {
  const slow = await request();
  central.clock.ms += NONCE_LIFE_MS + 1;
  expect((await post('/v1/renew-expired', slow)).body['reason']).toBe('not-authenticated');
});

test.each<[string, (stranger: Identity) => Promise<Record<string, unknown>>]>([
  ['somebody holds the station’s old certificate but not its key', (stranger) => request(stranger)],
  ['the signed request is exchanged for another', async (stranger) => request(identity, { csrPem: await stranger.keys.certificateRequest() })],
  ['the nonce is not ours', () => request(identity, { nonce: 'A'.repeat(32) })],
  ['the certificate is somebody else’s', (stranger) => request(identity, { certificatePem: stranger.enrolledOrThrow().certificatePem })],
  ['the server’s own certificate stands in for a station’s', () => request(identity, { certificatePem: central.keys.authority.certificatePem })],
])('%s: refused, and the nonce is spent', async (_, forge) => {
  const other = await mkdtemp(join(tmpdir(), 'stranger-'));
  onTestFinished(() => rm(other, { recursive: true, force: true }));
  const forged = await forge(await enrolFolder(central, other));
  expect((await post('/v1/renew-expired', forged)).body).toMatchObject({ reason: 'not-authenticated' });
});

test('what is not a certificate is malformed, not a crash', async () => {
  expect((await post('/v1/renew-expired', await request(identity, { certificatePem: 'no certificate' }))).body['reason']).toBe('malformed');
  expect((await post('/v1/renew-expired', {})).body['reason']).toBe('malformed');
  expect((await post('/v1/renewal-nonce', { station: 'st-1' })).body['reason']).toBe('malformed');
});

test('somebody asks for nonces all the time: told to wait, and for how long', async () => {
  for (let asked = 0; asked < 130; asked += 1) {
    const answer = await post('/v1/renewal-nonce', {});
    if (answer.status === 200) continue;
    expect([answer.status, answer.body['reason']]).toEqual([429, 'slow-down']);
    return;
  }
  expect.fail('never told to wait');
});
