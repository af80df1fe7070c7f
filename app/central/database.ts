import { createHash } from 'node:crypto';
import pg from 'pg';
import { inOrder } from './in-order.ts';
import { MIGRATIONS } from './migrations.ts';

/** Anything a query can be sent to: the pool, or the client that holds a transaction. */
export interface Queryable {
  query<R extends pg.QueryResultRow = pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<pg.QueryResult<R>>;
}

export interface Database extends Queryable {
  /**
   * Runs `work` in one transaction: committed when it resolves, rolled back when it throws. Its client takes statements
   * without waiting for answers (`inOrder`); PostgreSQL runs them in that order, and after one has failed no other.
   */
  transaction<T>(work: (client: Queryable) => Promise<T>): Promise<T>;
  /** Calls `heard` with the payload of every NOTIFY on `channel`; reconnects by itself. Stops when the returned function is called. */
  listen(channel: string, heard: (payload: string) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** The schema was made by a newer program; nothing was changed. */
export class NewerSchemaError extends Error {}

const MIGRATION_LOCK = 0x446f_636b;
const BIGINT = 20;

/**
 * Opens the server's database and brings its schema up to date. Several processes may open one database at the same
 * time: one of them migrates while the others wait. A schema newer than this program is refused.
 */
export async function openDatabase(url: string, onError: (error: Error) => void): Promise<Database> {
  const types = {
    // Every bigint here is a time in milliseconds or a count, far below 2^53.
    getTypeParser: ((id: number, format?: 'text' | 'binary') => (id === BIGINT ? (text: string) => Number(text) : pg.types.getTypeParser(id, format))) as typeof pg.types.getTypeParser,
  };
  const pool = new pg.Pool({ connectionString: url, max: 10, pipeline: true, types, application_name: 'dockward-central' });
  let closed = false;
  // The pool's end does not wait for its sockets: PostgreSQL, stopped right after, still says goodbye to them.
  pool.on('error', (error) => {
    if (!closed) onError(error);
  });
  try {
    await migrate(pool);
  } catch (error) {
    await pool.end();
    throw error;
  }
  const listeners = new Set<() => Promise<void>>();
  return {
    query: (text, values) => pool.query(text, values ? [...values] : undefined),
    transaction: (work) => inTransaction(pool, work),
    async listen(channel, heard) {
      const stop = await listenOn(url, channel, heard, onError);
      listeners.add(stop);
      return async () => {
        listeners.delete(stop);
        await stop();
      };
    },
    async close() {
      await Promise.all([...listeners].map((stop) => stop()));
      closed = true;
      await pool.end();
    },
  };
}

async function inTransaction<T>(pool: pg.Pool, work: (client: Queryable) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    const begun = client.query('begin');
    // Statements with values are prepared once per connection: planning them anew costs as much as running them.
    const result = work({ query: (text, values) => client.query(values ? { name: nameOf(text), text, values: [...values] } : text) });
    await inOrder([begun, result]);
    const ended = await client.query('commit');
    // PostgreSQL answers the commit of a transaction that has failed with a rollback, and not with an error.
    if (ended.command !== 'COMMIT') throw new Error('a statement of the transaction failed and nobody looked at its answer');
    return await result;
  } catch (error) {
    await client.query('rollback').catch((cause: Error) => (broken = cause));
    throw error;
  } finally {
    // A connection whose rollback failed is thrown away, not reused.
    client.release(broken);
  }
}

const names = new Map<string, string>();

/** PostgreSQL cuts names after 63 characters. */
function nameOf(text: string): string {
  const known = names.get(text) ?? createHash('sha256').update(text).digest('base64url');
  names.set(text, known);
  return known;
}

async function migrate(pool: pg.Pool): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await client.query('create table if not exists schema_version (version int not null)');
    const found = await client.query<{ version: number | null }>('select max(version) as version from schema_version');
    const version = found.rows[0]?.version ?? 0;
    if (version > MIGRATIONS.length) {
      throw new NewerSchemaError(`The database has schema ${version}; this program knows ${MIGRATIONS.length}. Start the newer program; nothing was changed.`);
    }
    for (const [index, step] of MIGRATIONS.entries()) {
      if (index < version) continue;
      await client.query('begin');
      try {
        await client.query(step);
        await client.query('insert into schema_version (version) values ($1)', [index + 1]);
        await client.query('commit');
      } catch (error) {
        await client.query('rollback');
        throw error;
      }
    }
  } finally {
    // Closing the connection gives the lock back, also after a failure.
    client.release(true);
  }
}

async function listenOn(url: string, channel: string, heard: (payload: string) => void, onError: (error: Error) => void): Promise<() => Promise<void>> {
  let stopped = false;
  let client: pg.Client | undefined;
  let retry: NodeJS.Timeout | undefined;
  const connect = async (): Promise<void> => {
    const next = new pg.Client({ connectionString: url, application_name: 'dockward-central-listen' });
    next.on('notification', (message) => heard(message.payload ?? ''));
    const lost = (): void => {
      if (client !== next) return;
      client = undefined;
      if (!stopped) retry = setTimeout(() => void connect().catch(failed), 1_000);
    };
    next.on('error', (error) => {
      onError(error);
      lost();
    });
    next.on('end', lost);
    await next.connect();
    await next.query(`listen ${channel}`);
    client = next;
    if (stopped) await next.end();
  };
  const failed = (error: unknown): void => {
    onError(error as Error);
    if (!stopped) retry = setTimeout(() => void connect().catch(failed), 1_000);
  };
  await connect();
  return async () => {
    stopped = true;
    clearTimeout(retry);
    await client?.end();
  };
}
