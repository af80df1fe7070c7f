import type { EntryDraft, RecordedEntry } from '../domain/entries.ts';
import { signCheckpoint } from '../ledger/checkpoint.ts';
import { buildEntry, nextHybridTime, recordedEntry } from '../ledger/entry.ts';
import { append, HASH_BYTES, frontierBytes, rootOf, type Hash } from '../ledger/merkle.ts';
import type { VerifierKey } from '../ledger/note.ts';
import type { Head } from './head.ts';
import { createOverlay, type Overlay, type Projections } from './projections.ts';
import type { SqlValue } from './sqlite.ts';
import type { Acknowledged, SignedCheckpoint, StoreOptions } from './store.ts';

/** What one transaction is going to write, in memory, while calls are added to it. */
export interface Stage {
  readonly head: () => Head;
  readonly changed: () => boolean;
  /** Runs one call's work on the stage. If it throws, nothing of that call remains. */
  attempt<T>(work: (draft: StageDraft) => T): T;
  /** Signs the checkpoint that a covered draft asked for. To be called once, after the last call. */
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
  /** The checkpoint over everything staged so far; signed now unless it exists. */
  checkpoint(): SignedCheckpoint;
}

interface StagedEntry {
  readonly bytes: Buffer;
  readonly leaf: Hash;
  readonly device: string | undefined;
}

export function openStage(from: Head, projections: Projections, key: VerifierKey, options: StoreOptions): Stage {
  const overlay = createOverlay(projections);
  const entries: StagedEntry[] = [];
  const meta = new Map<string, string>();
  let head = from;
  let coverage = false;

  const signed = (at: Head): SignedCheckpoint => {
    const { size } = at.frontier;
    if (at.checkpoint?.size === size) return at.checkpoint;
    return { size, note: signCheckpoint(options.origin, size, rootOf(at.frontier), key, options.signingKey) };
  };

  return {
    head: () => head,
    changed: () => head !== from || meta.size > 0,
    attempt(work) {
      const call = openCall(head, createOverlay(overlay), options, signed);
      const result = work(call.draft);
      // Nothing below throws: from here on the call is in.
      head = call.head();
      entries.push(...call.entries);
      for (const change of call.overlay.changes()) overlay.write(change);
      for (const [name, value] of call.meta) meta.set(name, value);
      coverage ||= call.coverage();
      return result;
    },
    seal() {
      if (coverage) head = { ...head, checkpoint: signed(head) };
    },
    values: () => batchValues(from, head, entries, overlay, meta),
    publish(target, targetMeta) {
      target.apply(overlay.changes());
      for (const [name, value] of meta) targetMeta.set(name, value);
    },
  };
}

function openCall(from: Head, overlay: Overlay, options: StoreOptions, signed: (at: Head) => SignedCheckpoint) {
  const { station, epoch, clock } = options;
  const entries: StagedEntry[] = [];
  const meta = new Map<string, string>();
  let head = from;
  let coverage = false;

  const draft: StageDraft = {
    record(demand) {
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
      head = { ...head, frontier: append(head.frontier, leaf), prev: recorded.leaf, hlc: position.hlc };
      coverage ||= demand.covered === true;
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
    checkpoint() {
      const checkpoint = signed(head);
      if (checkpoint !== head.checkpoint) head = { ...head, checkpoint };
      return checkpoint;
    },
  };
  return { draft, entries, overlay, meta, head: () => head, coverage: () => coverage };
}

/** The columns of the view `batch`, in order (schema.ts). */
function batchValues(from: Head, head: Head, entries: readonly StagedEntry[], overlay: Overlay, meta: ReadonlyMap<string, string>): readonly SqlValue[] {
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
    head.checkpoint === undefined || head.checkpoint === from.checkpoint ? null : head.checkpoint.note,
  ];
}

