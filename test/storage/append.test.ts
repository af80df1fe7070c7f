import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openCheckpoint } from '../../app/ledger/checkpoint.ts';
import { NotRepresentable } from '../../app/ledger/canonical.ts';
import type { CartView } from '../../app/domain/tables.ts';
import { startVerification } from '../../app/ledger/verify.ts';
import type { Store } from '../../app/storage/store.ts';
import { admitted, assertSound, fold, handClock, heard, known, offered, open, ORIGIN, rebuilt, released, returned, rowsOf, RuleBroken, VERIFIER } from './ward.ts';

let folder: string;
let path: string;
let store: Store;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ledger-'));
  path = join(folder, 'ledger.db');
  store = await open(path);
});

afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

const custodyOf = (view: CartView, device: string) => view.get('device', device)?.custody.kind;

test('what was appended is there after a restart, with the same root, rows and chain', async () => {
  known(await store.append([admitted('T1'), returned('T1'), offered('T1', 'o1')]));
  known(await store.append([released('T1', 'o1')], { meta: { cursor: '17' } }));
  const before = { size: store.size(), root: store.root(), rows: rowsOf(store.view), checkpoint: store.latestCheckpoint() };
  await store.close();
  store = await open(path);
  expect({ size: store.size(), root: store.root(), rows: rowsOf(store.view), checkpoint: store.latestCheckpoint() }).toEqual(before);
  expect(store.getMeta('cursor')).toBe('17');
  expect(custodyOf(store.view, 'T1')).toBe('person');
  known(await store.append([returned('T1')]));
  await assertSound(store);
  expect(rowsOf(store.view)).toEqual(await rebuilt(store));
});

test('a fold that throws takes back its own entries and nobody else’s', async () => {
  known(await store.append([admitted('T1')]));
  const [before, broken, after] = await Promise.allSettled([
    store.append([returned('T1', 'r-before')]),
    store.append([admitted('T2'), returned('never admitted')], { meta: { lost: 'yes' } }),
    store.append([returned('T1', 'r-after')]),
  ]);
  expect(broken).toMatchObject({ status: 'rejected', reason: expect.any(RuleBroken) as RuleBroken });
  expect([before, after].map((settled) => settled.status === 'fulfilled' && known(settled.value)[0]?.seq)).toEqual([1, 2]);
  expect(store.size()).toBe(3);
  expect(store.view.get('device', 'T2')).toBeUndefined();
  expect(store.getMeta('lost')).toBeUndefined();
  await assertSound(store);
});

test('a draft that the ledger cannot hold rejects its own call only', async () => {
  const [long, good] = await Promise.allSettled([store.append([heard('x'.repeat(9000))]), store.append([heard('ok')])]);
  expect(long).toMatchObject({ status: 'rejected', reason: expect.any(NotRepresentable) as NotRepresentable });
  expect(good.status).toBe('fulfilled');
  expect(store.size()).toBe(1);
});

test('calls that wait share transactions and keep their order', async () => {
  known(await store.append([admitted('T1')]));
  const calls = Array.from({ length: 700 }, (_, index) => store.append(index % 7 === 0 ? [heard(`${index}a`), heard(`${index}b`)] : [heard(`${index}`)]));
  const results = (await Promise.all(calls)).map(known);
  const seqs = results.flatMap((entries) => entries.map((entry) => entry.seq));
  expect(seqs).toEqual(Array.from({ length: 800 }, (_, index) => index + 1));
  const causes = (await store.recorded(1, 1000)).map((entry) => entry.type === 'host-lost' && entry.body.cause);
  expect(causes.slice(0, 4)).toEqual(['0a', '0b', '1', '2']);
  expect(causes.at(-1)).toBe('699');
  await assertSound(store);
});

