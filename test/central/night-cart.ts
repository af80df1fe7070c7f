import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { EntryDraft } from '../../app/domain/entries.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { signInAsAdmin, startTestCentral, type TestCentral } from './demo-central.ts';
import { enrolStation, testLedger, type TestLedger, type TestStation } from './demo-station.ts';

export const HOUR = 3_600_000;
/** 2026-09-22, 07:00 in Berlin. */
export const SHIFT = Date.UTC(2026, 8, 22, 5);

export let central: TestCentral;
/** Of an administrator. */
export let cookie: string;
/** A cart of ward 7e, enrolled for each test, and its ledger. */
export let station: TestStation;
export let ledger: TestLedger;

/** For every test of the suite that calls it: a server whose clock stands at `nowMs`, and a cart whose ledger begins at `recordedMs`. */
export function nightCart(nowMs: number, recordedMs: number): void {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await startTestPostgres();
    central = await startTestCentral(await postgres.createDatabase());
    cookie = await signInAsAdmin(central);
  });
  afterAll(async () => {
    await central.close();
    await postgres.stop();
  });
  beforeEach(async () => {
    central.clock.ms = nowMs;
    // Those of the tests before are no carts of the ward any more.
    await central.database.query('update station set denied_at_ms = 1');
    station = await enrolStation(central);
    ledger = testLedger(station, recordedMs);
  });
}

/** Records these entries in a cart’s ledger and uploads them. */
export async function sendFrom(cart: TestStation, its: TestLedger, ...drafts: EntryDraft[]): Promise<void> {
  const from = its.entries.length;
  its.add(...drafts);
  const answer = await cart.request('POST', '/v1/log/entries', its.upload(from));
  if (answer.status !== 200) throw new Error(answer.text);
}
export const send = (...drafts: EntryDraft[]): Promise<void> => sendFrom(station, ledger, ...drafts);
