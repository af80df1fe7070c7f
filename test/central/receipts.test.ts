import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signCheckpoint } from '../../app/ledger/checkpoint.ts';
import { append, EMPTY_FRONTIER, leafHash, rootOf } from '../../app/ledger/merkle.ts';
import { verifierKey } from '../../app/ledger/note.ts';
import { openReceipt } from '../../app/ledger/receipt.ts';
import { parseTlogProof } from '../../app/ledger/tlog-proof.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { SERIAL, signInAsAdmin, startTestCentral, type TestCentral } from './demo-central.ts';
import { admissionOf, enrolStation, testLedger, type TestLedger, type TestStation } from './demo-station.ts';

let postgres: TestPostgres;
let central: TestCentral;
let station: TestStation;
let ledger: TestLedger;
let cookie: string;

beforeAll(async () => {
  postgres = await startTestPostgres();
  central = await startTestCentral(await postgres.createDatabase());
  station = await enrolStation(central);
  ledger = testLedger(station);
  ledger.add(...admissionOf(SERIAL, 4), { type: 'unidentified-removal', device: SERIAL, slot: 4, body: { release: 'r-1', claimUntilMs: 1_790_000_060_000 } });
  expect((await station.request('POST', '/v1/log/entries', ledger.upload())).status).toBe(200);
  cookie = await signInAsAdmin(central);
}, 60_000);
afterAll(async () => {
  await central.close();
  await postgres.stop();
});

const forPeople = (place: string, headers: Record<string, string> = { cookie }): Promise<Response> => fetch(`${central.url}/api/receipts/${place}`, { headers });
const forAuditors = (index: number): Promise<Response> => fetch(`${central.url}/log/${station.origin}/receipt?index=${index}`, { headers: { authorization: `Bearer ${central.firstSecrets?.auditorToken ?? ''}` } });

describe('a receipt from the server', () => {
  it('is the same file for people and for auditors, and holds without the server', async () => {
    const [people, auditors] = [await forPeople(`${station.origin}/2`), await forAuditors(2)];
    expect([people.status, people.headers.get('content-type'), people.headers.get('cache-control'), people.headers.get('content-disposition')]).toEqual([
      200, 'text/plain; charset=utf-8', 'no-store', `attachment; filename="${station.origin.replaceAll('/', '_')}-2.receipt.txt"`,
    ]);
    const text = await people.text();
    expect(await auditors.text()).toBe(text);
    expect(await (await forPeople(`${encodeURIComponent(station.origin)}/2`)).text()).toBe(text);
    expect((await forPeople(`${encodeURIComponent(station.origin)}/2`, {})).status).toBe(401);
    expect(text).toContain(`What     Tablet ${SERIAL} was removed from slot 4 without an offer. Release r-1.`);
    expect(openReceipt(Buffer.from(text))).toMatchObject({ ok: true, value: { origin: station.origin, size: 3, entry: { seq: 2 }, witnessed: [{ key: { name: 'demo/witness' }, timeS: Math.floor(central.clock.ms / 1_000) }] } });
  });

  it('given out before the ledger grew still holds, beside the new one', async () => {
    const before = await (await forPeople(`${station.origin}/2`)).text();
    ledger.add({ type: 'removal-unclaimed', device: SERIAL, body: { release: 'r-1' } });
    expect((await station.request('POST', '/v1/log/entries', ledger.upload(3))).status).toBe(200);
    const after = await (await forPeople(`${station.origin}/2`)).text();
    expect([before, after].map((text) => openReceipt(Buffer.from(text)))).toMatchObject([{ ok: true, value: { size: 3 } }, { ok: true, value: { size: 4 } }]);
  });

  it('is for nobody who has not signed in, and of nothing that is not there', async () => {
    expect((await forPeople(`${station.origin}/2`, {})).status).toBe(401);
    for (const place of [`${station.origin}/99`, `${station.origin}/02`, `${station.origin}/-1`, 'demo/station/nobody/e1/0', `${station.origin}`, 'x']) expect([place, (await forPeople(place)).status]).toEqual([place, 404]);
  });

  it('of a record that this program cannot read is refused by that name; its proof is not', async () => {
    const other = await enrolStation(central, 'Cart B');
    const strange = Buffer.from('{"v":2,"what":"of a later year"}');
    const root = rootOf([leafHash(strange)].reduce(append, EMPTY_FRONTIER));
    const checkpoint = signCheckpoint(other.origin, 1, root, verifierKey(other.origin, other.ledgerKey), other.ledgerKey);
    expect((await other.request('POST', '/v1/log/entries', { origin: other.origin, from: 0, entries: [strange.toString('base64')], checkpoint })).status).toBe(200);
    const refused = await forPeople(`${other.origin}/0`);
    expect([refused.status, ((await refused.json()) as { message: string }).message]).toEqual([404, expect.stringContaining('cannot be read by this program')]);
    const proof = await fetch(`${central.url}/log/${other.origin}/proof/entry?index=0`, { headers: { authorization: `Bearer ${central.firstSecrets?.auditorToken ?? ''}` } });
    expect(parseTlogProof(await proof.text())).toMatchObject({ ok: true, value: { index: 0, hashes: [] } });
  });
});
