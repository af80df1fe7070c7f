import { uploadResponse, UPLOAD_MAX_BYTES, UPLOAD_MAX_ENTRIES } from '../contract/station-http.ts';
import { ok, refused, type Result } from '../domain/result.ts';
import { verifyCosignature } from '../ledger/checkpoint.ts';
import type { VerifierKey } from '../ledger/note.ts';
import type { SignedCheckpoint, Store } from '../storage/store.ts';
import type { CentralClient, CentralRefusal } from './central-client.ts';

export interface Uplink {
  /** Sends what the server has not cosigned yet, one batch. `sent`: another batch may follow. `cosignedAtMs`: the server's clock. */
  push(): Promise<Result<{ readonly kind: 'nothing' } | { readonly kind: 'sent'; readonly cosignedAtMs: number }, CentralRefusal>>;
}

export function createUplink(store: Store, client: () => CentralClient, origin: string, witness: VerifierKey): Uplink {
  return {
    push: async () => {
      const from = store.acked().size;
      if (store.size() <= from) return ok({ kind: 'nothing' });
      const checkpoint = await coveringCheckpoint(store, from);
      if (!checkpoint || checkpoint.size <= from) return refused({ reason: 'unavailable', message: 'the ledger cannot sign a checkpoint now' });
      const entries = await store.entries(from, checkpoint.size - from);
      const answer = await client().post('/v1/log/entries', { origin, from, entries: entries.map(({ bytes }) => bytes.toString('base64')), checkpoint: checkpoint.note }, uploadResponse);
      if (!answer.ok) return answer;
      const { size, cosignature } = answer.value;
      const cosigned = verifyCosignature(checkpoint.note, cosignature, witness);
      if (!cosigned.ok || size !== checkpoint.size) {
        return refused({ reason: 'inconsistent', message: `the server's cosignature does not hold for our checkpoint of size ${checkpoint.size}: ${cosigned.ok ? `it says ${size}` : cosigned.reason}` });
      }
      const cosignedAtMs = cosigned.value * 1_000;
      const kept = await store.setAcked(size, cosignature, cosignedAtMs);
      if (!kept.ok) return refused({ reason: 'unavailable', message: `the acknowledgement could not be kept: ${kept.reason}` });
      return ok({ kind: 'sent', cosignedAtMs });
    },
  };
}

/** The largest checkpoint within one batch of `from`; near the head a new one is signed, which may race with a new entry. */
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
