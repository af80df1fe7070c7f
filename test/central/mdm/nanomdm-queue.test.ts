import { afterAll, beforeAll, expect, it } from 'vitest';
import { DEMO_PACE, workOnce, type SanitizationDeps } from '../../../app/central/sanitization.ts';
import { isClean } from '../../../app/simulator/world/tablet.ts';
import { startTestPostgres, type TestPostgres } from '../../support/postgres.ts';
import { collectLog, SERIAL, startTestCentral, type TestCentral } from '../demo-central.ts';
import { admissionOf, enrolStation, testLedger } from '../demo-station.ts';
import { nanomdmBench } from './nanomdm-bench.ts';

/** The server's queue driving NanoMDM, as in production: woken by what the webhook brings. */

let postgres: TestPostgres;
let central: TestCentral;
beforeAll(async () => {
  postgres = await startTestPostgres();
  central = await startTestCentral(await postgres.createDatabase());
});
afterAll(async () => {
  await central.close();
  await postgres.stop();
});

it('a request becomes a proven, clean tablet by one erase; a day later what passes is asked and told anew', async () => {
  const on = await nanomdmBench(central.database, 'filekv', {}, { serial: SERIAL, startMs: central.clock.ms });
  const deps: SanitizationDeps = { database: central.database, keys: central.keys, adapter: on.adapter, pace: DEMO_PACE, log: collectLog().log, now: on.nowMs };
  const station = await enrolStation(central);
  const ledger = testLedger(station);
  ledger.add(...admissionOf(SERIAL, 1));
  ledger.add({ type: 'sanitization-requested', device: SERIAL, slot: 1, body: { request: 'r-1', nonce: 'a'.repeat(32), exposure: ledger.leaves[0] ?? '', attempt: 1 } });
  expect((await station.request('POST', '/v1/log/entries', ledger.upload(0))).status).toBe(200);

  /** What the route of the webhook does with its news, then all that is due. */
  async function pass(seconds: number): Promise<void> {
    await on.seconds(seconds);
    for (const { serials } of on.news.splice(0)) {
      await central.database.query('insert into sanitization_nudge (request) select request from sanitization_request where serial = any($1::text[])', [serials]);
    }
    while (await workOnce(deps)) await on.settled();
  }
  const state = async (): Promise<string> => (await central.database.query<{ state: string }>(`select state from sanitization_request where request = 'r-1'`)).rows[0]?.state ?? '';
  const kinds = async (): Promise<string[]> => (await station.statements()).map(({ claims }) => claims.facts.kind);

  for (let second = 0; second < 60 && (await state()) !== 'complete'; second += 1) await pass(1);
  expect(await kinds()).toEqual(['wipe-confirmed', 'enrolled', 'credentials-revoked', 'queue-clear', 'profile-present', 'posture']);
  expect(isClean(on.tablet, on.mdm)).toBe(true);
  expect(on.sent.filter((body) => body.includes('EraseDevice'))).toHaveLength(1);

  await pass(DEMO_PACE.restateMs / 1000);
  expect((await kinds()).slice(6)).toEqual([]);
  await pass(1);
  expect((await kinds()).slice(6)).toEqual(['queue-clear', 'profile-present', 'posture']);
  expect(on.sent.filter((body) => body.includes('EraseDevice'))).toHaveLength(1);
});
