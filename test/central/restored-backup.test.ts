import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { addStatement } from '../../app/central/statements.ts';
import type { PolicyBundle } from '../../app/contract/policy-bundle.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { SERIAL, startTestCentral, type TestCentral } from './demo-central.ts';
import { enrolStation, payloadOf, type TestStation } from './demo-station.ts';

let postgres: TestPostgres;
let central: TestCentral;
let station: TestStation;

beforeAll(async () => {
  postgres = await startTestPostgres();
  central = await startTestCentral(await postgres.createDatabase());
});
afterAll(async () => {
  await central.close();
  await postgres.stop();
});
beforeEach(async () => {
  station = await enrolStation(central);
});

/** Each test's station is another: a statement is known by its request. */
const say = (request: string): Promise<void> =>
  central.database.transaction((client) =>
    addStatement(client, central.keys, { tenant: central.keys.tenant, station: station.id, serial: SERIAL, request, nonce: 'ab'.repeat(16), issuedAtMs: central.clock.ms, facts: { kind: 'credentials-revoked', previous: 'old' } }),
  );
const requestsAfter = async (cursor: number): Promise<string[]> => (await station.statements(cursor)).map(({ claims }) => claims.request);
const lastCursor = async (): Promise<number> => (await station.statements()).at(-1)?.cursor ?? 0;

/** Says what the station will hold, and then forgets it, as a database does that is put back to a state before it. */
async function restoredFromBefore(requests: readonly string[]): Promise<number> {
  const then = (await central.database.query<{ counted: number; held: number }>('select statement_cursor as counted, held_cursor as held from station where id = $1', [station.id])).rows[0];
  for (const request of requests) await say(request);
  const held = await lastCursor();
  await central.database.query('delete from statement where station = $1 and request = any($2::text[])', [station.id, requests]);
  await central.database.query('update station set statement_cursor = $2, held_cursor = $3 where id = $1', [station.id, then?.counted, then?.held]);
  return held;
}
/** The backup knew that the station held this much. */
const knownHeld = (cursor: number): Promise<unknown> => central.database.query('update station set held_cursor = $2 where id = $1', [station.id, cursor]);

test('the database is restored from a backup: what is stated from then on reaches a station that had seen more', async () => {
  await say('before the backup');
  await knownHeld(await lastCursor());
  const held = await restoredFromBefore(['lost 1', 'lost 2', 'lost 3']);
  central.clock.ms += 60_000;
  await say('after the restore');
  expect(await requestsAfter(held)).toEqual(['after the restore']);
});

test('and its clock stands before the backup: what the station was not seen to hold is queued again behind what it holds', async () => {
  central.clock.ms += 60_000;
  await say('before the backup');
  await knownHeld(await lastCursor());
  await say('not yet fetched at the backup');
  const held = await restoredFromBefore(['lost 1', 'lost 2', 'lost 3']);
  central.clock.ms -= 30_000;
  await say('after the restore');
  expect(await requestsAfter(held)).toEqual(['not yet fetched at the backup', 'after the restore']);
  const next = await lastCursor();
  expect(await requestsAfter(next)).toEqual([]);
  await say('later');
  expect(await requestsAfter(next)).toEqual(['later']);
});

test('and it has stated so much since that it has counted past what the station holds: what it stated first hides under no cursor that the station has had', async () => {
  await say('before the backup');
  await knownHeld(await lastCursor());
  const held = await restoredFromBefore(['lost 1', 'lost 2', 'lost 3', 'lost 4']);
  central.clock.ms -= 60_000;
  const stated = Array.from({ length: 40 }, (_, nth) => `after the restore ${nth + 1}`);
  for (const request of stated) await say(request);
  const rows = await central.database.query<{ below: number; above: number }>('select count(*) filter (where cursor < $2)::int as below, count(*) filter (where cursor > $2)::int as above from statement where station = $1', [station.id, held]);
  expect(Math.min(rows.rows[0]?.below ?? 0, rows.rows[0]?.above ?? 0)).toBeGreaterThan(0);
  expect(await requestsAfter(held)).toEqual(stated);
});

test('a station asks again and again while there is nothing for it: nothing is queued anew and its count stands', async () => {
  await say('before the backup');
  const held = await restoredFromBefore(['lost']);
  await requestsAfter(held);
  const counted = (): Promise<unknown> => central.database.query('select statement_cursor, held_cursor from station where id = $1', [station.id]).then(({ rows }) => rows);
  const before = await counted();
  await requestsAfter(held);
  await requestsAfter(held);
  expect(await counted()).toEqual(before);
});

test('a station holds a policy bundle that the restored database never made: it is given a newer one at once', async () => {
  const bundleFor = async (held: number): Promise<PolicyBundle | undefined> => {
    const { bundle } = (await station.request('GET', `/v1/downlink?bundle=${held}&waitMs=0`)).body;
    return typeof bundle === 'string' ? ((await payloadOf(station.enrolled, bundle, 'dockward-bundle+jwt')) as PolicyBundle) : undefined;
  };
  const first = (await bundleFor(0))?.version ?? 0;
  expect(first).toBeGreaterThan(0);
  expect((await bundleFor(first + 5))?.version).toBe(first + 6);
  expect(await bundleFor(first + 6)).toBeUndefined();
});

test('a station names a version that no server can have lost: it is not believed', async () => {
  expect((await station.request('GET', '/v1/downlink?bundle=9007199254740991&waitMs=0')).body['bundle']).toBeUndefined();
  const made = await central.database.query<{ version: number }>('select max(version) as version from bundle');
  expect(made.rows[0]?.version).toBeLessThan(1_000);
});
