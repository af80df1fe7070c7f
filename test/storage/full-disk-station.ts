import { execFileSync } from 'node:child_process';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertSound, heard, known, offered, admitted, open, rebuilt, rowsOf, tryOpen } from './ward.ts';

/** Runs inside a mount namespace of its own with a 2 MB disk; prints what happened as JSON. */
const disk = process.argv[2] ?? '';
execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk]);
const path = join(disk, 'ledger.db');
const ballast = join(disk, 'ballast');
const report: Record<string, unknown> = {};

writeFileSync(ballast, Buffer.alloc(600_000));
let fatal = 0;
let store = await open(path, { onFatal: () => (fatal += 1) });
known(await store.append([admitted('T1')]));

/** Appends in groups, then entry by entry, until not even the smallest fits. */
const fill = async (): Promise<readonly string[]> => {
  const outcomes: string[] = [];
  for (const [lanes, length] of [[8, 2000], [2, 2000], [1, 10]] as const) {
    let last = 'ok';
    while (last === 'ok') {
      const drafts = (lane: number) => [heard('x'.repeat(length)), ...(lane === 1 ? [offered('T1', `o${store.size()}`)] : [])];
      const results = await Promise.all(Array.from({ length: lanes }, (_, lane) => store.append(drafts(lane))));
      for (const result of results) outcomes.push((last = result.ok ? 'ok' : result.reason));
    }
  }
  return outcomes;
};
const consistent = async (): Promise<boolean> => {
  const entries = await store.recorded(0, store.size() + 1);
  return entries.length === store.size() && JSON.stringify(rowsOf(store.view)) === JSON.stringify(await rebuilt(store));
};

report['first'] = [...new Set(await fill())].sort();
const sizeWhenFull = store.size();
report['stillFull'] = await store.append([heard('y')]).then((result) => (result.ok ? 'ok' : result.reason));
report['nothingHalfCommitted'] = store.size() === sizeWhenFull && (await consistent());

// The disk is full when the station starts again: what is there can still be read.
await store.close();
writeFileSync(ballast, Buffer.alloc(Math.max(0, 600_000 + statfsSync(disk).bavail * statfsSync(disk).bsize)));
const reopened = await tryOpen(path, { onFatal: () => (fatal += 1) });
report['reopenedFull'] = reopened.ok ? reopened.value.size() === sizeWhenFull : reopened.reason;
if (reopened.ok) store = reopened.value;
report['filledAgain'] = (await fill()).at(-1);
report['checkpointWhileFull'] = await store.checkpoint().then((result) => (result.ok ? store.latestCheckpoint()?.size === store.size() : result.reason === 'no-space'));
const sizeBeforeSpace = store.size();

// Space comes back without a restart.
rmSync(ballast);
report['afterSpace'] = known(await store.append([heard('back'), offered('T1', 'last')])).map((entry) => entry.seq - sizeBeforeSpace);
report['consistent'] = await consistent();
await assertSound(store);
report['fatal'] = fatal;
await store.close();

const fresh = join(disk, 'fresh.db');
writeFileSync(ballast, Buffer.alloc(statfsSync(disk).bavail * statfsSync(disk).bsize));
const impossible = await tryOpen(fresh);
report['newLedgerOnFullDisk'] = impossible.ok ? 'opened' : impossible.reason;
rmSync(ballast);

execFileSync('mount', ['-o', 'remount,ro', disk]);
const readOnly = await tryOpen(path);
report['readOnlyDisk'] = readOnly.ok ? 'opened' : readOnly.reason;
console.log(JSON.stringify(report));
