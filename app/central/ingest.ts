import type { z } from 'zod';
import type { uploadRequest, uploadResponse } from '../contract/station-http.ts';
import type { RecordedEntry } from '../domain/entries.ts';
import { ok, refused, type Result } from '../domain/result.ts';
import type { CartView, Change } from '../domain/tables.ts';
import { cosign } from '../ledger/checkpoint.ts';
import { frontierBytes } from '../ledger/merkle.ts';
import { decodeBase64 } from '../ledger/note.ts';
import type { Database, Queryable } from './database.ts';
import type { Refusal } from './http-reply.ts';
import type { TenantKeys } from './keys.ts';
import { recordPlacements } from './placements.ts';
import { isDataException, setAside, unfoldable, type Poison } from './poison.ts';
import { loadRows, overlayOn, saveChanges, settle, type OriginRows } from './projection-store.ts';
import { recordRequests } from './sanitization-requests.ts';
import { checkedFrontier, incidentOfRefusal, lockOrigin, readEntries, recordIncident, Refused, withoutKnown, type Accepted, type DecodedUpload, type Incident, type OriginRow } from './witness.ts';

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

/** What an upload changes once its transaction has committed. */
interface Settled {
  readonly acknowledgement: Acknowledgement;
  /** The projection as it is once this has committed. */
  readonly rows?: () => OriginRows;
  readonly incident?: Incident;
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
    const entries: Buffer[] = [];
    for (const [index, text] of upload.entries.entries()) {
      const bytes = decodeBase64(text);
      if (!bytes) return refused({ reason: 'malformed', message: `Entry ${upload.from + index} is not base64.` });
      entries.push(bytes);
    }
    const decoded: DecodedUpload = { ...upload, entries };
    // An entry that PostgreSQL cannot store spoils the whole transaction; the second try finds it by storing one at a time.
    const settled = await take(deps, cache, station, decoded, storeTogether).catch((error: unknown) => {
      if (isDataException(error)) return take(deps, cache, station, decoded, storeOneByOne);
      throw error;
    });
    if (!settled.ok) {
      if (settled.reason.incident) await recordIncident(deps.database, settled.reason.incident, deps.now());
      return refused(settled.reason.refusal);
    }
    const { acknowledgement, rows, incident } = settled.value;
    if (rows) keep(upload.origin, rows());
    if (incident) await recordIncident(deps.database, incident, deps.now());
    return ok(acknowledgement);
  };
}

/** A cosignature younger than this is given again instead of a new one. */
const RECOSIGN_MS = 20_000;

/** One transaction: entries, projections, side effects, cursor and cosignature, or nothing of them. */
async function take(deps: IngestDeps, cache: ReadonlyMap<string, OriginRows>, station: string, upload: DecodedUpload, store: Storing): Promise<Result<Settled, Pick<Refused, 'refusal' | 'incident'>>> {
  let row: OriginRow | undefined;
  try {
    const settled = await deps.database.transaction(async (client): Promise<Settled> => {
      row = await lockOrigin(client, upload.origin);
      if (row?.station !== station) {
        row = undefined;
        throw new Refused({ reason: 'not-found', message: `This station has no ledger named ${upload.origin}.` });
      }
      const accepted = readEntries(await withoutKnown(client, upload, row), row);
      const frontier = checkedFrontier(upload, row, accepted);
      const { size } = frontier;
      // A retry after a lost reply gets the very cosignature that was lost; a quiet cart, later, gets a new one with the time of now.
      const again = upload.entries.length > 0 || deps.now() - (row.cosigned_at_ms ?? 0) < RECOSIGN_MS;
      if (accepted.length === 0 && again && row.cosignature !== null && row.checkpoint === upload.checkpoint) return { acknowledgement: { size, cosignature: row.cosignature } };

      const cached = cache.get(upload.origin);
      const base = cached?.size === row.size && cached.refolded === row.refolded ? cached : await loadRows(client, upload.origin, row.size, row.refolded);
      await insertEntries(client, upload.origin, accepted, deps.now());
      const changes = await store(deps, client, upload.origin, station, base, accepted);
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
      const continued: Incident | undefined =
        row.superseded && accepted.length > 0 ? { station, origin: upload.origin, kind: 'ledger-continued', evidence: upload.origin, detail: { from: row.size, size }, note: upload.checkpoint } : undefined;
      return { acknowledgement: { size, cosignature }, rows: () => settle(base, changes, size), ...(continued ? { incident: continued } : {}) };
    });
    return ok(settled);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const incident = error.incident ?? (row && error.refusal.reason === 'inconsistent' ? incidentOfRefusal(upload, row, error.message) : undefined);
    return refused({ refusal: error.refusal, incident });
  }
}