test('the fold sees what was staged before it, the view only what is durable', async () => {
  const seen: (string | undefined)[] = [];
  let mid: string | undefined = 'not looked yet';
  await store.close();
  store = await open(path, {
    project: (view, entry) => {
      seen.push(custodyOf(view, 'T1'));
      mid = custodyOf(store.view, 'T1');
      return fold(view, entry);
    },
  });
  known(await store.append([admitted('T1'), returned('T1')]));
  const appending = store.append([offered('T1', 'o1'), released('T1', 'o1'), heard('x')]);
  expect(custodyOf(store.view, 'T1')).toBe('cart');
  known(await appending);
  expect(seen).toEqual([undefined, 'unseen', 'cart', 'cart', 'person']);
  expect(mid).toBe('cart');
  expect(custodyOf(store.view, 'T1')).toBe('person');
  expect([...store.view.all('offer')]).toEqual([]);
});

test('rows are listed by key, whatever the order in which they came and went', async () => {
  const listed: string[][] = [];
  await store.close();
  store = await open(path, {
    project: (view, entry) => {
      listed.push(Array.from(view.all('device'), (row) => row.serial));
      return fold(view, entry);
    },
  });
  known(await store.append([admitted('T9'), admitted('T1'), admitted('T5'), heard('x')]));
  known(await store.append([admitted('T3'), heard('x')]));
  expect(listed.slice(3)).toEqual([['T1', 'T5', 'T9'], ['T1', 'T5', 'T9'], ['T1', 'T3', 'T5', 'T9']]);
  await store.close();
  store = await open(path);
  expect(Array.from(store.view.all('device'), (row) => row.serial)).toEqual(['T1', 'T3', 'T5', 'T9']);
});

test('an authorization has a checkpoint that covers it; what needs none gets none', async () => {
  known(await store.append([admitted('T1')]));
  expect(store.latestCheckpoint()).toBeUndefined();
  const [offer, other] = await Promise.all([store.append([offered('T1', 'o1')]), store.append([heard('x')])]);
  const checkpoint = store.latestCheckpoint();
  expect(known(offer)[0]?.seq).toBe(1);
  expect(known(other)[0]?.seq).toBe(2);
  expect(checkpoint?.size).toBe(3);
  const opened = known(openCheckpoint(checkpoint?.note ?? '', VERIFIER));
  expect(opened).toMatchObject({ origin: ORIGIN, size: 3 });
  expect(opened.root.toString('hex')).toBe(store.root());
});

test('a checkpoint asked for twice over the same entries is one', async () => {
  expect(known(await store.checkpoint()).size).toBe(0);
  known(await store.append([heard('x')]));
  const [first, second] = await Promise.all([store.checkpoint(), store.checkpoint()]);
  expect(known(first)).toEqual(known(second));
  expect(store.latestCheckpoint()).toEqual(known(first));
});

/** Sizes of all stored checkpoints, oldest first; each must be signed over exactly what stood there. */
async function checkpointSizes(): Promise<readonly number[]> {
  const sizes: number[] = [];
  for (let next = await store.checkpointUpTo(Number.MAX_SAFE_INTEGER); next; next = await store.checkpointUpTo(next.size - 1)) {
    const verification = startVerification();
    for (const { bytes } of await store.entries(0, next.size)) verification.push(bytes);
    expect(verification.finish(next.note, VERIFIER)).not.toHaveProperty('finding');
    sizes.unshift(next.size);
    if (next.size === 0) break;
  }
  return sizes;
}

test('one call of five hundred entries: a checkpoint stands at every sixty-fourth of them, as if they had come one by one', async () => {
  known(await store.append([heard('before'), heard('before')]));
  known(await store.append(Array.from({ length: 500 }, (_, n) => heard(`${n}`))));
  expect(await checkpointSizes()).toEqual([64, 128, 192, 256, 320, 384, 448]);
  await store.close();
  store = await open(path);
  for (let n = 0; n < 20; n += 1) known(await store.append([heard('one by one')]));
  expect((await checkpointSizes()).at(-1)).toBe(512);
});

test('large entries: a checkpoint after 128 KiB, counted on over a restart', async () => {
  const large = () => heard('x'.repeat(7_800));
  for (let n = 0; n < 10; n += 1) known(await store.append([large()]));
  await store.close();
  store = await open(path);
  known(await store.append(Array.from({ length: 10 }, large)));
  expect(await checkpointSizes()).toEqual([17]);
});

