import type { KeyObject } from 'node:crypto';
import type { EntryDraft, RecordedEntry } from '../domain/entries.ts';
import { signCheckpoint } from '../ledger/checkpoint.ts';
import { buildEntry, nextHybridTime, recordedEntry } from '../ledger/entry.ts';
import { ROTATION_ENTRY, signRotation } from '../ledger/key-rotation.ts';
import { append, HASH_BYTES, frontierBytes, rootOf, type Hash } from '../ledger/merkle.ts';
import type { Head } from './head.ts';
import { rotatedKeys, type LedgerKeys } from './ledger-keys.ts';
import { createOverlay, type Overlay, type Projections } from './projections.ts';
import type { SqlValue } from './sqlite.ts';
import type { Acknowledged, SignedCheckpoint, StoreOptions } from './store.ts';

/**
 * Never more than this stands uncovered: the store signs on the way, inside a long call too. Far below what one upload takes
 * (UPLOAD_MAX_ENTRIES, UPLOAD_MAX_BYTES), so that every upload has a checkpoint to end at.
 */
export const CHECKPOINT_EVERY_ENTRIES = 64;
export const CHECKPOINT_EVERY_BYTES = 128 * 1024;

/** Whether a checkpoint is due after `entries` entries of `bytes` bytes without one. */
export const isCheckpointDue = (entries: number, bytes: number): boolean => entries >= CHECKPOINT_EVERY_ENTRIES || bytes >= CHECKPOINT_EVERY_BYTES;

/** What one transaction is going to write, in memory, while calls are added to it. */
export interface Stage {
  readonly head: () => Head;
  /** Which sign after this transaction. */
  readonly keys: () => LedgerKeys;
  readonly changed: () => boolean;
  /** Runs one call's work on the stage. If it throws, nothing of that call remains. */
  attempt<T>(work: (draft: StageDraft) => T): T;
  /** Signs the checkpoint that a covered draft asked for, over the whole group. To be called once, after the last call. */
  seal(): void;
  /** The values of the one INSERT into `batch`. */
  values(): readonly SqlValue[];
  /** Applies the stage to the projections in memory, once it is durable. */
  publish(projections: Projections, meta: Map<string, string>): void;
}

/** What a call may do to the transaction it takes part in. */
export interface StageDraft {
  record(draft: EntryDraft): RecordedEntry;
  setMeta(values: Readonly<Record<string, string>>): void;
  acknowledge(acked: Acknowledged): void;
  /** Records that `next` signs checkpoints of more entries than stand now. */
  rotateKey(next: KeyObject): RecordedEntry;
  /** The checkpoint over everything staged so far; signed now unless it exists. */
  checkpoint(): SignedCheckpoint;
}

interface StagedEntry {
  readonly bytes: Buffer;
  readonly leaf: Hash;
  readonly device: string | undefined;
}

export function openStage(from: Head, projections: Projections, before: LedgerKeys, options: StoreOptions): Stage {
  const overlay = createOverlay(projections);
  const entries: StagedEntry[] = [];
  const checkpoints: SignedCheckpoint[] = [];
  const meta = new Map<string, string>();
  let head = from;
  let keys = before;
  let coverage = false;

  return {
    head: () => head,
    keys: () => keys,
    changed: () => head !== from || meta.size > 0,
    attempt(work) {
      const call = openCall(head, keys, createOverlay(overlay), options);
      const result = work(call.draft);
      // Nothing below throws: from here on the call is in.
      head = call.head();
      keys = call.keys();
      for (const entry of call.entries) entries.push(entry);
      checkpoints.push(...call.checkpoints);
      for (const change of call.overlay.changes()) overlay.write(change);
      for (const [name, value] of call.meta) meta.set(name, value);
      coverage ||= call.coverage();
      return result;
    },
    seal() {
      if (!coverage || isCovered(head)) return;
      const checkpoint = sign(head, keys, options);
      checkpoints.push(checkpoint);
      head = { ...head, checkpoint, uncoveredBytes: 0 };
    },
    values: () => batchValues(from, head, entries, overlay, meta, checkpoints),
    publish(target, targetMeta) {
      target.apply(overlay.changes());
      for (const [name, value] of meta) targetMeta.set(name, value);
    },
  };
}