/** Works out and stores what the entries change; what cannot be is set aside whole. Gives the changes that took effect. */
type Storing = (deps: IngestDeps, client: Queryable, origin: string, station: string, base: OriginRows, accepted: readonly Accepted[]) => Promise<readonly Change[]>;

type Read = NonNullable<Accepted['read']>;
type Found = Pick<Accepted, 'seq' | 'bytes'> & { readonly poison: Poison };

const storeTogether: Storing = async (deps, client, origin, station, base, accepted) => {
  const overlay = overlayOn(base);
  const healthy: Read[] = [];
  const found: Found[] = [];
  for (const { seq, bytes, read, poison } of accepted) {
    if (poison) found.push({ seq, bytes, poison });
    if (poison || !read) continue;
    try {
      overlay.apply(deps.project(overlay.view, read.recorded));
      healthy.push(read);
    } catch (error) {
      found.push({ seq, bytes, poison: unfoldable(error) });
    }
  }
  await storeEffects(deps, client, origin, station, overlay.changes(), healthy);
  await setAside(client, origin, found, deps.now());
  return overlay.changes();
};

const storeOneByOne: Storing = async (deps, client, origin, station, base, accepted) => {
  const overlay = overlayOn(base);
  const found: Found[] = [];
  for (const { seq, bytes, read, poison } of accepted) {
    if (poison) found.push({ seq, bytes, poison });
    if (poison || !read) continue;
    let changes: readonly Change[];
    try {
      changes = deps.project(overlay.view, read.recorded);
    } catch (error) {
      found.push({ seq, bytes, poison: unfoldable(error) });
      continue;
    }
    await client.query('savepoint one_entry');
    try {
      await storeEffects(deps, client, origin, station, changes, [read]);
      overlay.apply(changes);
    } catch (error) {
      if (!isDataException(error)) throw error;
      await client.query('rollback to savepoint one_entry');
      found.push({ seq, bytes, poison: { reason: 'unstorable', message: error.message } });
    }
    await client.query('release savepoint one_entry');
  }
  await setAside(client, origin, found, deps.now());
  return overlay.changes();
};

async function storeEffects(deps: IngestDeps, client: Queryable, origin: string, station: string, changes: readonly Change[], healthy: readonly Read[]): Promise<void> {
  await saveChanges(client, origin, changes);
  await recordPlacements(client, origin, healthy.map(({ entry }) => entry));
  await recordRequests(client, station, origin, healthy.map(({ recorded }) => recorded), deps.now());
}

/** Every entry of the tree, poison too: its bytes are what auditors get. The columns beside them are for searching. */
async function insertEntries(client: Queryable, origin: string, accepted: readonly Accepted[], nowMs: number): Promise<void> {
  if (accepted.length === 0) return;
  const columns = accepted.map(({ read, poison }) => (read && poison?.reason !== 'unstorable' ? read.entry : undefined));
  // Bytes and leaves travel as one binary value each: as arrays of text they cost more than everything else of an upload.
  let end = 1;
  const starts = accepted.map(({ bytes }) => (end += bytes.length) - bytes.length);
  await client.query(
    `insert into entry (origin, seq, bytes, leaf, type, device, actor, slot, at_ms)
     select $1, seq, substring($2::bytea from start for length), substring($3::bytea from (32 * (at - 1) + 1)::int for 32), type, device, actor, slot, at_ms
     from unnest($4::bigint[], $5::int[], $6::int[], $7::text[], $8::text[], $9::text[], $10::int[], $11::bigint[]) with ordinality as fresh (seq, start, length, type, device, actor, slot, at_ms, at)`,
    [
      origin,
      Buffer.concat(accepted.map(({ bytes }) => bytes)),
      Buffer.concat(accepted.map(({ leaf }) => leaf)),
      accepted.map(({ seq }) => seq),
      starts,
      accepted.map(({ bytes }) => bytes.length),
      columns.map((entry) => entry?.type ?? 'poison'),
      columns.map((entry) => entry?.device ?? null),
      columns.map((entry) => entry?.actor ?? null),
      columns.map((entry) => entry?.place?.slot ?? null),
      accepted.map(({ read }) => read?.entry.hlc.ms ?? nowMs),
    ],
  );
}
