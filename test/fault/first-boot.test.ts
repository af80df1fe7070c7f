import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { createDisk, noDamage, SECTOR_BYTES, type Image } from '../support/write-log/disk.ts';
import { parseRecord, type Operation } from '../support/write-log/record.ts';
import { whyNoRecorder } from '../support/write-log/recorder.ts';
import { pointRandom } from './crash-points.ts';
import { judge, promisesIn } from './judge.ts';
import { LEDGER, recordStation, scratch } from './recording.ts';

const SEED = Number(process.env['DOCKWARD_FAULT_SEED'] ?? 1);
const CRASHES_PER_CALL = process.env['DOCKWARD_LONG'] === undefined ? 6 : 300;

const impossible = whyNoRecorder();
beforeEach((context) => {
  if (impossible !== undefined) context.skip(impossible);
});

/** All that a station does until its new ledger is open. */
async function firstBoot(): Promise<readonly Operation[]> {
  const operations = parseRecord(await recordStation([{ rounds: 0, end: 'kill', metadataBytes: 0 }], 'FULL'));
  return operations.slice(0, operations.findIndex((operation) => operation.kind === 'mark' && operation.text === 'open 0'));
}

async function judged(images: readonly Image[], operations: readonly Operation[]): Promise<readonly string[]> {
  const place = await scratch();
  const wrong: string[] = [];
  for (const [index, image] of images.entries()) {
    const folder = await mkdtemp(join(place, 'f'));
    const verdict = await judge(image, folder, { ...promisesIn(operations).at(0), ends: new Set([0]) });
    await rm(folder, { recursive: true });
    if (verdict.kind !== 'sound') wrong.push(`crash ${index}: ${verdict.why}`);
  }
  await rm(place, { recursive: true });
  return wrong;
}

test('the power fails while the file is being made and tears its first page: the journal beside it tells, and a new ledger opens', async () => {
  const operations = await firstBoot();
  const disk = createDisk();
  const firstPage = operations.findIndex((operation) => operation.kind === 'write' && operation.name === LEDGER);
  for (const operation of operations.slice(0, firstPage + 1)) disk.apply(operation);
  const files = disk.survives();
  const page = files.get(LEDGER) ?? Buffer.alloc(0);
  expect([...files.keys()].sort()).toEqual([LEDGER, `${LEDGER}-journal`]);
  expect(page.length).toBe(4096);
  const torn = Buffer.concat([Buffer.alloc(SECTOR_BYTES), page.subarray(SECTOR_BYTES)]);
  expect(await judged([new Map(files).set(LEDGER, torn), new Map(files).set(LEDGER, page.subarray(0, 50))], operations)).toEqual([]);
});

test('the power fails at any call of the first boot: there is no ledger yet, or a sound one', async () => {
  const operations = await firstBoot();
  const disk = createDisk();
  const images = operations.flatMap((operation, index) => {
    disk.apply(operation);
    return Array.from({ length: CRASHES_PER_CALL }, (_, crash) => disk.crash(pointRandom(SEED, index * CRASHES_PER_CALL + crash), noDamage()));
  });
  expect(images.length).toBeGreaterThan(200);
  expect(await judged(images, operations)).toEqual([]);
}, 300_000);
