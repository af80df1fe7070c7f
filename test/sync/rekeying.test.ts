import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { pinMatches } from '../../app/central/directory.ts';
import { readSecrets, retireSecrets, rotateSecrets, type RekeyingDeps } from '../../app/central/rekeying.ts';
import { liveSecrets } from '../../app/central/tenant-secrets.ts';
import type { PinVerifier } from '../../app/contract/policy-bundle.ts';
import type { TenantSecrets } from '../../app/contract/station-http.ts';
import { openIdentity } from '../../app/sync/identity.ts';
import { BADGE, DIRECTORY, PIN, SERIAL, startTestCentral, type TestCentral } from '../central/demo-central.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { startWholeCart, type WholeCart } from './whole-cart.ts';

const DAY_MS = 86_400_000;

let postgres: TestPostgres;
let central: TestCentral;

beforeAll(async () => {
  postgres = await startTestPostgres();
  central = await startTestCentral(await postgres.createDatabase(), { directory: DIRECTORY });
});
afterAll(async () => {
  await central.close();
  await postgres.stop();
});

const deps = (): RekeyingDeps => ({ database: central.database, keys: central.keys, now: central.options.now });
const versionsHeld = async (data: string): Promise<number[][]> => (({ badgeKeys, peppers }: TenantSecrets) => [badgeKeys, peppers].map((each) => each.map(({ version }) => version)))((await openIdentity(data)).enrolledOrThrow().secrets);
const stragglers = async (): Promise<number[]> => (await readSecrets(deps())).kinds.map((kind) => kind.stragglers);

/** Time passes, with no answer of the server on its way: half a day late, it would take that half day back. The tablet tells its charge. */
async function later(cart: WholeCart, ms: number, answered = true): Promise<void> {
  if (answered) await expect.poll(() => cart.store().acked().size, { timeout: 10_000 }).toBe(cart.store().size());
  await cart.settle();
  await cart.pass(ms);
  await cart.dock(1, SERIAL);
}

async function takes(cart: WholeCart): Promise<void> {
  // A badge that only has a number: her PIN is owed once the grace period is over.
  cart.host.tap(BADGE, 'uid');
  await cart.pass(1);
  if (cart.kiosk().now().message.kind === 'pin') await cart.enterPin();
  expect(cart.kiosk().now().message).toMatchObject({ kind: 'take', name: 'Maria K.' });
  await cart.pass(31_000);
}

test('both keys are rotated while a cart is cut off for days: her badge works all the time; back in contact the cart has the new keys, her next tap moves her, and the old ones can go', async () => {
  const data = await mkdtemp(join(tmpdir(), 'rekeyed-cart-'));
  central.clock.ms = Date.now() - 4 * DAY_MS;
  const cart = await startWholeCart(central, data, central.clock.ms);
  // One time for both: a server whose clock stands still while a day passes at the cart takes that day back at the next contact.
  central.clock.now = cart.clock.trueMs;
  onTestFinished(async () => {
    await cart.stop();
    await rm(data, { recursive: true, force: true });
  });
  cart.host.put(1, SERIAL);
  await cart.powerCut(60_000);
  await expect.poll(() => cart.store().view.get('device', SERIAL)?.request, { timeout: 10_000 }).toBeDefined();
  await cart.prove(SERIAL);
  await takes(cart);

  cart.cable(false);
  for (const kind of ['badge-key', 'pepper'] as const) expect((await rotateSecrets(deps(), kind)).ok).toBe(true);
  await later(cart, 2 * DAY_MS, false);
  await takes(cart);
  expect(await versionsHeld(data)).toEqual([[1], [1]]);
  const stale = cart.store().view.get('cart', 'cart')?.bundle?.version ?? 0;

  cart.cable(true);
  await expect.poll(() => cart.store().view.get('cart', 'cart')?.bundle?.version ?? 0, { timeout: 20_000 }).toBeGreaterThan(stale);
  expect(await versionsHeld(data)).toEqual([[1, 2], [1, 2]]);
  const { version } = await liveSecrets(central.database, central.keys);
  await expect.poll(async () => (await readSecrets(deps())).stations.map(({ held }) => held), { timeout: 10_000 }).toEqual([version]);
  expect(await stragglers()).toEqual([2, 1]);
  await later(cart, DAY_MS / 2 + 60_000);
  await takes(cart);
  // Ewa never came by: her badge hangs on the old key.
  await expect.poll(stragglers, { timeout: 10_000 }).toEqual([1, 0]);
  const { peppers } = await liveSecrets(central.database, central.keys);
  const moved = (await central.database.query<{ pin: PinVerifier }>(`select pin from staff where short = 'Maria K.'`)).rows[0]?.pin;
  if (!moved) throw new Error('Maria lost her PIN');
  expect([moved.pepperVersion, await pinMatches(PIN, peppers[1]?.key ?? '', moved)]).toEqual([2, true]);

  for (const [kind, confirm] of [['badge-key', 1], ['pepper', undefined]] as const) expect((await retireSecrets(deps(), kind, confirm)).ok).toBe(true);
  await expect.poll(() => versionsHeld(data), { timeout: 20_000 }).toEqual([[2], [2]]);
  await cart.settle();
  await later(cart, DAY_MS / 2 + 60_000);
  await takes(cart);

  // Her number, her PIN and the keys are in none of the cart's files but the keys' own, and in no log.
  const { badgeKeys } = await liveSecrets(central.database, central.keys);
  for (const file of await readdir(data)) {
    const bytes = (await readFile(join(data, file))).toString('latin1');
    expect([file, bytes.toUpperCase().includes(BADGE), file !== 'identity.json' && bytes.includes(badgeKeys[0]?.key ?? '')]).toEqual([file, false, false]);
  }
  const told = cart.log.join('\n');
  expect(told).toContain('info: newer badge keys or PIN peppers are held');
  for (const hidden of [BADGE, PIN, moved.salt, moved.hash, badgeKeys[0]?.key ?? '']) expect(told).not.toContain(hidden);
}, 60_000);
