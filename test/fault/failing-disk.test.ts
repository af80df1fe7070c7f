import { execFile } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeEach, expect, test } from 'vitest';
import { recordedEnvironment, whyNoRecorder } from '../support/write-log/recorder.ts';
import type { Hardship } from './failing-station.ts';
import { scratch } from './recording.ts';

const STATION = fileURLToPath(new URL('failing-station.ts', import.meta.url));
const LONG = process.env['DOCKWARD_LONG'] !== undefined;
const TIMEOUT_MS = LONG ? 1_800_000 : 120_000;
/** Beyond what the station's work needs in bytes and in calls: the last ones must find nothing amiss. */
const ENOUGH_BYTES = 180_000;
const ENOUGH_CALLS = 180;
/** Odd, so that space ends in the middle of pages, frames and headers alike. */
const SPACE_STEP = LONG ? 61 : 1987;

const impossible = whyNoRecorder();
beforeEach((context) => {
  if (impossible !== undefined) context.skip(impossible);
});

async function endure(order: 'space' | 'fail', from: number, to: number, step: number): Promise<readonly Hardship[]> {
  const place = await scratch();
  try {
    const [folder, marks] = [join(place, 'stations'), join(place, 'marks')];
    await mkdir(folder);
    const args = [STATION, folder, marks, order, String(from), String(to), String(step)];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env: recordedEnvironment({ folder, marks }), maxBuffer: 1 << 28, timeout: TIMEOUT_MS });
    return stdout.trim().split('\n').map((line) => JSON.parse(line) as Hardship);
  } finally {
    await rm(place, { recursive: true });
  }
}

const kinds = (runs: readonly Hardship[]): readonly string[] => [...new Set(runs.flatMap(({ outcomes }) => outcomes))].sort();

test('a disk that is full at any size: "no-space" and nothing else, all acknowledged is there, and it goes on when there is room', async () => {
  const runs = await endure('space', 0, ENOUGH_BYTES, SPACE_STEP);
  expect(runs.length).toBe(Math.floor(ENOUGH_BYTES / SPACE_STEP) + 1);
  expect(runs.filter(({ after, fatal }) => after !== 'sound' || fatal > 0)).toEqual([]);
  expect(kinds(runs)).toEqual(['no-space', 'ok', 'opened']);
  expect([...new Set(runs.map(({ whileFull }) => whileFull))].sort()).toEqual(['no-space', 'opened']);
  // Once it opened it opens again, full or not.
  expect(runs.filter(({ outcomes, whileFull }) => outcomes[0] === 'opened' && whileFull !== 'opened')).toEqual([]);
  // The sweep began with no room at all, ended with enough, and met refusals between.
  expect(runs[0]?.outcomes).toEqual(['no-space']);
  expect(runs.at(-1)?.outcomes).toEqual(['opened', 'ok', 'ok', 'ok', 'ok', 'ok']);
  expect(new Set(runs.map(({ acknowledged }) => acknowledged)).size).toBeGreaterThan(5);
  expect(runs.some(({ outcomes }) => outcomes.indexOf('no-space') > 0 && outcomes.lastIndexOf('ok') > outcomes.indexOf('no-space'))).toBe(true);
}, TIMEOUT_MS);

test('any one call to the disk fails: nothing is acknowledged after it until the ledger is opened anew, and then all is there', async () => {
  const runs = await endure('fail', 1, ENOUGH_CALLS, 1);
  expect(runs.length).toBe(ENOUGH_CALLS);
  expect(runs.filter(({ after }) => after !== 'sound')).toEqual([]);
  const failed = runs.filter(({ outcomes }) => outcomes.includes('io'));
  expect(failed.length).toBeGreaterThan(40);
  for (const { number, outcomes, fatal } of failed) {
    expect({ number, fatal }).toEqual({ number, fatal: 1 });
    expect(outcomes.slice(outcomes.indexOf('io')), `call ${number}`).toEqual(outcomes.slice(outcomes.indexOf('io')).map(() => 'io'));
  }
  expect(new Set(failed.map(({ acknowledged }) => acknowledged)).size).toBe(5);
  expect(runs.filter(({ outcomes }) => outcomes[0]?.includes('SQLITE_IOERR')).length).toBeGreaterThan(30);
  expect(runs.at(-1)?.outcomes).toEqual(['opened', 'ok', 'ok', 'ok', 'ok', 'ok']);
}, TIMEOUT_MS);