/** By the key whose range the size falls into: a stage goes on from the last one's end, so that is always the newest. */
const sign = ({ frontier }: Head, { key, privateKey }: LedgerKeys, { origin }: StoreOptions): SignedCheckpoint => ({ size: frontier.size, note: signCheckpoint(origin, frontier.size, rootOf(frontier), key, privateKey) });

const isCovered = ({ checkpoint, frontier }: Head): boolean => checkpoint?.size === frontier.size;

function openCall(from: Head, before: LedgerKeys, overlay: Overlay, options: StoreOptions) {
  const { station, epoch, clock } = options;
  const entries: StagedEntry[] = [];
  const checkpoints: SignedCheckpoint[] = [];
  const meta = new Map<string, string>();
  let head = from;
  let keys = before;
  let coverage = false;

  const cover = (): SignedCheckpoint => {
    if (head.checkpoint && isCovered(head)) return head.checkpoint;
    const checkpoint = sign(head, keys, options);
    checkpoints.push(checkpoint);
    head = { ...head, checkpoint, uncoveredBytes: 0 };
    return checkpoint;
  };

  const put = (demand: EntryDraft): RecordedEntry => {
    const position = {
      station,
      epoch,
      seq: head.frontier.size,
      prev: head.prev,
      hlc: nextHybridTime(head.hlc, clock.wallMs()),
      boot: clock.bootId,
      mono: Math.floor(clock.monoMs()),
    };
    const { entry, bytes, leaf } = buildEntry(demand, position);
    const recorded = recordedEntry(entry, leaf);
    for (const change of options.project(overlay, recorded)) overlay.write(change);
    entries.push({ bytes, leaf, device: demand.device });
    head = { ...head, frontier: append(head.frontier, leaf), prev: recorded.leaf, hlc: position.hlc, uncoveredBytes: head.uncoveredBytes + bytes.length };
    return recorded;
  };

  const draft: StageDraft = {
    record(demand) {
      if (demand.type === ROTATION_ENTRY) throw new TypeError('the key of a ledger is changed by rotateKey alone');
      const recorded = put(demand);
      if (isCheckpointDue(head.frontier.size - (head.checkpoint?.size ?? 0), head.uncoveredBytes)) cover();
      coverage ||= demand.covered === true;
      return recorded;
    },
    rotateKey(next) {
      const { origin } = options;
      const place = { origin, seq: head.frontier.size, prev: head.prev };
      const recorded = put({ type: ROTATION_ENTRY, body: signRotation(place, keys.privateKey, next) });
      const after = rotatedKeys(keys, origin, next, place.seq);
      keys = after.keys;
      for (const [name, value] of Object.entries(after.meta)) meta.set(name, value);
      cover();
      return recorded;
    },
    setMeta(values) {
      for (const [name, value] of Object.entries(values)) meta.set(name, value);
    },
    acknowledge(acked) {
      const { size } = head.frontier;
      if (acked.size > size) throw new RangeError(`acknowledged ${acked.size} of ${size} entries: the server holds another branch of this ledger`);
      if (acked.size >= head.acked.size) head = { ...head, acked };
    },
    checkpoint: cover,
  };
  return { draft, entries, checkpoints, overlay, meta, head: () => head, keys: () => keys, coverage: () => coverage };
}

/** The columns of the view `batch`, in order (schema.ts). */
function batchValues(from: Head, head: Head, entries: readonly StagedEntry[], overlay: Overlay, meta: ReadonlyMap<string, string>, checkpoints: readonly SignedCheckpoint[]): readonly SqlValue[] {
  const parts: Buffer[] = [];
  const places: (number | string | null)[][] = [];
  let offset = 0;
  for (const { bytes, leaf, device } of entries) {
    parts.push(leaf, bytes);
    places.push([offset, bytes.length, device ?? null]);
    offset += HASH_BYTES + bytes.length;
  }
  const changes = Array.from(overlay.changes(), ({ table, key, row }) => [table, key, row === undefined ? null : JSON.stringify(row)]);
  return [
    head.frontier.size,
    frontierBytes(head.frontier),
    Buffer.from(head.frontier.size === 0 ? '' : head.prev, 'hex'),
    head.hlc.ms,
    head.hlc.n,
    head.acked.size,
    head.acked.cosignature ?? null,
    head.acked.atMs ?? null,
    from.frontier.size,
    Buffer.concat(parts),
    JSON.stringify(places),
    JSON.stringify(changes),
    JSON.stringify([...meta]),
    JSON.stringify(checkpoints.map(({ size, note }) => [size, note])),
  ];
}

