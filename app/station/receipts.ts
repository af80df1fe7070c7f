import type { RecordedEntry } from '../domain/entries.ts';
import { ok, refused, type Result } from '../domain/result.ts';
import { parseVkey, type VerifierKey } from '../ledger/note.ts';
import { writeReceipt } from '../ledger/receipt.ts';
import type { AppendFailure, SignedCheckpoint, Store } from '../storage/store.ts';

export interface ReceiptDeps {
  readonly store: Pick<Store, 'forDevice' | 'entries' | 'acked' | 'checkpointUpTo' | 'latestCheckpoint' | 'checkpoint' | 'inclusionProof' | 'keyRanges'>;
  /** Keys of the witness that the verified policy bundle names. */
  readonly witnesses: readonly VerifierKey[];
}

/** `ledger-damaged`: the stored entries do not give the root that was signed; `verify --store` says where. */
export const RECEIPT_FAILURES = ['no-such-release', 'ledger-damaged'] as const;
export type ReceiptFailure = (typeof RECEIPT_FAILURES)[number] | AppendFailure;

export interface StationReceipt {
  readonly text: string;
  /** No server has witnessed it yet: ask again after the next contact. */
  readonly provisional: boolean;
}

/** The tablet's last so many entries are searched: far more than one holder leaves. */
const MOST_ENTRIES = 5_000;
const LEAVES_THE_CART: ReadonlySet<RecordedEntry['type']> = new Set(['released', 'wrong-pull', 'unidentified-removal']);

/** The receipt over the entry by which a tablet left under this release. Works offline; then it is provisional. */
export async function receiptFor(deps: ReceiptDeps, { device, release }: { readonly device: string; readonly release: string }): Promise<Result<StationReceipt, ReceiptFailure>> {
  const entries = await deps.store.forDevice(device, MOST_ENTRIES);
  const left = entries.find(({ type, body }) => LEAVES_THE_CART.has(type) && 'release' in body && body.release === release);
  return left ? receiptAt(deps, left.seq) : refused('no-such-release');
}

/** The receipt over any entry: in the checkpoint that the server has cosigned if that covers it, else in the station's own. */
export async function receiptAt({ store, witnesses }: ReceiptDeps, seq: number): Promise<Result<StationReceipt, ReceiptFailure>> {
  const checkpoint = (await cosignedOver(store, seq)) ?? (await ownOver(store, seq));
  if (!checkpoint.ok) return checkpoint;
  const { size, note } = checkpoint.value;
  const [stored] = await store.entries(seq, 1);
  if (!stored) return refused('ledger-damaged');
  const proof = { index: seq, hashes: await store.inclusionProof(seq, size), checkpoint: note };
  const ledgerKeys = store.keyRanges().map(({ vkey }) => parseVkey(vkey)).flatMap((key) => (key.ok ? [key.value] : []));
  const written = writeReceipt({ entry: stored.bytes, proof, ledgerKeys, witnesses });
  return written.ok ? ok({ text: written.value.text, provisional: written.value.witnessed.length === 0 }) : refused('ledger-damaged');
}

async function cosignedOver(store: ReceiptDeps['store'], seq: number): Promise<Result<SignedCheckpoint, never> | undefined> {
  const { size, cosignature } = store.acked();
  if (cosignature === undefined || seq >= size) return undefined;
  const signed = await store.checkpointUpTo(size);
  return signed?.size === size ? ok({ size, note: signed.note + cosignature }) : undefined;
}

/** Signed now, where the last checkpoint is older than the entry. */
async function ownOver(store: ReceiptDeps['store'], seq: number): Promise<Result<SignedCheckpoint, AppendFailure>> {
  const latest = store.latestCheckpoint();
  return latest !== undefined && latest.size > seq ? ok(latest) : store.checkpoint();
}
