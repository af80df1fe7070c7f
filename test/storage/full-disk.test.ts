import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';

const STATION = fileURLToPath(new URL('full-disk-station.ts', import.meta.url));
const run = promisify(execFile);
const STATION_MS = 45_000;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'full-disk-'));
});

afterEach(() => rm(folder, { recursive: true }));

test('the disk fills up: "no-space", nothing half-committed, and all is well when space returns', async (context) => {
  const namespaces = await run('unshare', ['-Urm', 'mount', '-t', 'tmpfs', 'tmpfs', folder]).then(
    () => true,
    () => false,
  );
  if (!namespaces) context.skip('this machine allows no mount namespace (unshare -Urm), so no small disk can be made');
  // A station that never comes to an end must not outlive the test.
  const { stdout } = await run('unshare', ['-Urm', '--kill-child', process.execPath, STATION, folder], { timeout: STATION_MS });
  expect(JSON.parse(stdout)).toEqual({
    first: ['no-space', 'ok'],
    stillFull: 'no-space',
    nothingHalfCommitted: true,
    reopenedFull: true,
    filledAgain: 'no-space',
    checkpointWhileFull: true,
    afterSpace: [0, 1],
    consistent: true,
    fatal: 0,
    newLedgerOnFullDisk: 'no-space',
    readOnlyDisk: 'no-permission',
  });
}, 60_000);
