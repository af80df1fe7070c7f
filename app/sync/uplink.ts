import { uploadResponse, UPLOAD_MAX_BYTES, UPLOAD_MAX_ENTRIES } from '../contract/station-http.ts';
import { ok, refused, type Result } from '../domain/result.ts';
import { verifyCosignature } from '../ledger/checkpoint.ts';
import type { VerifierKey } from '../ledger/note.ts';
import type { SignedCheckpoint, Store } from '../storage/store.ts';
import type { CentralClient, CentralRefusal } from './central-client.ts';
import type { Fork } from './epoch.ts';

export type Pushed =
  | { readonly kind: 'nothing' }
  /** Another batch may follow. `cosignedAtMs`: the server's clock. */
  | { readonly kind: 'sent'; readonly cosignedAtMs: number }
  /** The server cosigned something that this ledger does not contain: it cannot be continued. */
  | { readonly kind: 'forked'; readonly fork: Fork };

export interface Uplink {
  /** Sends what the server has not cosigned yet, one batch. */
  push(): Promise<Result<Pushed, CentralRefusal>>;
}

/** A quiet cart asks for its last checkpoint to be cosigned anew this often: the server sees it live, and its trusted time stays fresh. */
export const QUIET_MS = 30_000;

export function createUplink(store: Store, client: () => CentralClient, origin: string, witness: VerifierKey, monoMs: () => number = () => performance.now()): Uplink {
  let cosignedMonoMs = monoMs();
  // Where the server says it stands, while that is not where its last cosignature says.
  let resumeAt: number | undefined;

  const send = async (from: number): Promise<Result<Pushed, CentralRefusal>> => {
    const checkpoint = await coveringCheckpoint(store, from);
    if (!checkpoint || (checkpoint.size <= from && from < store.size()) || checkpoint.size < from) return refused({ reason: 'unavailable', message: 'the ledger cannot sign a checkpoint now' });
    const entries = await store.entries(from, checkpoint.size - from);
    const answer = await client().post('/v1/log/entries', { origin, from, entries: entries.map(({ bytes }) => bytes.toString('base64')), checkpoint: checkpoint.note }, uploadResponse);
    if (!answer.ok) return forkIn(answer.reason, store.size()) ?? answer;
    const { size, cosignature } = answer.value;
    const cosigned = verifyCosignature(checkpoint.note, cosignature, witness);
    if (!cosigned.ok || size !== checkpoint.size) {
      return refused({ reason: 'inconsistent', message: `the server's cosignature does not hold for our checkpoint of size ${checkpoint.size}: ${cosigned.ok ? `it says ${size}` : cosigned.reason}` });
    }
    const cosignedAtMs = cosigned.value * 1_000;
    cosignedMonoMs = monoMs();
    // A server that was restored from a backup catches up with what it had cosigned before anything new counts.
    resumeAt = size < store.acked().size ? size : undefined;
    if (resumeAt !== undefined) return ok({ kind: 'sent', cosignedAtMs });
    const kept = await store.setAcked(size, cosignature, cosignedAtMs);
    return kept.ok ? ok({ kind: 'sent', cosignedAtMs }) : refused({ reason: 'unavailable', message: `the acknowledgement could not be kept: ${kept.reason}` });
  };

  return {
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

/** The largest checkpoint within one batch of `from` (at `from` itself where nothing follows); near the head a new one is signed, which may race with a new entry. */
async function coveringCheckpoint(store: Store, from: number): Promise<SignedCheckpoint | undefined> {
  const limit = from + (await fitting(store, from));
  const stored = await store.checkpointUpTo(limit);
  if (stored && stored.size > from) return stored;
  const signed = await store.checkpoint();
  if (!signed.ok) return undefined;
  return signed.value.size <= from + (await fitting(store, from)) ? signed.value : store.checkpointUpTo(limit);
}

/** How many entries from `from` on fit one upload. */
async function fitting(store: Store, from: number): Promise<number> {
  let bytes = 0;
  let count = 0;
  for (const entry of await store.entries(from, UPLOAD_MAX_ENTRIES)) {
    bytes += entry.bytes.length;
    if (bytes > UPLOAD_MAX_BYTES) break;
    count += 1;
  }
  return count;
}
