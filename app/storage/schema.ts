import type { Database } from './sqlite.ts';

/** Marks a file as a Dockward ledger ("Dkwd"), so that somebody else's database is never written to. */
export const APPLICATION_ID = 0x446b7764;

export interface Migration {
  readonly version: number;
  readonly sql: string;
}

/**
 * Every change of the schema, in order; each runs once, in a transaction of its own. One that has been released is never edited.
 *
 * Everything a transaction writes goes through one INSERT into the view `batch`: one statement, hence one round trip, one
 * implicit transaction, and nothing half-done when a part of it fails. With hashes, chain and projections it costs 1.4 × a
 * plain one-row insert (scripts/bench/ledger.ts). The same as literal SQL between BEGIN and COMMIT in one `exec` took as
 * long for one entry, twice as long for 256, and needed a ROLLBACK after a failure.
 */
export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    sql: `
CREATE TABLE ledger (id INTEGER PRIMARY KEY CHECK (id = 1), origin TEXT NOT NULL, station TEXT NOT NULL, epoch INTEGER NOT NULL);

CREATE TABLE entry (seq INTEGER PRIMARY KEY, leaf BLOB NOT NULL, device TEXT, bytes BLOB NOT NULL);
CREATE INDEX entry_device ON entry (device, seq) WHERE device IS NOT NULL;

CREATE TABLE head (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  size INTEGER NOT NULL, frontier BLOB NOT NULL, leaf BLOB NOT NULL, hlc_ms INTEGER NOT NULL, hlc_n INTEGER NOT NULL,
  acked_size INTEGER NOT NULL, acked_cosignature TEXT, acked_at_ms INTEGER
);
INSERT INTO head VALUES (1, 0, x'', x'', 0, 0, 0, NULL, NULL);

CREATE TABLE checkpoint (size INTEGER PRIMARY KEY, note TEXT NOT NULL);
CREATE TABLE projection (name TEXT NOT NULL, key TEXT NOT NULL, row TEXT NOT NULL, PRIMARY KEY (name, key)) WITHOUT ROWID;
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- pack: leaf and bytes of every entry, one after another. entries: [[offset in pack, length of bytes, device or null]…].
-- changes: [[table, key, row or null]…]. meta: [[key, value]…].
CREATE VIEW batch AS SELECT
  0 AS size, x'' AS frontier, x'' AS leaf, 0 AS hlc_ms, 0 AS hlc_n, 0 AS acked_size, '' AS acked_cosignature, 0 AS acked_at_ms,
  0 AS first, x'' AS pack, '[]' AS entries, '[]' AS changes, '[]' AS meta, '' AS note;
CREATE TRIGGER batch_commit INSTEAD OF INSERT ON batch BEGIN
  INSERT INTO entry (seq, leaf, device, bytes)
    SELECT NEW.first + e.key, substr(NEW.pack, 1 + (e.value ->> 0), 32), e.value ->> 2, substr(NEW.pack, 33 + (e.value ->> 0), e.value ->> 1)
    FROM json_each(NEW.entries) AS e;
  DELETE FROM projection WHERE (name, key) IN (SELECT c.value ->> 0, c.value ->> 1 FROM json_each(NEW.changes) AS c WHERE c.value ->> 2 IS NULL);
  INSERT INTO projection (name, key, row)
    SELECT c.value ->> 0, c.value ->> 1, c.value ->> 2 FROM json_each(NEW.changes) AS c WHERE c.value ->> 2 IS NOT NULL
    ON CONFLICT (name, key) DO UPDATE SET row = excluded.row;
  INSERT INTO meta (key, value)
    SELECT m.value ->> 0, m.value ->> 1 FROM json_each(NEW.meta) AS m WHERE true
    ON CONFLICT (key) DO UPDATE SET value = excluded.value;
  INSERT INTO checkpoint (size, note) SELECT NEW.size, NEW.note WHERE NEW.note IS NOT NULL ON CONFLICT (size) DO UPDATE SET note = excluded.note;
  UPDATE head SET size = NEW.size, frontier = NEW.frontier, leaf = NEW.leaf, hlc_ms = NEW.hlc_ms, hlc_n = NEW.hlc_n,
    acked_size = NEW.acked_size, acked_cosignature = NEW.acked_cosignature, acked_at_ms = NEW.acked_at_ms WHERE id = 1;
END;
`,
  },
  {
    version: 2,
    sql: `
-- As in version 1, but one transaction may hold several checkpoints: [[size, note]…].
DROP TRIGGER batch_commit;
DROP VIEW batch;
CREATE VIEW batch AS SELECT
  0 AS size, x'' AS frontier, x'' AS leaf, 0 AS hlc_ms, 0 AS hlc_n, 0 AS acked_size, '' AS acked_cosignature, 0 AS acked_at_ms,
  0 AS first, x'' AS pack, '[]' AS entries, '[]' AS changes, '[]' AS meta, '[]' AS checkpoints;
CREATE TRIGGER batch_commit INSTEAD OF INSERT ON batch BEGIN
  INSERT INTO entry (seq, leaf, device, bytes)
    SELECT NEW.first + e.key, substr(NEW.pack, 1 + (e.value ->> 0), 32), e.value ->> 2, substr(NEW.pack, 33 + (e.value ->> 0), e.value ->> 1)
    FROM json_each(NEW.entries) AS e;
  DELETE FROM projection WHERE (name, key) IN (SELECT c.value ->> 0, c.value ->> 1 FROM json_each(NEW.changes) AS c WHERE c.value ->> 2 IS NULL);
  INSERT INTO projection (name, key, row)
    SELECT c.value ->> 0, c.value ->> 1, c.value ->> 2 FROM json_each(NEW.changes) AS c WHERE c.value ->> 2 IS NOT NULL
    ON CONFLICT (name, key) DO UPDATE SET row = excluded.row;
  INSERT INTO meta (key, value)
    SELECT m.value ->> 0, m.value ->> 1 FROM json_each(NEW.meta) AS m WHERE true
    ON CONFLICT (key) DO UPDATE SET value = excluded.value;
  INSERT INTO checkpoint (size, note)
    SELECT c.value ->> 0, c.value ->> 1 FROM json_each(NEW.checkpoints) AS c WHERE true
    ON CONFLICT (size) DO UPDATE SET note = excluded.note;
  UPDATE head SET size = NEW.size, frontier = NEW.frontier, leaf = NEW.leaf, hlc_ms = NEW.hlc_ms, hlc_n = NEW.hlc_n,
    acked_size = NEW.acked_size, acked_cosignature = NEW.acked_cosignature, acked_at_ms = NEW.acked_at_ms WHERE id = 1;
END;
`,
  },
];

/** The schema this program writes. */
export const SCHEMA_VERSION = versionOf(MIGRATIONS);

/** Brings the database up to the newest of `migrations`. A failing one leaves the schema as it was before it. */
export async function migrate(database: Database, migrations: readonly Migration[] = MIGRATIONS): Promise<void> {
  const from = await schemaVersion(database);
  for (const { version, sql } of migrations) {
    if (version <= from) continue;
    try {
      await database.exec(`BEGIN IMMEDIATE; ${sql}; PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${version}; COMMIT;`);
    } catch (error) {
      // Some failures have already ended the transaction; then there is nothing left to roll back.
      await database.exec('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }
  // A version in the file's own header lets an older program refuse it without opening, and so without touching, it.
  if (versionOf(migrations) > from) await database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
}

export async function schemaVersion(database: Database): Promise<number> {
  const row = await database.get('PRAGMA user_version');
  return Number(row?.['user_version']);
}

function versionOf(migrations: readonly Migration[]): number {
  return migrations.at(-1)?.version ?? 0;
}
