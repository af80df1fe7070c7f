import { recordedEntry, type LedgerEntry } from '../ledger/entry.ts';
import { rootOf } from '../ledger/merkle.ts';
import type { LedgerKeys } from './ledger-keys.ts';
import { blob, integer, type Loaded } from './load.ts';
import type { Database, Row, Statement } from './sqlite.ts';
import { createProver } from './prover.ts';
import { openStage } from './staging.ts';
import type { Store, StoreOptions } from './store.ts';
import { createWriter } from './writer.ts';

export interface StoreParts {
  readonly database: Database;
  readonly loaded: Loaded;
  readonly keys: LedgerKeys;
  readonly options: StoreOptions;
  readonly insertBatch: Statement;
}

/** The store over an opened database: reads by SQL, writes through the one writer. */
export function composeStore({ database, loaded, keys: opened, options, insertBatch }: StoreParts): Store {
  const { projections, meta } = loaded;
  let { head } = loaded;
  let keys = opened;
  const hearers = new Set<() => void>();

  const writer = createWriter({
    insertBatch,
    openStage: () => openStage(head, projections, keys, options),
    committed: (stage) => {
      const { size } = head.frontier;
      stage.publish(projections, meta);
      head = stage.head();
      keys = stage.keys();
      if (head.frontier.size > size) for (const heard of hearers) heard();
    },
    onFatal: (error) => options.onFatal?.(error),
  });

  return {
    append(drafts, { meta: values } = {}) {
      return writer.submit(drafts.length, (stage) => {
        if (values !== undefined) stage.setMeta(values);
        return drafts.map((draft) => stage.record(draft));
      });
    },
    view: { get: projections.get, all: projections.all },
    size: () => head.frontier.size,
    onGrowth(heard) {
      hearers.add(heard);
      return () => hearers.delete(heard);
    },
    root: () => rootOf(head.frontier).toString('hex'),
    latestCheckpoint: () => head.checkpoint,
    async checkpointUpTo(size) {
      const row = await database.get('SELECT size, note FROM checkpoint WHERE size <= ? ORDER BY size DESC LIMIT 1', [size]);
      return row && { size: integer(row, 'size'), note: String(row['note']) };
    },
    checkpoint: () => writer.submit(0, (stage) => stage.checkpoint()),
    keyRanges: () => keys.ranges,
    rotateKey(next, { meta: values } = {}) {
      return writer.submit(1, (stage) => {
        if (values !== undefined) stage.setMeta(values);
        return stage.rotateKey(next);
      });
    },
    async entries(from, limit) {
      const rows = await database.all('SELECT seq, bytes FROM entry WHERE seq >= ? ORDER BY seq LIMIT ?', [from, limit]);
      return rows.map((row) => ({ seq: integer(row, 'seq'), bytes: blob(row, 'bytes') }));
    },
    async recorded(from, limit) {
      const rows = await database.all('SELECT leaf, bytes FROM entry WHERE seq >= ? ORDER BY seq LIMIT ?', [from, limit]);
      return rows.map(recordedRow);
    },
    async forDevice(serial, limit) {
      const rows = await database.all('SELECT leaf, bytes FROM entry WHERE device = ? ORDER BY seq DESC LIMIT ?', [serial, limit]);
      return rows.map(recordedRow).reverse();
    },
    inclusionProof: createProver(database),
    acked: () => head.acked,
    setAcked: (size, cosignature, atMs) => writer.submit(0, (stage) => stage.acknowledge({ size, cosignature, atMs })),
    getMeta: (name) => meta.get(name),
    setMeta: (values) => writer.submit(0, (stage) => stage.setMeta(values)),
    async close() {
      await writer.close();
      await database.close();
    },
  };
}

/** Our own bytes, written by `buildEntry`: whether they are still intact is for `verify` to find. */
const recordedRow = (row: Row) => recordedEntry(JSON.parse(blob(row, 'bytes').toString()) as LedgerEntry, blob(row, 'leaf'));
