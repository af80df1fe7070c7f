import { createPublicKey } from 'node:crypto';
import { ok, refused, type Result } from '../domain/result.ts';
import { parseVkey } from '../ledger/note.ts';
import type { AppendFailure, Store } from '../storage/store.ts';
import type { Identity } from './identity.ts';

/** `epoch-unknown`: the server has not heard of this ledger yet, and knows it by the key that it began with. */
export type NotRotated = AppendFailure | 'epoch-unknown';

/**
 * Gives the ledger its next key: the identity keeps it, then the ledger says so, then the identity drops the old one. Wherever the
 * power fails, `settleLedgerKey` goes on at the next start. `meta` is written in the transaction of the entry.
 */
export async function rotateLedgerKey(identity: Identity, store: Store, meta: Readonly<Record<string, string>> = {}): Promise<Result<void, NotRotated>> {
  if (!identity.epoch().registered) return refused('epoch-unknown');
  // What a full disk kept from being settled at the start: a key cannot follow itself.
  await settleLedgerKey(identity, store);
  const next = await identity.prepareLedgerKey();
  const rotated = await store.rotateKey(next, { meta });
  if (!rotated.ok) return rotated;
  await identity.adoptLedgerKey();
  return ok(undefined);
}

/** After a start: where the ledger is signed by the next key already, the identity drops the one before it. */
export async function settleLedgerKey(identity: Identity, store: Store): Promise<void> {
  const next = identity.nextLedgerKey();
  const signs = parseVkey(store.keyRanges().at(-1)?.vkey ?? '');
  if (next && signs.ok && signs.value.publicKey.equals(createPublicKey(next))) await identity.adoptLedgerKey();
}
