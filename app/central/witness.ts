import { createHash } from 'node:crypto';
import type { RecordedEntry } from '../domain/entries.ts';
import { openCheckpoint } from '../ledger/checkpoint.ts';
import { MAX_ENTRY_BYTES } from '../ledger/canonical.ts';
import { NO_PREVIOUS, parseEntry, recordedEntry, type LedgerEntry } from '../ledger/entry.ts';
import { openRotation, ROTATION_ENTRY } from '../ledger/key-rotation.ts';
import { frontierFrom, leafHash, rootOf, type Hash } from '../ledger/merkle.ts';
import { encodeVkey, type VerifierKey } from '../ledger/note.ts';
import { grow, type GrownFrontier } from '../ledger/subtrees.ts';
import type { Queryable } from './database.ts';
import type { Refusal } from './http-reply.ts';
import { keysOf, type LedgerKey, type StoredRotation } from './key-ranges.ts';
import { unstorable, type Poison } from './poison.ts';
import type { WitnessTransaction } from './witness-store.ts';

/** What the server holds of a ledger: the last thing it cosigned. */
export interface OriginRow {
  station: string;
  epoch: number;
  /** The key that the ledger began with. */
  ledger_key: Buffer;
  /** Those that took over from it, in order. */
  rotations: readonly StoredRotation[];
  /** The station is denied: nothing more is cosigned under its keys. */
  key_revoked_at_ms: number | null;
  size: number;
  frontier: Buffer;
  last_leaf: string | null;
  checkpoint: string | null;
  cosignature: string | null;
  cosigned_at_ms: number | null;
  refolded: number;
  /** A later epoch of this station has been opened. */
  superseded: boolean;
}

/** An entry as it was sent: its leaf, and what could be read of it. */
export interface ReceivedEntry {
  readonly bytes: Buffer;
  readonly leaf: Hash;
  readonly parsed: ReturnType<typeof parseEntry>;
}

export const receivedEntry = (bytes: Buffer): ReceivedEntry => ({ bytes, leaf: leafHash(bytes), parsed: parseEntry(bytes) });

export interface DecodedUpload {
  readonly origin: string;
  readonly from: number;
  readonly entries: readonly ReceivedEntry[];
  readonly checkpoint: string;
}

/** An entry that the tree takes. Where it has `poison`, its leaf and bytes count and its effect does not. */
export interface Accepted {
  readonly seq: number;
  readonly bytes: Buffer;
  readonly leaf: Hash;
  readonly read: { readonly entry: LedgerEntry; readonly recorded: RecordedEntry } | undefined;
  readonly poison: Poison | undefined;
}

/** Rolls the transaction back and becomes the answer. */
export class Refused extends Error {
  readonly refusal: Refusal;
  readonly incident: Incident | undefined;
  constructor(refusal: Refusal, incident?: Incident) {
    super(refusal.message);
    this.refusal = refusal;
    this.incident = incident;
  }
}

const inconsistent = (message: string): Refused => new Refused({ reason: 'inconsistent', message });

/** The entries that are new here. What was sent before must be byte for byte what we hold; a gap or a fork is refused. */
export async function withoutKnown(transaction: Pick<WitnessTransaction, 'heldEntries'>, upload: DecodedUpload, row: OriginRow): Promise<readonly ReceivedEntry[]> {
  const { origin, from, entries } = upload;
  const staleSize = { reason: 'stale-size', size: row.size, message: `The server holds ${row.size} entries; this upload starts at ${from}. Send from ${row.size}.` } as const;
  // A station sends from what we cosigned: whoever starts above that has a cosignature that this database has lost.
  if (from > row.size) throw new Refused(staleSize, { station: row.station, origin, kind: 'witness-behind', evidence: String(row.size), detail: { from, held: row.size } });
  const overlap = Math.min(row.size - from, entries.length);
  if (overlap > 0) {
    const held = await transaction.heldEntries(origin, from, from + overlap);
    for (const [index, bytes] of held.entries()) {
      if (!entries[index]?.bytes.equals(bytes)) throw inconsistent(`Entry ${from + index} differs from the one the server cosigned. This ledger has two histories; it needs a new epoch.`);
    }
  }
  // Not yet an incident: a retry that was overtaken looks the same. A station that is behind asks for a new epoch and says why.
  if (from + entries.length < row.size) throw new Refused(staleSize);
  return entries.slice(row.size - from);
}

/** The chain of what is new. What cannot be read at all is carried on for the tree's root to judge. */
export function readEntries(fresh: readonly ReceivedEntry[], row: OriginRow): readonly Accepted[] {
  let previous = row.last_leaf ?? NO_PREVIOUS;
  return fresh.map(({ bytes, leaf, parsed }, index) => {
    const seq = row.size + index;
    const before = previous;
    previous = leaf.toString('hex');
    if (bytes.length > MAX_ENTRY_BYTES) throw inconsistent(`Entry ${seq} has ${bytes.length} bytes; ${MAX_ENTRY_BYTES} are the most.`);
    if (!parsed.ok) return { seq, bytes, leaf, read: undefined, poison: { reason: 'unreadable', message: `It is not a ledger entry that this program knows (${parsed.reason}).` } };
    const entry = parsed.value;
    if (entry.seq !== seq) throw inconsistent(`Entry ${seq} says that it is entry ${entry.seq}.`);
    if (entry.station !== row.station || entry.epoch !== row.epoch) throw inconsistent(`Entry ${seq} belongs to another station or epoch.`);
    if (entry.prev !== before) throw inconsistent(`Entry ${seq} does not follow the entry before it.`);
    return { seq, bytes, leaf, read: { entry, recorded: recordedEntry(entry, leaf) }, poison: unstorable(entry) };
  });
}

