import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { EntryDraft } from '../../app/domain/entries.ts';
import type { Change } from '../../app/domain/tables.ts';
import { checkpointText } from '../../app/ledger/checkpoint.ts';
import { EMPTY_ROOT } from '../../app/ledger/merkle.ts';
import { openStore } from '../../app/storage/open.ts';
import { openDatabase, type Database, type Statement } from '../../app/storage/sqlite.ts';
import type { Project, Store } from '../../app/storage/store.ts';

/** One figure beside its floor, both measured in the same run. `ratio` is value ÷ floor, `goal` the ratio to be met. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly floor: number;
  readonly ratio: number;
  readonly goal: string;
  readonly met: boolean;
}

const WARM_UP = 200;
const APPENDS = 1500;
const ROUNDS = 15;
const GROUPED = 4000;
const ROWS_PER_TRANSACTION = 100;
const WAITING = 512;
const DEVICES = 16;

/**
 * The ledger against plain SQLite on the same disk, turn by turn, so that a slow moment of the machine hits both.
 * Medians of all turns after a warm-up.
 */
export async function benchLedger(): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-ledger-'));
  const floor = await openFloor(join(folder, 'floor.db'));
  const store = await openLedger(join(folder, 'ledger.db'));
  const bytes = await sampleBytes(store);
  const times = { insert: [] as number[], append: [] as number[], covered: [] as number[], floorRate: [] as number[], groupRate: [] as number[] };
  try {
    for (let turn = -WARM_UP; turn < APPENDS; turn += 1) {
      const insert = await milliseconds(() => floor.insert.run([bytes]));
      const append = await milliseconds(() => appended(store, [returned(turn + WARM_UP)]));
      const covered = await milliseconds(() => appended(store, [{ ...returned(turn + WARM_UP), covered: true }]));
      if (turn < 0) continue;
      times.insert.push(insert);
      times.append.push(append);
      times.covered.push(covered);
    }
    for (let round = -1; round < ROUNDS; round += 1) {
      const floorRate = GROUPED / (await milliseconds(() => insertRows(floor, bytes)));
      const groupRate = GROUPED / (await milliseconds(() => appendConcurrently(store)));
      if (round < 0) continue;
      times.floorRate.push(floorRate * 1000);
      times.groupRate.push(groupRate * 1000);
    }
  } finally {
    await store.close();
    await floor.database.close();
    await rm(folder, { recursive: true });
  }
  const signature = signatureMs();
  const insert = median(times.insert);
  const covered = median(times.covered);
  return [
    row('durable append, one entry', median(times.append), 'ms', insert, 2, 'at most'),
    // The extra over the plain insert is one signature, which is its own row.
    row('durable append with its covering checkpoint', covered, 'ms', insert + signature, 2, 'at most'),
    row('append throughput, group commit', median(times.groupRate), 'entries/s', median(times.floorRate), 0.5, 'at least'),
    row('one Ed25519 signature of a checkpoint', signature, 'ms', signature, 1, 'at most'),
  ];
}

interface Floor {
  readonly database: Database;
  readonly insert: Statement;
}

/** SQLite with the ledger's settings, one blob per row and nothing else. */
async function openFloor(path: string): Promise<Floor> {
  const database = await openDatabase(path, 'own');
  await database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  await database.exec('CREATE TABLE plain (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)');
  return { database, insert: await database.prepare('INSERT INTO plain (bytes) VALUES (?)') };
}

/** The fold that every return makes: one device row. */
const project: Project = (_view, entry) => {
  if (entry.device === undefined) return [];
  const change: Change = {
    table: 'device',
    key: entry.device,
    row: {
      serial: entry.device, asset: 'A-1', ward: 'w1', model: 'Tab', profile: 'p1', standing: 'admitted', evidence: {},
      custody: { kind: 'cart', slot: entry.slot ?? 1, sinceMs: entry.atMs },
      exposure: { leaf: entry.leaf, seq: entry.seq, cause: 'release', atMs: entry.atMs },
    },
  };
  return [change];
};

async function openLedger(path: string): Promise<Store> {
  const opened = await openStore({
    path, project, station: 'cart-7', epoch: 1, origin: 'bench/station/cart-7/e1', signingKey: generateKeyPairSync('ed25519').privateKey,
    clock: { wallMs: () => Date.now(), monoMs: () => performance.now(), bootId: '0'.repeat(36) },
  });
  if (!opened.ok) throw new Error(`the bench ledger cannot be opened: ${opened.reason}`);
  return opened.value;
}

const returned = (turn: number): EntryDraft => ({
  type: 'returned', device: `R52T1000${turn % DEVICES}`, actor: 'ab'.repeat(32), slot: 1 + (turn % DEVICES),
  body: { release: `release-${turn}`, how: 'return' },
});

async function appended(store: Store, drafts: readonly EntryDraft[]): Promise<void> {
  const result = await store.append(drafts);
  if (!result.ok) throw new Error(`the bench disk fails: ${result.reason}`);
}

async function sampleBytes(store: Store): Promise<Buffer> {
  await appended(store, [returned(0)]);
  const [first] = await store.entries(0, 1);
  if (first === undefined) throw new Error('the first entry is gone');
  return first.bytes;
}

/** What a station under load does: always as many calls waiting as fit into two groups, one entry each. */
async function appendConcurrently(store: Store): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < GROUPED) await appended(store, [returned((next += 1))]);
  };
  await Promise.all(Array.from({ length: WAITING }, lane));
}

async function insertRows({ database, insert }: Floor, bytes: Buffer): Promise<void> {
  for (let done = 0; done < GROUPED; done += ROWS_PER_TRANSACTION) {
    // Queued without waiting: the package runs them in order on the one connection.
    const work = [database.exec('BEGIN')];
    await work[0];
    for (let count = 0; count < ROWS_PER_TRANSACTION; count += 1) work.push(insert.run([bytes]));
    await Promise.all(work);
    await database.exec('COMMIT');
  }
}

/** Milliseconds of one signature over a checkpoint's text. */
function signatureMs(): number {
  const { privateKey } = generateKeyPairSync('ed25519');
  const text = Buffer.from(checkpointText('bench/station/cart-7/e1', 123_456, EMPTY_ROOT));
  const times: number[] = [];
  for (let turn = 0; turn < 2000; turn += 1) {
    const start = performance.now();
    sign(null, text, privateKey);
    times.push(performance.now() - start);
  }
  return median(times);
}

async function milliseconds(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

function row(name: string, value: number, unit: string, floor: number, goal: number, sense: 'at most' | 'at least'): Row {
  const ratio = value / floor;
  return { name, value, unit, floor, ratio, goal: `${sense} ${goal} ×`, met: sense === 'at most' ? ratio <= goal : ratio >= goal };
}
