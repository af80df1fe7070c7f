import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EntryDraft } from '../../app/domain/entries.ts';
import { projectEntry } from '../../app/domain/projection.ts';
import { createStation } from '../../app/station/station.ts';
import { openStore } from '../../app/storage/open.ts';
import type { Store } from '../../app/storage/store.ts';
import type { Row } from './ledger.ts';

const SHORT = 1_000;
const LONG = process.env['DOCKWARD_LONG'] === '1' ? 1_000_000 : 100_000;
const DEVICES = 16;
const WARM_UP = 3;
const TURNS = 21;
const clock = { wallMs: Date.now, monoMs: () => Math.floor(performance.now()), bootId: 'bench', after: (ms: number, call: () => void) => { const timer = setTimeout(call, ms); return () => clearTimeout(timer); } };

/**
 * A station's start, from opening its database to being ready for the first tap, with a long history beside a short one of the
 * same devices; turn by turn on the same disk, medians.
 */
export async function benchBoot(): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-boot-'));
  const { privateKey } = generateKeyPairSync('ed25519');
  const [short, long] = [join(folder, 'short.db'), join(folder, 'long.db')];
  try {
    await write(short, privateKey, SHORT);
    await write(long, privateKey, LONG);
    const times = { short: [] as number[], long: [] as number[] };
    for (let turn = -WARM_UP; turn < TURNS; turn += 1) {
      const [a, b] = [await boot(short, privateKey), await boot(long, privateKey)];
      if (turn < 0) continue;
      times.short.push(a);
      times.long.push(b);
    }
    const [value, floor] = [median(times.long), median(times.short)];
    return [{ name: `station boot with ${LONG} entries beside ${SHORT}`, value, unit: 'ms', floor, ratio: value / floor, goal: 'at most 1.2 ×', met: value <= 1.2 * floor }];
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function open(path: string, signingKey: KeyObject): Promise<Store> {
  const opened = await openStore({ path, station: 'bench', epoch: 1, origin: 'bench/station/bench/e1', signingKey, project: projectEntry, clock });
  if (!opened.ok) throw new Error(`the bench ledger cannot be opened: ${opened.reason}`);
  return opened.value;
}

async function write(path: string, key: KeyObject, entries: number): Promise<void> {
  const store = await open(path, key);
  while (store.size() < entries) {
    const from = store.size();
    const kept = await store.append(Array.from({ length: Math.min(200, entries - from) }, (_, n) => draft(from + n)));
    if (!kept.ok) throw new Error(`the bench disk fails: ${kept.reason}`);
    await store.checkpoint();
  }
  await store.close();
}

function draft(seq: number): EntryDraft {
  const [device, slot] = [`R52T1000${seq % DEVICES}`, 1 + (seq % DEVICES)];
  if (seq < DEVICES) return { type: 'device-admitted', device, body: { asset: `T-${slot}`, ward: '7e', model: 'Samsung SM-X306B', profile: 'ward-7-east', bundleVersion: 1 } };
  return { type: 'exposed', device, slot, body: { cause: 'unobserved', gapMs: 20_000 } };
}

/** Milliseconds of one start. */
async function boot(path: string, key: KeyObject): Promise<number> {
  const start = performance.now();
  const store = await open(path, key);
  const station = await createStation(
    {
      place: { tenant: 'bench', station: 'bench', ward: '7e', cart: 'Cart A', shelves: [Array.from({ length: DEVICES }, (_, n) => n + 1)], timeZone: 'UTC', language: 'en' },
      store,
      clock,
      program: 'bench',
      randomId: () => 'ab'.repeat(16),
      badgeHmacs: () => [],
      pins: { knows: () => true, check: () => Promise.resolve(false), renew: () => Promise.resolve(undefined) },
      rekeyed: () => undefined,
      keepBundle: () => Promise.resolve(),
      log: () => undefined,
      onFailure: (error) => {
        throw error;
      },
    },
    undefined,
  );
  const took = performance.now() - start;
  await station.stop();
  await store.close();
  return took;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
