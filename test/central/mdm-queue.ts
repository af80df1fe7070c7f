import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import type { CentralOptions } from '../../app/central/central.ts';
import { updateOnce } from '../../app/central/os-updates.ts';
import { DEMO_PACE, workOnce, type SanitizationDeps } from '../../app/central/sanitization.ts';
import type { EntryDraft } from '../../app/domain/entries.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { collectLog, startTestCentral, type TestCentral, type TestClock } from './demo-central.ts';
import { enrolStation, testLedger, type TestLedger, type TestStation } from './demo-station.ts';
import { fakeMdm, type FakeMdm } from './fake-mdm.ts';

/** What the server asks of MDMs, worked off by hand: each test has an empty queue, an MDM in memory, a cart just enrolled, and a clock that it moves itself. */

export const NONCE = 'a'.repeat(32);

export let central: TestCentral;
export let clock: TestClock;
export let mdm: FakeMdm;
export let deps: SanitizationDeps;
export let station: TestStation;
export let ledger: TestLedger;

export function queueByHand(changes: Partial<CentralOptions> = {}): void {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await startTestPostgres();
    central = await startTestCentral(await postgres.createDatabase(), changes);
    clock = central.clock;
  });
  afterAll(async () => {
    await central.close();
    await postgres.stop();
  });
  beforeEach(async () => {
    clock.ms = Date.now();
    await central.database.query('truncate sanitization_request, sanitization_nudge, seen_enrolment, update_request, update_news');
    mdm = fakeMdm();
    deps = { database: central.database, keys: central.keys, adapter: mdm, pace: DEMO_PACE, log: collectLog().log, now: () => clock.now() };
    station = await enrolStation(central);
    ledger = testLedger(station);
  });
}

/** Records these entries and uploads whatever the server has not got. */
export async function write(...drafts: EntryDraft[]): Promise<void> {
  ledger.add(...drafts);
  const { size } = (await central.database.query<{ size: number }>('select size from origin where origin = $1', [station.origin])).rows[0] ?? { size: 0 };
  const answer = await station.request('POST', '/v1/log/entries', ledger.upload(size));
  expect(answer.status).toBe(200);
}
/** Works until nothing is due any more at this instant. */
export async function workAll(using = deps): Promise<void> {
  for (let steps = 0; steps < 50; steps += 1) if (!(await workOnce(using)) && !(await updateOnce(using))) return;
  throw new Error('the queues do not come to rest');
}
/** Lets time pass, by default the longest back-off, then works. */
export async function later(ms = DEMO_PACE.slowestMs): Promise<void> {
  clock.ms += ms;
  await workAll();
}
export const confirm = (): void => {
  if (mdm.command) mdm.command = { ...mdm.command, state: 'confirmed', confirmedMdmMs: 2_000 };
};
