import { afterAll, beforeAll, expect, it } from 'vitest';
import { createIngest } from '../../app/central/ingest.ts';
import { witnessOnPostgres } from '../../app/central/witness-postgres.ts';
import { incidentsView } from '../../app/contract/incidents.ts';
import { projectEntry } from '../../app/domain/projection.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { SERIAL, signInAsAdmin, startTestCentral, type TestCentral } from './demo-central.ts';
import { admissionOf, enrolStation, testLedger } from './demo-station.ts';

let postgres: TestPostgres;
let central: TestCentral;
let cookie: string;

const get = (path: string, headers: Record<string, string> = {}): Promise<Response> => fetch(`${central.url}${path}`, { headers });
const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> => fetch(`${central.url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
const seen = async () => incidentsView.parse(await (await get('/api/incidents', { cookie })).json());

beforeAll(async () => {
  postgres = await startTestPostgres();
  central = await startTestCentral(await postgres.createDatabase());
  cookie = await signInAsAdmin(central);
});
afterAll(async () => {
  await central.close();
  await postgres.stop();
});

it('a cart whose disk was restored: whoever is responsible reads what happened, how often, and holds the cart’s own signature', async () => {
  const station = await enrolStation(central);
  const ledger = testLedger(station);
  ledger.add(...admissionOf(SERIAL, 1));
  await station.request('POST', '/v1/log/entries', ledger.upload());
  const other = testLedger(station);
  other.add(...admissionOf(SERIAL, 2));
  for (let tries = 0; tries < 2; tries += 1) await station.request('POST', '/v1/log/entries', other.upload());
  const { incidents } = await seen();
  expect(incidents).toMatchObject([{ station: station.id, origin: station.origin, kind: 'two-histories', count: 2, note: expect.stringContaining(station.origin) as string, text: expect.stringMatching(/restored, copied/) as string }]);
});

it('a record that this program stumbles over: listed with its very bytes, replayed by an administrator once the program is mended', async () => {
  const station = await enrolStation(central);
  const ledger = testLedger(station);
  ledger.add(...admissionOf(SERIAL, 1));
  const stumbling = createIngest({
    store: witnessOnPostgres(central.database),
    keys: central.keys,
    now: central.options.now,
    project: (view, entry) => {
      if (entry.type === 'returned') throw new Error('a fault of this version');
      return projectEntry(view, entry);
    },
  });
  expect(await stumbling(station.id, ledger.upload())).toMatchObject({ ok: true });
  const at = ledger.entries.length - 1;
  expect((await seen()).poison).toMatchObject([{ origin: station.origin, seq: at, reason: 'unfoldable', message: 'a fault of this version', bytes: ledger.entries[at]?.toString('base64') }]);
  expect((await post('/api/poison/replay', { origin: station.origin })).status).toBe(401);
  expect((await post('/api/poison/replay', { origin: 'demo/station/nowhere/e1' }, { cookie })).status).toBe(404);
  expect(await (await post('/api/poison/replay', { origin: station.origin }, { cookie })).json()).toEqual({ replayed: 1, left: 0 });
  expect((await seen()).poison[0]?.replayedAt).toBeDefined();
});

it('nobody signed in reads nothing', async () => {
  expect((await get('/api/incidents')).status).toBe(401);
});