test('a long call breaks in its middle: none of its checkpoints is left, or the ledger would have signed two histories', async () => {
  const [broken, whole] = await Promise.allSettled([
    store.append([...Array.from({ length: 130 }, (_, n) => heard(`lost ${n}`)), returned('never admitted')]),
    store.append(Array.from({ length: 70 }, (_, n) => heard(`kept ${n}`))),
  ]);
  expect([broken.status, whole.status]).toEqual(['rejected', 'fulfilled']);
  expect(await checkpointSizes()).toEqual([64]);
});

test('everybody who is given a checkpoint finds it in the ledger, the one who asked first too', async () => {
  known(await store.append([heard('a')]));
  const [first, , second] = await Promise.all([store.checkpoint(), store.append([heard('b')]), store.checkpoint()]);
  expect([known(first).size, known(second).size]).toEqual([1, 2]);
  expect(await checkpointSizes()).toEqual([1, 2]);
});

test('what one device went through, newest last', async () => {
  known(await store.append([admitted('T1'), admitted('T2'), returned('T1', 'r-1'), returned('T2', 'r-2'), returned('T1', 'r-3')]));
  expect((await store.forDevice('T1', 2)).map((entry) => entry.seq)).toEqual([2, 4]);
  expect((await store.forDevice('T1', 99)).map((entry) => entry.seq)).toEqual([0, 2, 4]);
  expect(await store.forDevice('T3', 9)).toEqual([]);
  expect((await store.entries(3, 9)).map((entry) => entry.seq)).toEqual([3, 4]);
});

test('a clock set back leaves the order and the hybrid time standing', async () => {
  const clock = handClock();
  await store.close();
  store = await open(path, { clock });
  known(await store.append([heard('a')]));
  clock.wall -= 10 * 365 * 86_400_000;
  known(await store.append([heard('b'), heard('c')]));
  await store.close();
  store = await open(path, { clock });
  known(await store.append([heard('d')]));
  const times = (await store.recorded(0, 9)).map((entry) => entry.atMs);
  expect(new Set(times)).toEqual(new Set([1_790_000_000_001]));
  await assertSound(store);
});

test('the server’s acknowledgement survives a restart and never goes back', async () => {
  known(await store.append([heard('a'), heard('b')]));
  expect(store.acked()).toEqual({ size: 0 });
  known(await store.setAcked(2, '— witness x\n', 1_790_000_000_000));
  known(await store.setAcked(1, '— witness late\n', 1_790_000_009_000));
  await store.close();
  store = await open(path);
  expect(store.acked()).toEqual({ size: 2, cosignature: '— witness x\n', atMs: 1_790_000_000_000 });
  await expect(store.setAcked(3, '— witness fork\n', 1)).rejects.toThrow(RangeError);
  expect(store.acked().size).toBe(2);
});

test('metadata is replaced by key, alone or with an append', async () => {
  known(await store.setMeta({ bundle: 'v1', 'odd \' "key': 'zero \u0000 and \u{1f600}' }));
  known(await store.append([heard('a')], { meta: { bundle: 'v2' } }));
  expect(store.getMeta('bundle')).toBe('v2');
  await store.close();
  store = await open(path);
  expect(store.getMeta('bundle')).toBe('v2');
  expect(store.getMeta('odd \' "key')).toBe('zero \u0000 and \u{1f600}');
  expect(store.getMeta('nothing')).toBeUndefined();
});

test('closing waits for what was submitted and refuses what comes after', async () => {
  const last = store.append([heard('last')]);
  const closing = store.close();
  await expect(store.append([heard('late')])).rejects.toThrow('closed');
  await closing;
  expect(known(await last)[0]?.seq).toBe(0);
  store = await open(path);
  expect(store.size()).toBe(1);
});

test('who waits for new entries hears of each transaction that adds some, and of nothing else', async () => {
  let heard = 0;
  const stop = store.onGrowth(() => (heard += 1));
  known(await store.append([admitted('T1'), returned('T1')]));
  expect(heard).toBe(1);
  known(await store.setMeta({ cursor: '4' }));
  known(await store.checkpoint());
  await expect(store.append([returned('never admitted')])).rejects.toThrow(RuleBroken);
  expect(heard).toBe(1);
  stop();
  known(await store.append([offered('T1', 'o1')]));
  expect(heard).toBe(1);
});
