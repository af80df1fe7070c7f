import { openSync, writeSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { EntryDraft } from '../../app/domain/entries.ts';
import { projectEntry } from '../../app/domain/projection.ts';
import { openStore } from '../../app/storage/open.ts';
import { admitted, heard, offered, optionsFor, released, returned } from '../storage/ward.ts';
import { judgeFolder } from './judge.ts';
import { LEDGER } from './recording.ts';

/**
 * A station on a disk that fails, below the recorder: once per number given, in a folder of its own. Prints one line of JSON
 * per number. `space N`: the disk has room for N more bytes. `fail N`: the N-th call that changes the disk fails with EIO.
 */
export interface Hardship {
  readonly number: number;
  /** How opening went, then each append, in order. */
  readonly outcomes: readonly string[];
  readonly fatal: number;
  /** Entries. */
  readonly acknowledged: number;
  /** Opened again on the disk as it still is, where that is full. */
  readonly whileFull: string;
  readonly after: string;
}

/** Each call stands by itself, so that one can be refused and the next one fit. */
const CALLS: readonly (readonly EntryDraft[])[] = [
  [admitted('T1'), returned('T1')],
  [heard('x'.repeat(6000))],
  [admitted('T2'), offered('T2', 'o1')],
  [admitted('T3'), released('T3', 'o1'), heard('y'.repeat(3000))],
  [heard('small')],
];

const [folder = '', marks = '', order = 'space', from = '0', to = '0', step = '1'] = process.argv.slice(2);
const marksFile = openSync(marks, 'a');
const tell = (line: string): void => {
  writeSync(marksFile, `${line}\n`);
};

for (let number = Number(from); number <= Number(to); number += Number(step)) process.stdout.write(`${JSON.stringify(await endure(number))}\n`);

async function endure(number: number): Promise<Hardship> {
  const place = join(folder, String(number));
  await mkdir(place);
  const path = join(place, LEDGER);
  const options = (onFatal: () => void) => optionsFor(path, { project: projectEntry, onFatal });
  let fatal = 0;
  let size = 0;
  const outcomes: string[] = [];
  const leaves: string[] = [];
  const ends = new Set<number>();

  tell(`!${order} ${number}`);
  const opened = await openStore(options(() => (fatal += 1))).catch((error: unknown) => String(error));
  if (typeof opened === 'string') outcomes.push(opened);
  else if (!opened.ok) outcomes.push(opened.reason);
  else {
    outcomes.push('opened');
    const store = opened.value;
    for (const drafts of CALLS) {
      const result = await store.append(drafts, { meta: { last: String(drafts.length) } });
      // After "io" nobody knows: that call may be there, but whole. After "no-space" it is not.
      if (!result.ok && result.reason === 'io' && !outcomes.includes('io')) ends.add(size + drafts.length);
      outcomes.push(result.ok ? 'ok' : result.reason);
      if (!result.ok) continue;
      for (const { seq, leaf } of result.value) leaves[seq] = leaf;
      size = store.size();
    }
    ends.add(size);
    await store.close().catch((error: unknown) => outcomes.push(`closing: ${String(error)}`));
  }
  let whileFull = '';
  if (order === 'space') {
    const again = await openStore(options(() => undefined)).catch((error: unknown) => String(error));
    whileFull = typeof again === 'string' ? again : again.ok ? (again.value.size() >= size ? 'opened' : 'lost') : again.reason;
    if (typeof again !== 'string' && again.ok) await again.value.close();
  }
  tell(`!${order} ${order === 'space' ? -1 : 0}`);
  if (ends.size === 0) ends.add(0);
  const verdict = await judgeFolder(place, { leaves, ends, acknowledged: size, covered: 0, cosigned: 0 });
  await rm(place, { recursive: true });
  return { number, outcomes, fatal, acknowledged: size, whileFull, after: verdict.kind === 'sound' ? 'sound' : `${verdict.kind}: ${verdict.why}` };
}
