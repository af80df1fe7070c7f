import { constants } from 'node:fs';
import { access, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ok, refused, type Result } from '../domain/result.ts';
import { verifierKey, type VerifierKey } from '../ledger/note.ts';
import { coverGaps, SIGNED_AT_THE_END } from './cover-gaps.ts';
import { keysOf, type LedgerKeys } from './ledger-keys.ts';
import { Inconsistent, load, loadIdentity, type Loaded } from './load.ts';
import { APPLICATION_ID, migrate, schemaVersion, SCHEMA_VERSION } from './schema.ts';
import { isTooOld, openDatabase, SqliteError, SQLITE_VERSION, type Database, type SqliteFault } from './sqlite.ts';
import { composeStore } from './compose.ts';
import type { OpenFailure, Store, StoreOptions } from './store.ts';

/**
 * Opens a station's ledger, making it if there is none, and takes it for this process alone until `close`.
 * A refusal leaves the database and its WAL as they were, byte for byte. Throws where the options cannot be right
 * (no such folder, not an Ed25519 key).
 */
export async function openStore(options: StoreOptions): Promise<Result<Store, OpenFailure>> {
  if (isTooOld(SQLITE_VERSION)) return refused('old-sqlite');
  // Throws for a key that cannot sign before anything is touched.
  verifierKey(options.origin, options.signingKey);
  const failure = (await findFile(options.path)) ?? (await look(options));
  if (failure !== undefined) return refused(failure);

  let database: Database;
  try {
    database = await openDatabase(options.path, 'own');
  } catch (error) {
    return refused(failureOf(error));
  }
  return takeDatabase(database, options);
}

/** The ledger in a database that is open already; closes it where the ledger is refused. */
export async function takeDatabase(database: Database, options: StoreOptions): Promise<Result<Store, OpenFailure>> {
  const key = verifierKey(options.origin, options.signingKey);
  try {
    const { loaded, keys } = await own(database, options, key);
    return ok(composeStore({ database, loaded, keys, options, insertBatch: await database.prepare(INSERT_BATCH) }));
  } catch (error) {
    await database.close();
    return refused(failureOf(error));
  }
}

