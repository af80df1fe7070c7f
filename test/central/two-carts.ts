import { afterAll, beforeAll, beforeEach } from 'vitest';
import { custodyAnswer, type CustodyAnswer } from '../../app/contract/custody.ts';
import { fleetView, type FleetDevice, type FleetView } from '../../app/contract/fleet.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { admitted, custodyCart, docked, taken, type CustodyCart } from './custody-cart.ts';
import { DIRECTORY_WITHOUT_PINS, signInAsAdmin, startTestCentral, type TestCentral } from './demo-central.ts';

export const SECOND = 1_000;
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
export const YEAR = 365 * DAY;

export let central: TestCentral;
export let a: CustodyCart;
export let b: CustodyCart;
export let serial: string;
export let asset: string;

let cookie = '';
let tests = 0;

/** For every test of the file that calls it: two carts that know one tablet, which no other test has, so that one history is not another’s. */
export function twoCarts(): void {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await startTestPostgres();
    const devices = Array.from({ length: 40 }, (_, n) => ({ serial: `CUSTODY${n}`, asset: `C-${n}`, ward: '7e', model: 'Tab', platform: 'android' as const, profile: 'ward-7-east', standing: 'admitted' as const }));
    central = await startTestCentral(await postgres.createDatabase(), { directory: { ...DIRECTORY_WITHOUT_PINS, devices } });
    cookie = await signInAsAdmin(central);
  });
  afterAll(async () => {
    await central.close();
    await postgres.stop();
  });
  beforeEach(async () => {
    tests += 1;
    [serial, asset] = [`CUSTODY${tests}`, `C-${tests}`];
    [a, b] = [await custodyCart(central, 'Cart A'), await custodyCart(central, 'Cart B')];
    for (const cart of [a, b]) {
      cart.record(admitted(serial));
      await cart.contact();
    }
  });
}

export const pass = (ms: number): void => void (central.clock.ms += ms);
export const get = async (path: string): Promise<{ status: number; body: unknown }> => {
  const answer = await fetch(`${central.url}${path}`, { headers: { cookie } });
  // A session lasts 12 hours, and the clock of these tests runs fast.
  if (answer.status === 401) {
    cookie = await signInAsAdmin(central);
    return get(path);
  }
  return { status: answer.status, body: await answer.json() };
};
export const post = async (path: string, body: unknown): Promise<number> => (await fetch(`${central.url}${path}`, { method: 'POST', headers: { cookie, 'content-type': 'application/json' }, body: JSON.stringify(body) })).status;
const fleet = async (): Promise<FleetView> => fleetView.parse((await get('/api/fleet')).body);
/** Of this test's tablet. */
export const conflicts = async (): Promise<FleetView['conflicts']> => (await fleet()).conflicts.filter((each) => each.device === serial);
export const device = async (): Promise<FleetDevice | undefined> => (await fleet()).devices.find((each) => each.serial === serial);
export const iso = (ms: number): string => new Date(ms).toISOString();
export const custody = async (fromMs: number, toMs: number): Promise<CustodyAnswer> => custodyAnswer.parse((await get(`/api/custody?device=${serial}&from=${iso(fromMs)}&to=${iso(toMs)}`)).body);

/** Taken from cart A by release `r1` at a moment that both sides know well. */
export async function takenAtHome(): Promise<number> {
  pass(90 * SECOND);
  a.record(docked(serial, 4));
  pass(10 * SECOND);
  a.record(...taken(serial, 4, 'r1'));
  const atMs = central.clock.ms;
  await a.contact();
  return atMs;
}
