import { copyFile, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectEntry } from '../../app/domain/projection.ts';
import type { EntryBodies, EntryType, RecordedEntry } from '../../app/domain/entries.ts';
import { TABLE_NAMES, type CartView, type DeviceRow } from '../../app/domain/tables.ts';
import { parseEntry, recordedEntry, type LedgerEntry } from '../../app/ledger/entry.ts';
import { append, EMPTY_FRONTIER, leafHash, rootOf } from '../../app/ledger/merkle.ts';
import { verifierKey } from '../../app/ledger/note.ts';
import { startVerification } from '../../app/ledger/verify.ts';
import { blob, load } from '../../app/storage/load.ts';
import { createProjections, type Projections } from '../../app/storage/projections.ts';
import { openDatabase } from '../../app/storage/sqlite.ts';
import { openIdentity } from '../../app/sync/identity.ts';

export interface LedgerCopy {
  readonly entries: readonly RecordedEntry[];
  /** The projections as the station stored them. */
  readonly stored: Projections;
  /** Entries that the server has cosigned. */
  readonly ackedSize: number;
  /** Entries that a signed checkpoint covers. */
  readonly signedSize: number;
}

/**
 * Reads a station's ledger from a copy of its files, whether the station lives or not (it holds the originals for itself).
 * Throws where the ledger does not verify: bytes, chain, root, signature.
 */
export async function copyLedger(stationData: string): Promise<LedgerCopy> {
  const folder = await mkdtemp(join(tmpdir(), 'dockward-ledger-'));
  const original = join(stationData, 'ledger.db');
  const copy = join(folder, 'ledger.db');
  try {
    // The log first: what a checkpoint moves out of it in between is then in the file as well.
    if (await exists(`${original}-wal`)) await copyFile(`${original}-wal`, `${copy}-wal`);
    await copyFile(original, copy);
    const database = await openDatabase(copy, 'own');
    try {
      const { head, projections } = await load(database);
      const rows = await database.all('SELECT leaf, bytes FROM entry ORDER BY seq');
      await verify(stationData, rows.map((row) => blob(row, 'bytes')), head.checkpoint, rootOf(head.frontier));
      return {
        entries: rows.map((row) => recordedEntry(entryOf(blob(row, 'bytes')), blob(row, 'leaf'))),
        stored: projections,
        ackedSize: head.acked.size,
        signedSize: head.checkpoint?.size ?? 0,
      };
    } finally {
      await database.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

function entryOf(bytes: Buffer): LedgerEntry {
  const entry = parseEntry(bytes);
  if (!entry.ok) throw new Error(`the ledger holds bytes that are no entry: ${entry.reason}`);
  return entry.value;
}

async function verify(stationData: string, all: readonly Buffer[], checkpoint: { readonly size: number; readonly note: string } | undefined, root: Buffer): Promise<void> {
  const identity = await openIdentity(stationData);
  const { tenant, station } = identity.enrolledOrThrow().enrolment;
  const key = verifierKey(`${tenant}/station/${station}/e${identity.epoch().number}`, identity.ledgerKey());
  const verification = startVerification();
  let signed = checkpoint === undefined;
  for (const bytes of all) {
    const finding = verification.push(bytes);
    if (finding) throw new Error(`the ledger does not verify: ${JSON.stringify(finding)}`);
    if (verification.size !== checkpoint?.size) continue;
    const finished = verification.finish(checkpoint.note, key);
    if ('finding' in finished) throw new Error(`the checkpoint of ${checkpoint.size} entries does not verify: ${JSON.stringify(finished.finding)}`);
    signed = true;
  }
  if (!signed) throw new Error(`a checkpoint covers ${checkpoint?.size} entries, the ledger holds ${all.length}`);
  const frontier = all.reduce((tree, bytes) => append(tree, leafHash(bytes)), EMPTY_FRONTIER);
  if (!rootOf(frontier).equals(root)) throw new Error('the head names another root than its entries have');
}

/** Rows of every table by key: what the station stored, or what a fold of all entries from nothing gives. */
export type TableRows = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export const storedTables = ({ stored }: LedgerCopy): TableRows => rowsOf(stored);

export function foldedTables({ entries }: LedgerCopy): TableRows {
  const tables = createProjections();
  for (const entry of entries) tables.apply(projectEntry(tables, entry));
  return rowsOf(tables);
}

/** As JSON says it: a row's absent field and one that is undefined are the same, and so are two orders of its fields. */
const rowsOf = (tables: Projections): TableRows => inOrder(JSON.parse(JSON.stringify(Object.fromEntries(TABLE_NAMES.map((name) => [name, Object.fromEntries(tables.keyed(name))]))))) as TableRows;

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, inner]) => [name, inOrder(inner)]));
}

export const devicesOf = ({ stored }: LedgerCopy): readonly DeviceRow[] => [...(stored satisfies CartView).all('device')];

export type Entry<T extends EntryType> = Extract<RecordedEntry, { type: T }>;
export const entriesOf = <T extends EntryType>(entries: readonly RecordedEntry[], type: T, body: Partial<EntryBodies[T]> = {}): readonly Entry<T>[] =>
  entries.filter((entry): entry is Entry<T> => entry.type === type && Object.entries(body).every(([name, value]) => (entry.body as Record<string, unknown>)[name] === value));

const EXPOSING: readonly EntryType[] = ['device-admitted', 'released', 'wrong-pull', 'unidentified-removal', 'exposed'];
export const PROOF = ['wipe-confirmed', 'enrolled', 'credentials-revoked', 'queue-clear', 'profile-present', 'posture'] as const;

/** Offers whose proof is not in the ledger before them: a request after the device's last exposure, then every kind of statement about it. */
export function offersWithoutProof(entries: readonly RecordedEntry[]): readonly string[] {
  return entriesOf(entries, 'offered').flatMap((offer) => {
    const before = entries.filter(({ seq, device }) => seq < offer.seq && device === offer.device);
    // A later admission only renames what is already exposed or proven.
    const exposure = before.findLast(({ type }, index) => EXPOSING.includes(type) && (type !== 'device-admitted' || before.findIndex((entry) => entry.type === type) === index));
    const request = entriesOf(before, 'sanitization-requested', { request: offer.body.request })[0];
    if (!exposure || !request || request.seq < exposure.seq || request.body.exposure !== exposure.leaf) return [`offer ${offer.seq}: no sanitization since exposure ${exposure?.seq}`];
    const stated = entriesOf(before, 'statement-accepted', { request: request.body.request }).filter(({ seq }) => seq > request.seq);
    const missing = PROOF.filter((kind) => !stated.some((statement) => statement.body.kind === kind));
    return missing.length === 0 ? [] : [`offer ${offer.seq}: not stated before it: ${missing.join(', ')}`];
  });
}