const INSERT_BATCH = `INSERT INTO batch (size, frontier, leaf, hlc_ms, hlc_n, acked_size, acked_cosignature, acked_at_ms, first, pack, entries, changes, meta, checkpoints)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

const HEADER_BYTES = 100;
const MAGIC = 'SQLite format 3\0';
const USER_VERSION_AT = 60;
const JOURNAL_MAGIC = 'd9d505f920a163d7';
const PAGES_BEFORE_AT = 16;

/** A refusal that is not SQLite's. */
class Refusal extends Error {
  readonly failure: OpenFailure;

  constructor(failure: OpenFailure) {
    super(failure);
    this.failure = failure;
  }
}

/** What the file system and the header of the file say, before SQLite has seen it. */
async function findFile(path: string): Promise<OpenFailure | undefined> {
  const writable = await mayWrite(dirname(path));
  if (!writable) return 'no-permission';
  const found = await stat(path).catch(missing);
  if (found === undefined) {
    // A WAL without its database is what an interrupted `setAside` leaves: it may hold the only copy of entries.
    const wal = await stat(`${path}-wal`).catch(missing);
    return wal === undefined || wal.size === 0 ? undefined : 'unreadable';
  }
  if (!found.isFile()) return 'unreadable';
  if (!(await mayWrite(path))) return 'no-permission';
  if (found.size === 0) return undefined;
  const header = await readHeader(path);
  if (header.length < HEADER_BYTES || header.toString('latin1', 0, MAGIC.length) !== MAGIC) return (await wasBeingMade(path)) ? undefined : 'unreadable';
  return header.readUInt32BE(USER_VERSION_AT) > SCHEMA_VERSION ? 'newer-schema' : undefined;
}

/**
 * Whether the power failed while SQLite wrote the first page of a new file: its journal says that the file was empty before,
 * and SQLite will make it so again. A torn first page has no header to know it by.
 */
async function wasBeingMade(path: string): Promise<boolean> {
  const journal = await readHeader(`${path}-journal`).catch(missing);
  if (journal === undefined || journal.length < HEADER_BYTES) return false;
  return journal.toString('hex', 0, JOURNAL_MAGIC.length / 2) === JOURNAL_MAGIC && journal.readUInt32BE(PAGES_BEFORE_AT) === 0;
}

async function readHeader(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

async function mayWrite(path: string): Promise<boolean> {
  try {
    await access(path, constants.R_OK | constants.W_OK);
    return true;
  } catch (error) {
    if (isErrno(error, 'EACCES') || isErrno(error, 'EPERM') || isErrno(error, 'EROFS')) return false;
    throw error;
  }
}

function missing(error: unknown): undefined {
  if (!isErrno(error, 'ENOENT')) throw error;
}

const isErrno = (error: unknown, code: string): boolean => error instanceof Error && 'code' in error && error.code === code;

/**
 * Looks at an existing database through a connection that cannot write: a writable one would, on closing,
 * copy the WAL into a file that has just been refused.
 */
async function look(options: StoreOptions): Promise<OpenFailure | undefined> {
  const found = await stat(options.path).catch(missing);
  if (found === undefined || found.size === 0) return undefined;
  let database: Database;
  try {
    database = await openDatabase(options.path, 'look');
  } catch (error) {
    return judgeLook(error);
  }
  try {
    await read(database, options, ['statement']);
    return undefined;
  } catch (error) {
    return judgeLook(error);
  } finally {
    await database.close();
  }
}

/** A look can fail where owning works (no space for the shared-memory file of a reader): then the owner will tell. */
function judgeLook(error: unknown): OpenFailure | undefined {
  if (error instanceof SqliteError && error.fault !== 'damaged' && error.fault !== 'locked') return undefined;
  return failureOf(error);
}

/** Takes the database, brings its schema up to date and reads what boot needs. */
async function own(database: Database, options: StoreOptions, key: VerifierKey): Promise<{ readonly loaded: Loaded; readonly keys: LedgerKeys }> {
  // Exclusive before WAL: one process holds the file, and the WAL's index lives in memory instead of beside it.
  await database.exec('PRAGMA locking_mode = EXCLUSIVE');
  await read(database, options, ['statement', 'device']);
  const mode = await database.get('PRAGMA journal_mode = WAL');
  if (mode?.['journal_mode'] !== 'wal') throw new Error(`the ledger needs WAL, SQLite gave ${String(mode?.['journal_mode'])}`);
  await database.exec('PRAGMA synchronous = FULL');
  if ((await schemaVersion(database)) === SIGNED_AT_THE_END) await coverGaps(database, key, options.signingKey);
  await migrate(database);
  if ((await loadIdentity(database)) === undefined) {
    // Numbers and hex only: no text of the configuration becomes SQL.
    const asText = (value: string): string => `CAST(x'${Buffer.from(value).toString('hex')}' AS TEXT)`;
    await database.exec(`INSERT INTO ledger (id, origin, station, epoch) VALUES (1, ${asText(options.origin)}, ${asText(options.station)}, ${options.epoch})`);
  }
  const loaded = await load(database);
  const keys = keysOf(loaded, options);
  if (!keys) throw new Refusal('other-key');
  return { loaded, keys };
}

/** Reads a database as boot will. The faults listed mean damage to it, and not trouble with what surrounds it. */
async function read(database: Database, options: StoreOptions, damage: readonly SqliteFault[]): Promise<void> {
  try {
    await assertOurs(database, options);
    if ((await schemaVersion(database)) > 0 && !keysOf(await load(database), options)) throw new Refusal('other-key');
  } catch (error) {
    if (error instanceof SqliteError && damage.includes(error.fault)) throw new Inconsistent(error.message, { cause: error });
    throw error;
  }
}

async function assertOurs(database: Database, options: StoreOptions): Promise<void> {
  const version = await schemaVersion(database);
  if (version > SCHEMA_VERSION) throw new Refusal('newer-schema');
  if (version === 0) {
    const tables = await database.get('SELECT count(*) AS count FROM sqlite_schema');
    if (tables?.['count'] !== 0) throw new Refusal('unreadable');
    return;
  }
  const application = await database.get('PRAGMA application_id');
  if (application?.['application_id'] !== APPLICATION_ID) throw new Refusal('unreadable');
  const identity = await loadIdentity(database);
  if (identity === undefined || identity.origin === options.origin) return;
  const lifeOf = (origin: string): string => origin.replace(/\/e[0-9]+$/, '');
  throw new Refusal(lifeOf(identity.origin) === lifeOf(options.origin) ? 'other-epoch' : 'other-ledger');
}

/** The closed list's word for what went wrong; what is on no list is thrown on. */
function failureOf(error: unknown): OpenFailure {
  if (error instanceof Refusal) return error.failure;
  if (error instanceof Inconsistent) return 'unreadable';
  if (!(error instanceof SqliteError)) throw error;
  switch (error.fault) {
    case 'full':
      return 'no-space';
    case 'damaged':
      return 'unreadable';
    case 'locked':
      return 'locked';
    case 'not-permitted':
      return 'no-permission';
    case 'statement':
    case 'device':
    case 'other':
      throw error;
  }
}
