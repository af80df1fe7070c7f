import type { z } from 'zod';
import type { uploadRequest, uploadResponse } from '../contract/station-http.ts';
import type { RecordedEntry } from '../domain/entries.ts';
import { ok, refused, type Result } from '../domain/result.ts';
import type { CartView, Change } from '../domain/tables.ts';
import { cosign, openCheckpoint } from '../ledger/checkpoint.ts';
import { NO_PREVIOUS, parseEntry, recordedEntry, type LedgerEntry } from '../ledger/entry.ts';
import { append, frontierBytes, frontierFrom, leafHash, rootOf, type Frontier, type Hash } from '../ledger/merkle.ts';
import { decodeBase64, publicKeyFrom, verifierKey } from '../ledger/note.ts';
import type { Database, Queryable } from './database.ts';
import type { Refusal } from './http-reply.ts';
import type { TenantKeys } from './keys.ts';
import { loadRows, overlayOn, saveChanges, settle, type OriginRows } from './projection-store.ts';
import { recordRequests } from './sanitization-requests.ts';

type Upload = z.infer<typeof uploadRequest>;
type Acknowledgement = z.infer<typeof uploadResponse>;

export interface IngestDeps {
  readonly database: Database;
  readonly keys: TenantKeys;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly project: (view: CartView, entry: RecordedEntry) => readonly Change[];
}

/** Takes a station's upload; the reply's cosignature is the acknowledgement that everything below `size` is durable here. */
export type Ingest = (station: string, upload: Upload) => Promise<Result<Acknowledgement, Refusal>>;

interface OriginRow {
  station: string;
  epoch: number;
  ledger_key: Buffer;
  size: number;
  frontier: Buffer;
  last_leaf: string | null;
  checkpoint: string | null;
  cosignature: string | null;
}

interface Accepted {
  readonly entry: LedgerEntry;
  readonly recorded: RecordedEntry;
  readonly bytes: Buffer;
  readonly leaf: Hash;
}

/** Projections kept in memory, so that an upload costs its entries and not the ledger's whole state. */
const MOST_CACHED = 200;

export function createIngest(deps: IngestDeps): Ingest {
  const cache = new Map<string, OriginRows>();
  const keep = (origin: string, rows: OriginRows): void => {
    cache.delete(origin);
    cache.set(origin, rows);
    const oldest = cache.size > MOST_CACHED ? cache.keys().next().value : undefined;
    if (oldest !== undefined) cache.delete(oldest);
  };

  return async (station, upload) => {
    const decoded: Buffer[] = [];
    for (const [index, text] of upload.entries.entries()) {
      const bytes = decodeBase64(text);
      if (!bytes) return refused({ reason: 'malformed', message: `Entry ${upload.from + index} is not base64.` });
      decoded.push(bytes);
    }
    // What becomes true in memory only once the transaction has committed.
    let afterCommit: (() => void) | undefined;
    try {
      const result = await deps.database.transaction(async (client) => {
        const row = (await client.query<OriginRow>('select station, epoch, ledger_key, size, frontier, last_leaf, checkpoint, cosignature from origin where origin = $1 for update', [upload.origin])).rows[0];
        if (!row || row.station !== station) throw new Refused({ reason: 'not-found', message: `This station has no ledger named ${upload.origin}.` });
        const fresh = await withoutKnown(client, upload, decoded, row);
        const size = row.size + fresh.length;
        const accepted = acceptEntries(fresh, row, station);
        let frontier = frontierOf(row, upload.origin);
        for (const { leaf } of accepted) frontier = append(frontier, leaf);
        checkCheckpoint(upload, row, size, frontier);
        // A retry after a lost reply gets the very cosignature that was lost.
        if (fresh.length === 0 && row.cosignature !== null && row.checkpoint === upload.checkpoint) return { size, cosignature: row.cosignature };

        const cached = cache.get(upload.origin);
        const base = cached?.size === row.size ? cached : await loadRows(client, upload.origin, row.size);
        const changes = fold(deps.project, base, accepted);
        await insertEntries(client, upload.origin, accepted);
        await saveChanges(client, upload.origin, changes);
        await recordPlacements(client, upload.origin, accepted);
        await recordRequests(client, station, upload.origin, accepted.map(({ recorded }) => recorded), deps.now());
        const cosignature = cosign(upload.checkpoint, deps.keys.witness.verifier, deps.keys.witness.key, Math.floor(deps.now() / 1_000));
        await client.query('update origin set size = $2, frontier = $3, last_leaf = $4, checkpoint = $5, cosignature = $6, cosigned_at_ms = $7 where origin = $1', [
          upload.origin,
          size,
          frontierBytes(frontier),
          accepted.at(-1)?.leaf.toString('hex') ?? row.last_leaf,
          upload.checkpoint,
          cosignature,
          deps.now(),
        ]);
        afterCommit = () => keep(upload.origin, settle(base, changes, size));
        return { size, cosignature };
      });
      afterCommit?.();
      return ok(result);
    } catch (error) {
      if (error instanceof Refused) return refused(error.refusal);
      if (isDataException(error)) return refused({ reason: 'inconsistent', message: `An entry holds a value that the server cannot store: ${error.message}.` });
      throw error;
    }
  };
}

/** Rolls the transaction back and becomes the answer. */
class Refused extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

/** SQLSTATE class 22: the values themselves (a NUL character, a number out of range), not the database, are at fault. */
function isDataException(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('22');
}

const staleSize = (size: number, from: number): Refused =>
  new Refused({ reason: 'stale-size', size, message: `The server holds ${size} entries; this upload starts at ${from}. Send from ${size}.` });
