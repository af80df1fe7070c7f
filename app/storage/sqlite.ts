import sqlite3 from 'sqlite3';

/** The only place that knows the sqlite3 package. */

/** Below this a WAL reset can lose committed transactions. */
export const OLDEST_SQLITE = '3.51.3';
export const SQLITE_VERSION: string = sqlite3.VERSION;

export type SqlValue = string | number | Buffer | null;
export type Row = Readonly<Record<string, SqlValue>>;

/**
 * What SQLite says went wrong, in as many words as this project distinguishes.
 * `statement`: the SQL does not fit the schema; `device`: reading, writing or syncing failed.
 */
export const SQLITE_FAULTS = ['full', 'damaged', 'statement', 'device', 'locked', 'not-permitted', 'other'] as const;
export type SqliteFault = (typeof SQLITE_FAULTS)[number];

export class SqliteError extends Error {
  override readonly name = 'SqliteError';
  readonly fault: SqliteFault;

  constructor(cause: Error, sql: string) {
    super(`${cause.message} (${sql.slice(0, 80)})`, { cause });
    this.fault = faultOf(cause);
  }
}

/** How long to wait for a lock that another process may be about to give up. */
const BUSY_TIMEOUT_MS = 250;

/** One prepared statement; each run is one round trip to the thread pool and one transaction of its own. */
export interface Statement {
  run(values: readonly SqlValue[]): Promise<void>;
}

export interface Database {
  exec(sql: string): Promise<void>;
  all(sql: string, values?: readonly SqlValue[]): Promise<readonly Row[]>;
  get(sql: string, values?: readonly SqlValue[]): Promise<Row | undefined>;
  prepare(sql: string): Promise<Statement>;
  close(): Promise<void>;
}

/** How a file is opened: `look` never writes to the database or its WAL, not even on closing; `own` makes it if it is missing. */
export type OpenMode = 'look' | 'own';

/** Opens a database file. Rejects with `SqliteError`, here and in every call. */
export async function openDatabase(path: string, mode: OpenMode): Promise<Database> {
  const flags = mode === 'look' ? sqlite3.OPEN_READONLY : sqlite3.OPEN_READWRITE | sqlite3.OPEN_CREATE;
  const handle = await new Promise<sqlite3.Database>((resolve, reject) => {
    const opening = new sqlite3.Database(path, flags, (error) => (error === null ? resolve(opening) : reject(new SqliteError(error, `open ${path}`))));
  });
  handle.configure('busyTimeout', BUSY_TIMEOUT_MS);
  const statements: sqlite3.Statement[] = [];
  const all = (sql: string, values: readonly SqlValue[] = []): Promise<readonly Row[]> =>
    new Promise((resolve, reject) => {
      handle.all<Row>(sql, values, (error, rows) => (error === null ? resolve(rows) : reject(new SqliteError(error, sql))));
    });

  return {
    all,
    async get(sql, values) {
      const [row] = await all(sql, values);
      return row;
    },
    exec: (sql) =>
      new Promise((resolve, reject) => {
        handle.exec(sql, (error) => (error === null ? resolve() : reject(new SqliteError(error, sql))));
      }),
    prepare: (sql) =>
      new Promise((resolve, reject) => {
        const statement = handle.prepare(sql, (error) => {
          if (error !== null) return reject(new SqliteError(error, sql));
          statements.push(statement);
          resolve({ run: (values) => runStatement(statement, sql, values) });
        });
      }),
    async close() {
      for (const statement of statements.splice(0)) await new Promise<void>((resolve) => statement.finalize(() => resolve()));
      await new Promise<void>((resolve, reject) => {
        handle.close((error) => (error === null ? resolve() : reject(new SqliteError(error, `close ${path}`))));
      });
    },
  };
}

function runStatement(statement: sqlite3.Statement, sql: string, values: readonly SqlValue[]): Promise<void> {
  return new Promise((resolve, reject) => {
    statement.run(values, (error: Error | null) => (error === null ? resolve() : reject(new SqliteError(error, sql))));
  });
}

/** Whether a version such as `3.51.3` is older than the oldest one that may hold a ledger. */
export function isTooOld(version: string): boolean {
  const parts = version.split('.').map(Number);
  for (const [index, least] of OLDEST_SQLITE.split('.').map(Number).entries()) {
    const part = parts[index] ?? 0;
    if (part !== least) return part < least;
  }
  return false;
}

function faultOf(error: Error): SqliteFault {
  const code = 'errno' in error && typeof error.errno === 'number' ? error.errno & 0xff : sqlite3.INTERNAL;
  switch (code) {
    case sqlite3.FULL:
      return 'full';
    case sqlite3.CORRUPT:
    case sqlite3.NOTADB:
      return 'damaged';
    case sqlite3.ERROR:
      return 'statement';
    case sqlite3.IOERR:
      return 'device';
    case sqlite3.BUSY:
    case sqlite3.LOCKED:
      return 'locked';
    case sqlite3.PERM:
    case sqlite3.READONLY:
    case sqlite3.AUTH:
    case sqlite3.CANTOPEN:
      return 'not-permitted';
    default:
      return 'other';
  }
}
