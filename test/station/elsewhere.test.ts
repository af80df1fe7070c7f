import { expect, test } from 'vitest';
import { CURSOR_META } from '../../app/contract/network-event.ts';
import type { RecordedEntry } from '../../app/domain/entries.ts';
import { projectEntry } from '../../app/domain/projection.ts';
import { createCustodyJudge, differingTables } from '../../app/ledger/custody.ts';
import { startCart, type OneCart } from '../support/one-cart.ts';
import { JONAS, MARIA } from '../support/ward-policy.ts';

const lastTwo = async (cart: OneCart): Promise<readonly RecordedEntry[]> => (await cart.entries()).slice(-2);

/** The ledger as an auditor reads it: no rule of custody is broken, and the stored tables are what the entries make of them. */
async function expectSound(cart: OneCart): Promise<void> {
  const judge = createCustodyJudge(() => undefined);
  expect((await cart.entries()).flatMap((entry) => judge.push(entry) ?? [])).toEqual([]);
  expect(differingTables(judge.view, cart.store().view)).toEqual([]);
}

test('the tablet she holds is put into another cart: she is free to take one here, and its wipe is still owed', async () => {
  const cart = await startCart({ tablets: 2 });
  await cart.tap(MARIA, 'crypto');
  await cart.pull(1);
  await cart.tap(MARIA, 'crypto');
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'limit-reached' });
  const exposure = cart.device('T1').exposure;
  const claims = await cart.stateElsewhere('T1');
  const [entry] = await cart.ofType('returned-elsewhere');
  expect(entry).toMatchObject({ device: 'T1', actor: MARIA.actor, body: { release: claims.release, atStation: 'cart-8', origin: claims.fact.origin, seq: 41, leaf: claims.fact.leaf, claimedMs: claims.fact.claimedMs, notBeforeMs: claims.fact.notBeforeMs, notAfterMs: claims.fact.notAfterMs, issuedAtMs: claims.issuedAtMs } });
  expect(cart.device('T1')).toMatchObject({ custody: { kind: 'elsewhere', station: 'cart-8', release: claims.release }, exposure });
  expect(cart.look(1)).toBe('empty');
  await cart.pass(10_000);
  await cart.tap(MARIA, 'crypto');
  expect(cart.message()).toMatchObject({ kind: 'take', slot: 2 });
  await expectSound(cart);
});

test('it comes home from there: put in by nobody, and offered to nobody before it is wiped', async () => {
  const cart = await startCart({ tablets: 1 });
  await cart.tap(MARIA, 'crypto');
  await cart.pull(1);
  await cart.stateElsewhere('T1');
  const from = cart.store().size();
  await cart.dock(3, 'T1');
  expect(await cart.ofType('returned', from)).toMatchObject([{ device: 'T1', slot: 3, body: { how: 'unheld' } }]);
  expect((await cart.ofType('returned', from))[0]?.body).not.toHaveProperty('release');
  expect(await cart.types(from)).toContain('sanitization-requested');
  await cart.tap(JONAS, 'crypto');
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'no-device-ready' });
  await expectSound(cart);
});

test('it was home again before the statement came: refused, and nothing of the return is lost', async () => {
  const cart = await startCart({ tablets: 1 });
  await cart.tap(MARIA, 'crypto');
  await cart.pull(1);
  const { custody } = cart.device('T1');
  const release = 'release' in custody ? custody.release : '';
  await cart.dock(1, 'T1');
  const before = cart.device('T1').custody;
  await cart.stateElsewhere('T1', { release });
  expect((await lastTwo(cart)).at(-1)).toMatchObject({ type: 'statement-refused', body: { reason: 'release' } });
  expect(cart.device('T1').custody).toEqual(before);
  await expectSound(cart);
});

test('it was home and taken again by another: the statement about the first release does not end the second', async () => {
  const cart = await startCart({ tablets: 1 });
  await cart.tap(MARIA, 'crypto');
  await cart.pull(1);
  const { custody } = cart.device('T1');
  const release = 'release' in custody ? custody.release : '';
  await cart.dock(1, 'T1');
  await cart.prove('T1');
  await cart.tap(JONAS, 'crypto');
  await cart.pull(1);
  await cart.stateElsewhere('T1', { release });
  expect((await cart.ofType('statement-refused')).at(-1)).toMatchObject({ body: { reason: 'release' } });
  expect(cart.device('T1').custody).toMatchObject({ kind: 'person', actor: JONAS.actor });
});