const inconsistent = (message: string): Refused => new Refused({ reason: 'inconsistent', message });

/** The entries that are new here. What was sent before must be byte for byte what we hold; a gap or a fork is refused. */
async function withoutKnown(client: Queryable, upload: Upload, entries: readonly Buffer[], row: OriginRow): Promise<readonly Buffer[]> {
  if (upload.from > row.size) throw staleSize(row.size, upload.from);
  const overlap = Math.min(row.size - upload.from, entries.length);
  if (overlap > 0) {
    const held = await client.query<{ seq: number; bytes: Buffer }>('select seq, bytes from entry where origin = $1 and seq >= $2 and seq < $3 order by seq', [upload.origin, upload.from, upload.from + overlap]);
    for (const { seq, bytes } of held.rows) {
      if (!entries[seq - upload.from]?.equals(bytes)) throw inconsistent(`Entry ${seq} differs from the one the server cosigned. This ledger has two histories; it needs a new epoch.`);
    }
  }
  if (upload.from + entries.length < row.size) throw staleSize(row.size, upload.from);
  return entries.slice(row.size - upload.from);
}

function acceptEntries(fresh: readonly Buffer[], row: OriginRow, station: string): readonly Accepted[] {
  let previous = row.last_leaf ?? NO_PREVIOUS;
  return fresh.map((bytes, index) => {
    const seq = row.size + index;
    const parsed = parseEntry(bytes);
    if (!parsed.ok) throw inconsistent(`Entry ${seq} is not a ledger entry (${parsed.reason}).`);
    const entry = parsed.value;
    if (entry.seq !== seq) throw inconsistent(`Entry ${seq} says that it is entry ${entry.seq}.`);
    if (entry.station !== station || entry.epoch !== row.epoch) throw inconsistent(`Entry ${seq} belongs to another station or epoch.`);
    if (entry.prev !== previous) throw inconsistent(`Entry ${seq} does not follow the entry before it.`);
    const leaf = leafHash(bytes);
    previous = leaf.toString('hex');
    return { entry, recorded: recordedEntry(entry, leaf), bytes, leaf };
  });
}

function frontierOf(row: OriginRow, origin: string): Frontier {
  const frontier = frontierFrom(row.size, row.frontier);
  if (!frontier) throw new Error(`the stored frontier of ${origin} does not fit its size ${row.size}`);
  return frontier;
}

function checkCheckpoint(upload: Upload, row: OriginRow, size: number, frontier: Frontier): void {
  const opened = openCheckpoint(upload.checkpoint, verifierKey(upload.origin, publicKeyFrom(row.ledger_key)));
  if (!opened.ok) throw inconsistent(`The checkpoint is not signed by this ledger's key (${opened.reason}).`);
  if (opened.value.size !== size) throw inconsistent(`The checkpoint is for ${opened.value.size} entries; with this upload there are ${size}.`);
  if (!opened.value.root.equals(rootOf(frontier))) throw inconsistent('The checkpoint does not match the entries.');
}

function fold(project: IngestDeps['project'], base: OriginRows, accepted: readonly Accepted[]): readonly Change[] {
  const overlay = overlayOn(base);
  for (const { recorded } of accepted) {
    try {
      overlay.apply(project(overlay.view, recorded));
    } catch (error) {
      throw inconsistent(`Entry ${recorded.seq} (${recorded.type}) cannot be applied: ${error instanceof Error ? error.message : String(error)}.`);
    }
  }
  return overlay.changes();
}

async function insertEntries(client: Queryable, origin: string, accepted: readonly Accepted[]): Promise<void> {
  if (accepted.length === 0) return;
  await client.query(
    `insert into entry (origin, seq, bytes, leaf, type, device, actor, slot, at_ms)
     select $1, * from unnest($2::bigint[], $3::bytea[], $4::bytea[], $5::text[], $6::text[], $7::text[], $8::int[], $9::bigint[])`,
    [
      origin,
      accepted.map(({ entry }) => entry.seq),
      accepted.map(({ bytes }) => bytes),
      accepted.map(({ leaf }) => leaf),
      accepted.map(({ entry }) => entry.type),
      accepted.map(({ entry }) => entry.device ?? null),
      accepted.map(({ entry }) => entry.actor ?? null),
      accepted.map(({ entry }) => entry.place?.slot ?? null),
      accepted.map(({ entry }) => entry.hlc.ms),
    ],
  );
}

/** Entry types after which this cart, and no other, knows best where the device is. */
const PLACING: ReadonlySet<string> = new Set(['released', 'wrong-pull', 'unidentified-removal', 'removal-claimed', 'removal-unclaimed', 'returned', 'absent', 'reappeared'] satisfies RecordedEntry['type'][]);

async function recordPlacements(client: Queryable, origin: string, accepted: readonly Accepted[]): Promise<void> {
  const latest = new Map<string, number>();
  for (const { entry } of accepted) {
    if (entry.device === undefined) continue;
    // An admission places a device only where nothing is known of it yet: it may be in another cart.
    if (PLACING.has(entry.type)) latest.set(entry.device, entry.hlc.ms);
    else if (entry.type === 'device-admitted' && !latest.has(entry.device)) latest.set(entry.device, 0);
  }
  if (latest.size === 0) return;
  await client.query(
    `insert into placement (serial, origin, at_ms) select serial, $1, at_ms from unnest($2::text[], $3::bigint[]) as fresh (serial, at_ms)
     on conflict (serial) do update set origin = excluded.origin, at_ms = excluded.at_ms where excluded.at_ms >= placement.at_ms and excluded.at_ms > 0`,
    [origin, [...latest.keys()], [...latest.values()]],
  );
}
