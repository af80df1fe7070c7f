import { uploadResponse, UPLOAD_MAX_BYTES } from '../contract/station-http.ts';
import { ok, refused, type Result } from '../domain/result.ts';
import { verifyCosignature } from '../ledger/checkpoint.ts';
import type { VerifierKey } from '../ledger/note.ts';
import type { SignedCheckpoint, Store, StoredBytes } from '../storage/store.ts';
import type { CentralClient, CentralRefusal } from './central-client.ts';
import type { Fork } from './epoch.ts';

export type Pushed =
  | { readonly kind: 'nothing' }
  /** `cosignedAtMs`: the server's clock. `more`: another batch waits. */
  | { readonly kind: 'sent'; readonly cosignedAtMs: number; readonly more: boolean }
  /** The server cosigned something that this ledger does not contain: it cannot be continued. */
  | { readonly kind: 'forked'; readonly fork: Fork };

export interface Uplink {
  /** Sends what the server has not cosigned yet, one batch. */
  push(): Promise<Result<Pushed, CentralRefusal>>;
  /** Calls `heard` whenever there is something new to send, until the function that it returns is called. */
  onGrowth(heard: () => void): () => void;
}

/** Entries in one upload, fewer than the contract allows: a tap waits while they are read and sent (scripts/bench/backlog.ts). */
const BATCH_ENTRIES = 256;

/** A quiet cart asks for its last checkpoint to be cosigned anew this often: the server sees it live, and its trusted time stays fresh. */
export const QUIET_MS = 30_000;

export function createUplink(store: Store, client: () => CentralClient, origin: string, witnesses: () => readonly VerifierKey[], monoMs: () => number = () => performance.now()): Uplink {
  let cosignedMonoMs = monoMs();
  // Where the server says it stands, while that is not where its last cosignature says.
  let resumeAt: number | undefined;

  const send = async (from: number): Promise<Result<Pushed, CentralRefusal>> => {
    const batch = await nextBatch(store, from);
    if (!batch) return refused({ reason: 'unavailable', message: 'the ledger cannot sign a checkpoint now' });
    const { entries, checkpoint } = batch;
    const answer = await client().post('/v1/log/entries', { origin, from, entries: entries.map(({ bytes }) => bytes.toString('base64')), checkpoint: checkpoint.note }, uploadResponse);
    if (!answer.ok) return forkIn(answer.reason, store.size()) ?? answer;
    const { size, cosignature } = answer.value;
    const judged = witnesses().map((key) => verifyCosignature(checkpoint.note, cosignature, key));
    const cosigned = judged.find(({ ok: holds }) => holds) ?? judged[0] ?? refused('not-signed' as const);
    if (!cosigned.ok || size !== checkpoint.size) {
      return refused({ reason: 'inconsistent', message: `the server's cosignature does not hold for our checkpoint of size ${checkpoint.size}: ${cosigned.ok ? `it says ${size}` : cosigned.reason}` });
    }
    const cosignedAtMs = cosigned.value * 1_000;
    cosignedMonoMs = monoMs();
    // A server that was restored from a backup catches up with what it had cosigned before anything new counts.
    resumeAt = size < store.acked().size ? size : undefined;
    if (resumeAt !== undefined) return ok({ kind: 'sent', cosignedAtMs, more: true });
    const kept = await store.setAcked(size, cosignature, cosignedAtMs);
    return kept.ok ? ok({ kind: 'sent', cosignedAtMs, more: store.size() > size }) : refused({ reason: 'unavailable', message: `the acknowledgement could not be kept: ${kept.reason}` });
  };

  return {
    onGrowth: store.onGrowth,
    push: async () => {
      const { size: acked } = store.acked();
      if (store.size() <= acked && resumeAt === undefined && (acked === 0 || monoMs() - cosignedMonoMs < QUIET_MS)) return ok({ kind: 'nothing' });
      const from = resumeAt ?? acked;
      const sent = await send(from);
      if (sent.ok || sent.reason.reason !== 'stale-size' || sent.reason.size === undefined || sent.reason.size === from) return sent;
      resumeAt = sent.reason.size;
      return send(resumeAt);
    },
  };
}

/** Whether a refusal says that the server holds another history than this ledger of `held` entries. */
function forkIn({ reason, message, size }: CentralRefusal, held: number): Result<Pushed, CentralRefusal> | undefined {
  if (reason === 'inconsistent') return ok({ kind: 'forked', fork: { cause: 'two-histories', message } });
  if (reason === 'stale-size' && size !== undefined && size > held) return ok({ kind: 'forked', fork: { cause: 'behind-witness', message: `${message} This ledger has ${held}.` } });
  return undefined;
}

/** What one upload carries: entries, and a checkpoint of exactly their end. */
interface Batch {
  readonly entries: readonly StoredBytes[];
  readonly checkpoint: SignedCheckpoint;
}

/** The next batch from `from` on; near the head a checkpoint is signed for it. Undefined where the ledger cannot sign. */
async function nextBatch(store: Store, from: number): Promise<Batch | undefined> {
  const covered = await coveredBatch(store, from);
  if (covered) return covered;
  const signed = await store.checkpoint();
  return signed.ok ? coveredBatch(store, from) : undefined;
}

/** As much from `from` on as one upload takes, up to the last stored checkpoint in it. Without entries only where nothing follows. */
async function coveredBatch(store: Store, from: number): Promise<Batch | undefined> {
  const read = await store.entries(from, BATCH_ENTRIES);
  let [bytes, fitting] = [0, 0];
  for (const entry of read) {
    bytes += entry.bytes.length;
    if (bytes > UPLOAD_MAX_BYTES) break;
    fitting += 1;
  }
  const checkpoint = await store.checkpointUpTo(from + fitting);
  const count = (checkpoint?.size ?? 0) - from;
  return checkpoint && (count > 0 || (count === 0 && read.length === 0)) ? { entries: read.slice(0, count), checkpoint } : undefined;
}
