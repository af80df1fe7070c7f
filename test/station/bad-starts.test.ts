import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { enrolledFolder, type EnrolledFolder } from '../support/enrolled-folder.ts';

const STATION = fileURLToPath(new URL('../../app/entrypoints/station-node.ts', import.meta.url));

interface Ended {
  readonly code: number | null;
  /** What a person reads: the lines that are not the log's. */
  readonly words: readonly string[];
  readonly stderr: string;
}

function started(args: readonly string[]): { readonly child: ChildProcess; readonly ready: Promise<string>; readonly ended: Promise<Ended> } {
  const child = spawn(process.execPath, [STATION, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr?.on('data', (part: Buffer) => (stderr += part.toString()));
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code) => resolve({ code, stderr, words: stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{')) }));
  });
  const ready = new Promise<string>((resolve, reject) => {
    let stdout = '';
    child.stdout?.on('data', (part: Buffer) => {
      stdout += part.toString();
      if (stdout.includes('\n')) resolve(stdout);
    });
    void ended.then(() => reject(new Error(`the station ended before it was ready: ${stderr}`)));
  });
  ready.catch(() => undefined);
  onTestFinished(async () => {
    if (child.exitCode === null) child.kill('SIGTERM');
    await ended;
  });
  return { child, ready, ended };
}

const startIn = (folder: Pick<EnrolledFolder, 'data' | 'config'>, ...more: string[]) => started(['--data', folder.data, '--config', folder.config, '--central', 'https://127.0.0.1:9', '--kiosk-port', '0', ...more]);

/** One message, for a person: what happened and what to do, and no trace of the program's insides. */
async function expectOneMessage(ended: Promise<Ended>, ...parts: readonly string[]): Promise<void> {
  const { code, words, stderr } = await ended;
  expect(words).toHaveLength(1);
  for (const part of ['station: ', ...parts]) expect(words[0]).toContain(part);
  expect(stderr).not.toMatch(/^\s+at |\\n\s+at |"stack"/m);
  expect(code).toBe(1);
}

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bad-start-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

test('no configuration is named, or the named one is not there', async () => {
  const folder = await emptyFolder();
  await expectOneMessage(started(['--data', join(folder, 'data')]).ended, '--config FILE', 'README');
  const missing = join(folder, 'station.json');
  await expectOneMessage(started(['--data', join(folder, 'data'), '--config', missing]).ended, '--config FILE', missing);
  expect(await readdir(folder)).toEqual([]);
});

test('the configuration is not JSON, or is not a station’s', async () => {
  const folder = await emptyFolder();
  const config = join(folder, 'station.json');
  await writeFile(config, '{ "shelves": [[1, 2,');
  await expectOneMessage(started(['--data', folder, '--config', config]).ended, config, 'is not JSON', 'README');
  await writeFile(config, JSON.stringify({ readers: 'none', slots: 'usb', shelves: [[1, 2]], ports: { 1: '1-1' }, kioskPort: 99_999 }));
  await expectOneMessage(started(['--data', folder, '--config', config]).ended, config, 'kioskPort');
});

test('nobody ever enrolled this station, and no code is given', async () => {
  const folder = await emptyFolder();
  const config = join(folder, 'station.json');
  await writeFile(config, JSON.stringify({ readers: 'none', slots: 'none', shelves: [[1]] }));
  await expectOneMessage(startIn({ data: join(folder, 'data'), config }).ended, 'not enrolled', '--code CODE');
});

test('the kiosk’s port is in use by another program', async () => {
  const folder = await enrolledFolder();
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise<void>((resolve) => other.close(() => resolve())));
  const address = other.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  await expectOneMessage(startIn(folder, '--kiosk-port', String(port)).ended, String(port), 'in use', '--kiosk-port');
});

test('a second station is started on the same folder: it is refused, and the first goes on', async () => {
  const folder = await enrolledFolder();
  const first = startIn(folder);
  await first.ready;
  await expectOneMessage(startIn(folder).ended, 'ledger.db', 'in use by another station', 'Stop that one first');
  expect(first.child.exitCode).toBeNull();
  first.child.kill('SIGTERM');
  expect(await first.ended).toMatchObject({ code: 0, words: [] });
});

test('the ledger was written by a newer version: refused, and not a byte of it is changed', async () => {
  const folder = await enrolledFolder();
  const path = join(folder.data, 'ledger.db');
  const newer = new DatabaseSync(path);
  newer.exec('PRAGMA user_version = 4711; CREATE TABLE future (x)');
  newer.close();
  const before = await readFile(path);
  await expectOneMessage(startIn(folder).ended, path, 'newer version', 'Nothing was changed');
  expect((await readFile(path)).equals(before)).toBe(true);
  expect((await folder.identity()).epoch().number).toBe(1);
});

test('its identity is damaged, or the data folder is a file: said, and nothing is overwritten', async () => {
  const folder = await enrolledFolder();
  const identity = join(folder.data, 'identity.json');
  const whole = await readFile(identity, 'utf8');
  await writeFile(identity, whole.slice(0, 200));
  await expectOneMessage(startIn(folder).ended, identity, 'damaged');
  expect(await readFile(identity, 'utf8')).toBe(whole.slice(0, 200));
  await expectOneMessage(startIn({ ...folder, data: folder.config }).ended, folder.config, 'folder');
});

test('the ledger is a folder, where a file should be: as unreadable as any, and set aside', async () => {
  const folder = await enrolledFolder();
  await mkdir(join(folder.data, 'ledger.db'));
  const station = startIn(folder);
  await station.ready;
  expect((await readdir(folder.data)).filter((name) => name.startsWith('ledger.db.unreadable-'))).toHaveLength(1);
  station.child.kill('SIGTERM');
  expect(await station.ended).toMatchObject({ code: 0 });
});