/** The frontier with the new entries, if the checkpoint is this ledger's, for that size, and of that root. */
export function checkedFrontier(upload: DecodedUpload, row: OriginRow, accepted: readonly Accepted[], keys: readonly LedgerKey[]): GrownFrontier {
  const size = row.size + accepted.length;
  const held = frontierFrom(row.size, row.frontier);
  if (!held) throw new Error(`the stored frontier of ${upload.origin} does not fit its size ${row.size}`);
  const frontier = grow(held, accepted.map(({ leaf }) => leaf));
  const signer = keys.at(-1)?.key;
  if (!signer) throw new Error(`the ledger ${upload.origin} has no key`);
  const opened = openCheckpoint(upload.checkpoint, signer);
  if (!opened.ok) {
    const retired = keys.slice(0, -1).find(({ key }) => openCheckpoint(upload.checkpoint, key).ok);
    if (retired) {
      const message = `The checkpoint over ${size} entries is signed by a key of this ledger that had been replaced before.`;
      throw new Refused({ reason: 'inconsistent', message }, { station: row.station, origin: upload.origin, kind: 'bad-rotation', evidence: upload.checkpoint, detail: { message, held: row.size, signedBy: encodeVkey(retired.key) }, note: upload.checkpoint });
    }
    throw inconsistent(`The checkpoint is not signed by this ledger's key (${opened.reason}).`);
  }
  if (opened.value.size !== size) throw inconsistent(`The checkpoint is for ${opened.value.size} entries; with this upload there are ${size}.`);
  if (!opened.value.root.equals(rootOf(frontier))) throw inconsistent('The checkpoint does not match the entries.');
  return frontier;
}

/**
 * What the witness can notice: `two-histories` (a checkpoint signed with the ledger's key over entries that contradict what we
 * cosigned: restored, cloned or forged), `invalid-upload` (the same without such a signature: damage or a stranger),
 * `ledger-continued` (a ledger grew after a later epoch was opened: two programs run under one identity), `witness-behind`
 * (our own database was restored from an older state), `epoch-begun` (a station gave a ledger up, and says why), `bad-rotation`
 * (a change of key that not both keys signed, or a checkpoint by a key that had been replaced).
 */
export const INCIDENT_KINDS = ['two-histories', 'invalid-upload', 'ledger-continued', 'witness-behind', 'epoch-begun', 'bad-rotation'] as const;

export interface Incident {
  readonly station: string;
  readonly origin: string;
  readonly kind: (typeof INCIDENT_KINDS)[number];
  /** What makes this incident another than the last of its kind on this ledger. */
  readonly evidence: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly note?: string;
}

/** The incident behind a 422: with a valid signature of the ledger's key it is proof that this key signed two histories. */
export function incidentOfRefusal(upload: DecodedUpload, row: OriginRow, message: string): Incident {
  const signed = vouchedKeys(upload, row).some((key) => openCheckpoint(upload.checkpoint, key).ok);
  return {
    station: row.station,
    origin: upload.origin,
    kind: signed ? 'two-histories' : 'invalid-upload',
    evidence: signed ? upload.checkpoint : message,
    detail: { message, from: upload.from, entries: upload.entries.length, held: row.size, heldCheckpoint: row.checkpoint ?? '' },
    ...(signed ? { note: upload.checkpoint } : {}),
  };
}

/** The ledger's keys, and those that a branch of it has since been given by one of them: the entries that say so come with the upload. */
function vouchedKeys({ origin, entries }: DecodedUpload, row: OriginRow): readonly VerifierKey[] {
  const keys = keysOf(origin, row).map(({ key }) => key);
  for (const { parsed } of entries) {
    if (!parsed.ok || parsed.value.type !== ROTATION_ENTRY) continue;
    const { seq, prev, body } = parsed.value;
    const next = keys.map((key) => openRotation({ origin, seq, prev }, body, key)).find(({ ok: opened }) => opened);
    if (next?.ok) keys.push(next.value);
  }
  return keys;
}

export async function recordIncident(client: Queryable, { station, origin, kind, evidence, detail, note }: Incident, nowMs: number): Promise<void> {
  await client.query(
    `insert into incident (station, origin, kind, evidence, detail, note, first_at_ms, last_at_ms) values ($1, $2, $3, $4, $5::jsonb, $6, $7, $7)
     on conflict (origin, kind, evidence) do update set count = incident.count + 1, last_at_ms = excluded.last_at_ms`,
    [station, origin, kind, createHash('sha256').update(evidence).digest('hex'), JSON.stringify(detail), note ?? null, nowMs],
  );
}
