import { openSync, writeSync } from 'node:fs';
import sqlite3 from 'sqlite3';
import type { EntryDraft } from '../../app/domain/entries.ts';
import { projectEntry } from '../../app/domain/projection.ts';
import { admitted, heard, known, offered, open, released, returned } from '../storage/ward.ts';

/**
 * A station at work, to be run below the recorder. Says in marks what became durable:
 * `open <size>`, `calling <entries>` before a call and afterwards `call <first seq> <leaf>…` (one call's entries), `covered <size>`, `cosigned <size>`.
 */
const [path = '', marks = '', session = '', rounds = '1', synchronous = 'FULL', end = 'close', metadataBytes = '0', killAtCall = '0'] = process.argv.slice(2);
const marksFile = openSync(marks, 'a');
const mark = (line: string): void => {
  writeSync(marksFile, `${line}\n`);
};

mark(`!kill ${killAtCall}`);

// The ledger sets FULL in its own code and holds the only connection; another level exists only by changing its words here.
let replaced = 0;
const exec = sqlite3.Database.prototype.exec;
sqlite3.Database.prototype.exec = function (this: sqlite3.Database, sql: string, ...rest: never[]) {
  if (sql === 'PRAGMA synchronous = FULL') replaced += 1;
  return exec.call(this, sql.replace('synchronous = FULL', `synchronous = ${synchronous}`), ...rest);
};

const store = await open(path, { project: projectEntry });
if (replaced !== 1) throw new Error(`the ledger set synchronous = FULL ${replaced} times: this harness no longer knows where`);
mark(`open ${store.size()}`);

const LANES = 3;
const device = (lane: number): string => `T${lane}`;

async function call(lane: number, id: string, drafts: readonly EntryDraft[], padding = ''): Promise<void> {
  // The last entry of a call and its metadata carry the same word: half a transaction would part them.
  mark(`calling ${drafts.length + 1}`);
  const recorded = known(await store.append([...drafts, heard(`lane ${lane} ${id} ${padding}`)], { meta: { [`lane ${lane}`]: id } }));
  mark(`call ${recorded[0]?.seq} ${recorded.map((entry) => entry.leaf).join(' ')}`);
  if (drafts.some((draft) => draft.covered === true)) mark(`covered ${(recorded[0]?.seq ?? 0) + drafts.length}`);
}

async function visit(lane: number, id: string, padding: string): Promise<void> {
  await call(lane, `${id}-a`, [admitted(device(lane)), returned(device(lane), `r-${id}`)], padding);
  await call(lane, `${id}-b`, [offered(device(lane), `o-${id}`)]);
  await call(lane, `${id}-c`, [released(device(lane), `o-${id}`)]);
}

for (let round = 0; round < Number(rounds); round += 1) {
  const id = `${session}-${round}`;
  // A quiet cart, then a shift change: one call at a time, then all lanes at once, so that groups of every size are written.
  await visit(round % LANES, `${id}-q`, 'x'.repeat(round % 5 === 0 ? 7000 : 100));
  await Promise.all(Array.from({ length: LANES }, (_, lane) => visit(lane, `${id}-${lane}`, 'y'.repeat((lane * 211 + round * 97) % 900))));
  // Many pages in one transaction.
  known(await store.setMeta({ large: `${id} `.repeat(Number(metadataBytes) / (id.length + 1)) }));
  mark('metadata');
  if (round % 3 === 2) {
    known(await store.setAcked(store.size(), `— witness ${id}\n`, 1_790_000_000_000 + round));
    mark(`cosigned ${store.acked().size}`);
  }
}
if (end === 'kill') process.kill(process.pid, 'SIGKILL');
await store.close();
mark('closed');
