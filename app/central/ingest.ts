import type { z } from 'zod';
import type { uploadRequest, uploadResponse } from '../contract/station-http.ts';
import type { RecordedEntry } from '../domain/entries.ts';
import { ok, refused, type Result } from '../domain/result.ts';
import type { CartView, Change } from '../domain/tables.ts';
import { cosign, openCosignature } from '../ledger/checkpoint.ts';
import { frontierBytes } from '../ledger/merkle.ts';
import { decodeBase64 } from '../ledger/note.ts';
import type { Refusal } from './http-reply.ts';
import { inOrder } from './in-order.ts';
import { keysAfter } from './key-rotation.ts';
import type { TenantKeys } from './keys.ts';
import { unfoldable, type Found } from './poison.ts';
import { overlayOn, settle, type OriginRows } from './projection-store.ts';
import { checkedFrontier, incidentOfRefusal, readEntries, receivedEntry, Refused, withoutKnown, type Accepted, type DecodedUpload, type Incident, type OriginRow } from './witness.ts';
import { Unstorable, type WitnessStore, type WitnessTransaction } from './witness-store.ts';

type Upload = z.infer<typeof uploadRequest>;
type SentUpload = Omit<Upload, 'entries'> & { readonly entries: readonly Buffer[] };
type Acknowledgement = z.infer<typeof uploadResponse>;

export interface IngestDeps {
  readonly store: WitnessStore;
  readonly keys: Pick<TenantKeys, 'witness'>;
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

/** `known` finds what of an upload is new; the simulation proves that it would notice another one. */
export function createIngest(deps: IngestDeps, known: typeof withoutKnown = withoutKnown): Ingest {
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
    const sent: SentUpload = { ...upload, entries };
    // An entry that cannot be stored spoils the whole transaction; the second try finds it by storing one at a time.
    const settled = await take(deps, known, cache, station, sent, storeTogether).catch((error: unknown) => {
      if (error instanceof Unstorable) return take(deps, known, cache, station, sent, storeOneByOne);
      throw error;
    });
    if (!settled.ok) {
      if (settled.reason.incident) await deps.store.recordIncident(settled.reason.incident, deps.now());
      return refused(settled.reason.refusal);
    }
    const { acknowledgement, rows, incident } = settled.value;
    if (rows) keep(upload.origin, rows());
    if (incident) await deps.store.recordIncident(incident, deps.now());
    return ok(acknowledgement);
  };
}

/** A cosignature younger than this is given again instead of a new one. */
const RECOSIGN_MS = 20_000;

/** One transaction: entries, projections, side effects, cursor and cosignature, or nothing of them. */
async function take(deps: IngestDeps, known: typeof withoutKnown, cache: ReadonlyMap<string, OriginRows>, station: string, sent: SentUpload, store: Storing): Promise<Result<Settled, Pick<Refused, 'refusal' | 'incident'>>> {
  let row: OriginRow | undefined;
  let upload: DecodedUpload = { ...sent, entries: [] };
  try {
    const settled = await deps.store.transaction(async (transaction): Promise<Settled> => {
      const locked = transaction.lockOrigin(sent.origin);
      // Read while the database looks for the ledger.
      upload = { ...sent, entries: sent.entries.map(receivedEntry) };
      row = await locked;
      if (row?.station !== station) {
        row = undefined;
        throw new Refused({ reason: 'not-found', message: `This station has no ledger named ${upload.origin}.` });
      }
      if (row.key_revoked_at_ms !== null) throw new Refused({ reason: 'denied', message: 'This station is on the deny-list; the key of its ledger is revoked.' });
      const accepted = readEntries(await known(transaction, upload, row), row);
      // The database stores the entries while this program judges them; a refusal takes them back.
      const inserted = transaction.insertEntries(upload.origin, accepted, deps.now());
      inserted.catch(() => undefined);
      const keys = keysAfter(upload.origin, row, accepted);
      const frontier = checkedFrontier(upload, row, accepted, keys);
      const { size } = frontier;
      // A retry after a lost reply gets the very cosignature that was lost; a quiet cart, later, gets a new one with the time of now, and so does whoever comes back after the witness has changed its key.
      const again = upload.entries.length > 0 || deps.now() - (row.cosigned_at_ms ?? 0) < RECOSIGN_MS;
      if (accepted.length === 0 && again && row.cosignature !== null && row.checkpoint === upload.checkpoint && openCosignature(row.checkpoint + row.cosignature, deps.keys.witness.verifier).ok) return { acknowledgement: { size, cosignature: row.cosignature } };

      const cached = cache.get(upload.origin);
      const base = cached?.size === row.size && cached.refolded === row.refolded ? cached : await transaction.projection(upload.origin, row.size, row.refolded);
      const rotated = transaction.saveRotations(upload.origin, keys.slice(1 + row.rotations.length), deps.now());
      const stored = store(deps, transaction, upload.origin, station, base, accepted);
      await inOrder([inserted, rotated, stored]);
      const changes = await stored;
      const cosignature = cosign(upload.checkpoint, deps.keys.witness.verifier, deps.keys.witness.key, Math.floor(deps.now() / 1_000));
      await transaction.saveCosigned(upload.origin, { size, frontier: frontierBytes(frontier), subtrees: frontier.completed, lastLeaf: accepted.at(-1)?.leaf.toString('hex') ?? row.last_leaf, checkpoint: upload.checkpoint, cosignature }, deps.now());
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
type Storing = (deps: IngestDeps, transaction: WitnessTransaction, origin: string, station: string, base: OriginRows, accepted: readonly Accepted[]) => Promise<readonly Change[]>;

type Read = NonNullable<Accepted['read']>;

const storeTogether: Storing = async (deps, transaction, origin, station, base, accepted) => {
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
  await inOrder([transaction.saveEffects({ station, origin, changes: overlay.changes(), healthy }, deps.now()), transaction.setAside(origin, found, deps.now())]);
  return overlay.changes();
};

const storeOneByOne: Storing = async (deps, transaction, origin, station, base, accepted) => {
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
    const unstorable = await transaction.attempt(() => transaction.saveEffects({ station, origin, changes, healthy: [read] }, deps.now()));
    if (unstorable) found.push({ seq, bytes, poison: { reason: 'unstorable', message: unstorable.message } });
    else overlay.apply(changes);
  }
  await transaction.setAside(origin, found, deps.now());
  return overlay.changes();
};
