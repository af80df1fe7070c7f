import { readFile } from 'node:fs/promises';
import { beforeEach, expect, test } from 'vitest';
import { whyNoRecorder } from '../support/write-log/recorder.ts';
import { createDisk, noDamage } from '../support/write-log/disk.ts';
import { parseRecord, type Operation } from '../support/write-log/record.ts';
import { crashPoints, pointRandom, replay, toReplay } from './crash-points.ts';
import { recordStation, type Session, type Synchronous } from './recording.ts';

const LONG = process.env['DOCKWARD_LONG'] !== undefined;
const SEED = Number(process.env['DOCKWARD_FAULT_SEED'] ?? 1);
const POINTS = Number(process.env['DOCKWARD_FAULT_POINTS'] ?? (LONG ? 10_000 : 500));
const LOWERED_POINTS = LONG ? 2_000 : 120;
const ONLY = process.env['DOCKWARD_FAULT_POINT'];
const KEPT_LOG = process.env['DOCKWARD_FAULT_LOG'];
const TIMEOUT_MS = LONG ? 1_800_000 : 120_000;

/** Enough for the WAL to reach its checkpoint of 1000 pages within the long session. */
const METADATA_BYTES = 200_000;
/** A first boot that is killed, a recovery with a clean end, a shift long enough for a checkpoint of its own, a recovery after it. */
const WORK: readonly Session[] = [
  { rounds: 2, end: 'kill', metadataBytes: METADATA_BYTES },
  { rounds: 2, end: 'close', metadataBytes: METADATA_BYTES },
  { rounds: 13, end: 'kill', metadataBytes: METADATA_BYTES },
  { rounds: 2, end: 'kill', metadataBytes: METADATA_BYTES },
];

let fullLog: Promise<Buffer> | undefined;
const recorded = (): Promise<Buffer> => (fullLog ??= KEPT_LOG === undefined ? recordStation(WORK, 'FULL') : readFile(KEPT_LOG));

const impossible = whyNoRecorder();
beforeEach((context) => {
  if (impossible !== undefined) context.skip(impossible);
});

test('the power fails: no acknowledged entry is lost, and the ledger always opens', async () => {
  const log = await recorded();
  const result = await replay(log, POINTS, SEED, ONLY === undefined ? undefined : Number(ONLY));
  const findings = [...result.lost, ...result.corrupt];
  expect(findings.length, await toReplay(log, POINTS, SEED, findings, KEPT_LOG)).toBe(0);
  if (ONLY !== undefined) return;
  expect(result.points).toBe(POINTS);
  // Were there nothing to lose, nothing would have been shown.
  const { pending, dropped, torn, reordered, names } = result.damage;
  expect(pending).toBeGreaterThan(POINTS * 10);
  expect(dropped).toBeGreaterThan(POINTS * 3);
  expect(torn).toBeGreaterThan(POINTS / 2);
  expect(reordered).toBeGreaterThan(POINTS);
  expect(names).toBeGreaterThan(POINTS / 100);
}, TIMEOUT_MS);

test('the recorded work has what a ledger does in its life: first boot, recovery, a checkpoint under way, a WAL begun anew', async () => {
  const operations = parseRecord(await recorded());
  const texts = operations.map((operation) => {
    if (operation.kind === 'mark') return operation.text;
    return 'name' in operation ? `${operation.kind} ${operation.name}` : operation.kind;
  });
  const count = (matches: (text: string) => boolean): number => texts.filter(matches).length;
  expect(count((text) => text.startsWith('open '))).toBe(WORK.length);
  expect(count((text) => text === 'closed')).toBe(1);
  expect(count((text) => text.startsWith('covered '))).toBeGreaterThan(50);
  expect(count((text) => text.startsWith('cosigned '))).toBeGreaterThan(3);
  expect(count((text) => text === 'sync ledger.db')).toBeGreaterThanOrEqual(4);
  expect(count((text) => text === 'unlink ledger.db-wal')).toBe(1);
  const sizes = operations.flatMap((operation) => (operation.kind === 'mark' && operation.text.startsWith('call ') ? [operation.text.split(' ').length - 2] : []));
  expect(new Set(sizes)).toEqual(new Set([2, 3]));
  // In the long session the WAL is begun anew after a checkpoint, with acknowledgements before and after.
  const opens = operations.flatMap((operation, index) => (operation.kind === 'mark' && operation.text.startsWith('open ') ? [index] : []));
  const [begin = 0, end = 0] = opens.slice(2);
  const beginsWal = (operation: Operation): boolean => operation.kind === 'write' && operation.name === 'ledger.db-wal' && operation.offset === 0;
  const beginnings = operations.slice(begin, end).flatMap((operation, index) => (beginsWal(operation) ? [index] : []));
  expect(beginnings.length).toBeGreaterThan(0);
  const after = operations.slice(begin + (beginnings.at(-1) ?? 0), end).filter((operation) => operation.kind === 'mark');
  expect(after.length).toBeGreaterThan(10);
}, TIMEOUT_MS);

const lowered = async (synchronous: Synchronous) => replay(await recordStation(WORK, synchronous), LOWERED_POINTS, SEED);

test('this harness is red with synchronous=NORMAL: acknowledged entries are lost at more than 30 % of the points', async () => {
  const { points, lost, corrupt } = await lowered('NORMAL');
  expect(points).toBe(LOWERED_POINTS);
  expect(lost.length).toBeGreaterThan(points * 0.3);
  expect(corrupt).toEqual([]);
}, TIMEOUT_MS);

test('this harness is red with synchronous=OFF: ledgers are corrupt', async () => {
  const { points, lost, corrupt } = await lowered('OFF');
  expect(lost.length + corrupt.length).toBeGreaterThan(points * 0.6);
  expect(corrupt.length).toBeGreaterThan(points * 0.1);
}, TIMEOUT_MS);

test('a seed and a log give the same crash again, bit for bit', async () => {
  const operations = parseRecord(await recordStation([{ rounds: 1, end: 'kill', metadataBytes: METADATA_BYTES }], 'OFF'));
  const crashes = () => {
    const disk = createDisk();
    for (const operation of operations) disk.apply(operation);
    const crash = (point: number) => Array.from(disk.crash(pointRandom(SEED, point), noDamage()), ([name, bytes]) => [name, bytes.toString('base64')]);
    return Array.from({ length: 20 }, (_, point) => JSON.stringify(crash(point)));
  };
  const first = crashes();
  expect(crashes()).toEqual(first);
  expect(new Set(first).size).toBeGreaterThan(10);
  expect(crashPoints(operations, 50, SEED)).toEqual(crashPoints(operations, 50, SEED));
  expect(crashPoints(operations, 50, SEED)).not.toEqual(crashPoints(operations, 50, SEED + 1));
}, TIMEOUT_MS);
