import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openCheckpoint } from '../../app/ledger/checkpoint.ts';
import type { Store } from '../../app/storage/store.ts';
import { admitted, assertSound, heard, known, offered, open, rebuilt, released, returned, rowsOf, tryOpen, VERIFIER } from './ward.ts';

const APPENDER = fileURLToPath(new URL('appender.ts', import.meta.url));
const KILLS = 6;

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ledger-'));
  path = join(folder, 'ledger.db');
});

afterEach(() => rm(folder, { recursive: true }));

interface Run {
  /** Highest entry and highest authorization that were acknowledged. */
  readonly acknowledged: number;
  readonly offered: number;
}

/** Starts a station on the ledger and kills it after so many acknowledgements. */
async function runAndKill(run: number, afterLines: number): Promise<Run> {
  const child = spawn(process.execPath, [APPENDER, path, `run${run}`], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  let lines = 0;
  let acknowledged = -1;
  let lastOffer = -1;
  for await (const line of createInterface({ input: child.stdout })) {
    const [word, number] = line.split(' ');
    lines += 1;
    if (word !== 'open') acknowledged = Math.max(acknowledged, Number(number));
    if (word === 'offer') lastOffer = Math.max(lastOffer, Number(number));
    if (lines === afterLines) child.kill('SIGKILL');
  }
  expect(await exited).toEqual([null, 'SIGKILL']);
  return { acknowledged, offered: lastOffer };
}

async function expectWhole(store: Store): Promise<void> {
  const entries = await store.recorded(0, store.size() + 1);
  expect(entries.map((entry) => entry.seq)).toEqual(entries.map((_, index) => index));
  const authorizations = entries.filter((entry) => entry.type === 'offered');
  const last = authorizations.at(-1);
  // No authorization without the checkpoint that covers it, and no checkpoint over entries that are not there.
  expect(store.latestCheckpoint()?.size ?? 0).toBeGreaterThan(last?.seq ?? -1);
  expect(store.latestCheckpoint()?.size ?? 0).toBeLessThanOrEqual(entries.length);
  if (store.latestCheckpoint() !== undefined) expect(openCheckpoint(store.latestCheckpoint()?.note ?? '', VERIFIER).ok).toBe(true);
  expect(rowsOf(store.view)).toEqual(await rebuilt(store));
  await assertSound(store);
}

test('a station killed in the middle of appends, again and again: nothing acknowledged is missing, no hole, no half call', async () => {
  for (let run = 0; run < KILLS; run += 1) {
    const { acknowledged, offered: lastOffer } = await runAndKill(run, 25 + run * 37);
    const store = await open(path);
    expect(store.size()).toBeGreaterThan(acknowledged);
    await expectWhole(store);
    const entries = await store.recorded(0, store.size());
    for (let lane = 0; lane < 6; lane += 1) {
      // Each lane's metadata names the last offer that was committed with it.
      const named = store.getMeta(`lane ${lane}`);
      const offers = entries.flatMap((entry) => (entry.type === 'offered' && entry.body.offer.startsWith(`run${run}-${lane}-`) ? [entry.body.offer] : []));
      if (offers.length > 0) expect(named).toBe(offers.at(-1));
    }
    expect(lastOffer).toBeGreaterThanOrEqual(0);
    await store.close();
  }
}, 120_000);

test('while one station runs, another process cannot open its ledger; once it is dead, it can', async () => {
  const child = spawn(process.execPath, [APPENDER, path, 'only'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  await once(child.stdout, 'data');
  child.stdout.resume();
  expect(await tryOpen(path)).toEqual({ ok: false, reason: 'locked' });
  child.kill('SIGKILL');
  await exited;
  const store = await open(path);
  await store.close();
});

test('the power goes at any byte of the WAL: the ledger is whole up to some transaction, authorizations with their checkpoints', async () => {
  const original = join(folder, 'original.db');
  const store = await open(original);
  const sizes = [0];
  for (let turn = 0; turn < 4; turn += 1) {
    known(await store.append([admitted(`T${turn}`), returned(`T${turn}`)]));
    sizes.push(store.size());
    known(await store.append([offered(`T${turn}`, `o${turn}`), heard('x'.repeat(turn * 900))]));
    sizes.push(store.size());
    known(await store.append([released(`T${turn}`, `o${turn}`)]));
    sizes.push(store.size());
  }
  const database = await readFile(original);
  const wal = await readFile(`${original}-wal`);
  await copyFile(original, path);
  await store.close();

  const FRAME = 24 + 4096;
  const found = new Set<number>();
  for (let end = 32; end <= wal.length; end += FRAME) {
    for (const cut of [end, end + 24 + 512]) {
      await writeFile(path, database);
      await writeFile(`${path}-wal`, wal.subarray(0, Math.min(cut, wal.length)));
      const survivor = await open(path);
      found.add(survivor.size());
      expect(sizes).toContain(survivor.size());
      await expectWhole(survivor);
      await survivor.close();
    }
  }
  // Each transaction is the last survivor of some cut: the cuts were not all in one place.
  expect([...found].sort((a, b) => a - b)).toEqual(sizes);
}, 120_000);
