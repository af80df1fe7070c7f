import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { createDisk } from '../support/write-log/disk.ts';
import { parseRecord, type Operation } from '../support/write-log/record.ts';
import { whyNoRecorder } from '../support/write-log/recorder.ts';
import { judge, promisesIn } from './judge.ts';
import { recordStation, scratch, type Session } from './recording.ts';

const LONG = process.env['DOCKWARD_LONG'] !== undefined;
const TIMEOUT_MS = LONG ? 1_800_000 : 120_000;
const METADATA_BYTES = 10_000;
/** A first boot, a recovery and a clean end: every call of them is a step at which to die. */
const WORK: readonly Session[] = [
  { rounds: 1, end: 'kill', metadataBytes: METADATA_BYTES },
  { rounds: 1, end: 'close', metadataBytes: METADATA_BYTES },
];
/** Calls between one real kill and the next; a prime, so that every kind of call has its turn. */
const KILL_EVERY = LONG ? 1 : 37;

const impossible = whyNoRecorder();
beforeEach((context) => {
  if (impossible !== undefined) context.skip(impossible);
});

const changesFiles = (operation: Operation | undefined): boolean => operation !== undefined && ['write', 'truncate', 'create', 'unlink'].includes(operation.kind);

/** Starts the store on what is there after each step at which the files changed; returns how many there were and what was wrong. */
async function judgeEveryStep(operations: readonly Operation[], from: number): Promise<{ readonly steps: number; readonly wrong: readonly string[] }> {
  const promises = promisesIn(operations);
  const disk = createDisk();
  const wrong: string[] = [];
  let steps = 0;
  const place = await scratch();
  for (const [index, operation] of operations.entries()) {
    disk.apply(operation);
    // Up to the next change the files stay as they are, and all that is promised meanwhile must be in them.
    const last = index === operations.length - 1;
    if (index < from || !(last || changesFiles(operations[index + 1]))) continue;
    const folder = await mkdtemp(join(place, 's'));
    const verdict = await judge(disk.survives(), folder, promises.at(index + 1));
    await rm(folder, { recursive: true });
    steps += 1;
    if (verdict.kind !== 'sound') wrong.push(`after operation ${index + 1}: ${verdict.kind}, ${verdict.why}`);
  }
  await rm(place, { recursive: true });
  return { steps, wrong };
}

test('killed after any of its calls, at first boot, while appending, recovering or closing: all acknowledged is there', async () => {
  const operations = parseRecord(await recordStation(WORK, 'FULL'));
  const { steps, wrong } = await judgeEveryStep(operations, 0);
  expect(wrong).toEqual([]);
  expect(steps).toBe(operations.filter((operation, index) => index > 0 && changesFiles(operation)).length + 1);
  expect(steps).toBeGreaterThan(200);
}, TIMEOUT_MS);

test('really killed in the middle of a call: what was acknowledged is there, and half a write does no harm', async () => {
  let kills = 0;
  let acknowledged = 0;
  for (let call = 1; ; call += KILL_EVERY) {
    const operations = parseRecord(await recordStation([{ rounds: 1, end: 'close', metadataBytes: METADATA_BYTES, killAtCall: call }], 'FULL'));
    const { wrong } = await judgeEveryStep(operations, operations.length - 1);
    expect(wrong, `killed at call ${call}`).toEqual([]);
    acknowledged = Math.max(acknowledged, promisesIn(operations).at(operations.length).acknowledged);
    if (operations.at(-1)?.kind === 'mark' && operations.some((operation) => operation.kind === 'mark' && operation.text === 'closed')) break;
    kills += 1;
  }
  expect(kills).toBeGreaterThan(LONG ? 150 : 4);
  expect(acknowledged).toBeGreaterThan(20);
}, TIMEOUT_MS);