test('the statement is replayed, by the network or by a thief of it: it ends one release once', async () => {
  const cart = await startCart({ tablets: 1 });
  await cart.tap(MARIA, 'crypto');
  await cart.pull(1);
  const claims = await cart.stateElsewhere('T1');
  await cart.stateElsewhere('T1', claims);
  expect((await cart.ofType('statement-refused')).map(({ body }) => body.reason)).toEqual(['duplicate']);
  await cart.dock(1, 'T1');
  await cart.stateElsewhere('T1', claims);
  expect((await cart.ofType('statement-refused')).map(({ body }) => body.reason)).toEqual(['duplicate', 'release']);
  expect(await cart.ofType('returned-elsewhere')).toHaveLength(1);
  expect(cart.device('T1').custody).toMatchObject({ kind: 'cart', slot: 1 });
});

test.each([
  ['another hospital', { tenant: 'other' }, 'tenant'],
  ['another cart', { station: 'cart-8' }, 'station'],
  ['a tablet that nobody admitted', { serial: 'NEVER' }, 'serial'],
  ['a release of another tablet', { serial: 'T2' }, 'release'],
  ['a release that never was', { release: 'x' }, 'release'],
] as const)('a statement for %s: recorded, and she still answers for it', async (_, change, reason) => {
  const cart = await startCart({ tablets: 2 });
  await cart.tap(MARIA, 'crypto');
  await cart.pull(1);
  await cart.stateElsewhere('T1', change);
  expect((await cart.ofType('statement-refused')).map(({ body }) => body.reason)).toEqual([reason]);
  expect(cart.device('T1').custody).toMatchObject({ kind: 'person', actor: MARIA.actor });
  expect(await cart.ofType('returned-elsewhere')).toEqual([]);
});

test('a tablet that nobody had claimed is put in elsewhere: nobody is asked for it any more, and its place shows no debt', async () => {
  const cart = await startCart({ tablets: 1 });
  await cart.pull(1);
  expect(cart.message()).toMatchObject({ kind: 'unidentified', slot: 1 });
  await cart.stateElsewhere('T1');
  expect(cart.message()).toMatchObject({ kind: 'idle' });
  expect(cart.kiosk().now().slots[0]).not.toHaveProperty('mark');
  await cart.pass(10 * 60_000);
  expect(await cart.ofType('removal-unclaimed')).toEqual([]);
  await expectSound(cart);
});

test('power is cut right after the statement was taken: the cursor stands with it, and the next life knows', async () => {
  const cart = await startCart({ tablets: 1 });
  await cart.tap(MARIA, 'crypto');
  await cart.pull(1);
  const before = Number(cart.store().getMeta(CURSOR_META));
  await cart.stateElsewhere('T1');
  const cursor = cart.store().getMeta(CURSOR_META);
  expect(cursor).toBe(String(before + 1));
  await cart.restart({ reboot: true, downMs: 60_000 });
  expect(cart.store().getMeta(CURSOR_META)).toBe(cursor);
  expect(cart.device('T1').custody).toMatchObject({ kind: 'elsewhere' });
  await cart.dock(1, 'T1');
  expect(cart.device('T1').custody).toMatchObject({ kind: 'cart' });
  await expectSound(cart);
});

test('an auditor meets a release that was ended elsewhere though it was not open: it breaks a rule of custody', async () => {
  const cart = await startCart({ tablets: 1 });
  const judge = createCustodyJudge(() => undefined);
  const entries = await cart.entries();
  for (const entry of entries) judge.push(entry);
  const forged = { type: 'returned-elsewhere', device: 'T1', seq: entries.length, leaf: 'ff'.repeat(32), atMs: 1, station: 'cart-7', body: { release: 'none', atStation: 'cart-8', origin: 'o', seq: 1, leaf: 'aa'.repeat(32), claimedMs: 1, issuedAtMs: 1, digest: 'd' } } as const;
  expect(judge.push(forged)).toContain('which was not open');
  expect(projectEntry(judge.view, forged)).toHaveLength(1);
});

test('the disk was full while a tablet was pulled: the ledger says that it has a gap before it tells what it found', async () => {
  const cart = await startCart({ tablets: 2 });
  const from = cart.store().size();
  cart.disk.full = true;
  await cart.pull(1);
  await cart.pass(120_000);
  cart.disk.full = false;
  await cart.pass(2_000);
  const types = await cart.types(from);
  expect(types.slice(0, 2)).toEqual(['recording-resumed', 'unidentified-removal']);
  expect((await cart.ofType('recording-resumed', from))[0]?.body.gapMs).toBeGreaterThanOrEqual(120_000);
  await expectSound(cart);
});
