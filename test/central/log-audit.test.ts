import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditBundle } from '../../app/ledger/audit.ts';
import { append, EMPTY_FRONTIER, leafHash, rootOf } from '../../app/ledger/merkle.ts';
import { encodeVkey, verifierKey } from '../../app/ledger/note.ts';
import { readTar } from '../../app/ledger/tar.ts';
import { buildGo, GO_MISSING, WITHOUT_GO } from '../unit/ledger/go-tools.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { startTestCentral, type TestCentral } from './demo-central.ts';
import { enrolStation, testLedger, type TestLedger, type TestStation } from './demo-station.ts';

const SIZE = 600;
const OLD_SIZE = 300;
let postgres: TestPostgres;
let central: TestCentral;
let station: TestStation;
let ledger: TestLedger;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dockward-log-'));
  if (GO_MISSING === undefined) await buildGo('tiles', path.join(folder, 'tiles'));
  postgres = await startTestPostgres();
  central = await startTestCentral(await postgres.createDatabase());
  station = await enrolStation(central);
  ledger = testLedger(station);
  for (let count = 0; count < SIZE; count += 1) ledger.add({ type: 'host-lost', body: { cause: `cable ${count}` } });
  for (const to of [OLD_SIZE, SIZE]) expect((await station.request('POST', '/v1/log/entries', ledger.upload(to - 300, to))).status).toBe(200);
}, 180_000);
afterAll(async () => {
  await central.close();
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
});

const token = (): string => central.firstSecrets?.auditorToken ?? '';
const get = (resource: string, bearer = token()): Promise<Response> => fetch(`${central.url}/log/${station.origin}/${resource}`, { headers: { authorization: `Bearer ${bearer}` } });
const bundle = async (): Promise<Buffer> => Buffer.from(await (await get('bundle.tar')).arrayBuffer());
const goClient = async (base: string): Promise<string> => {
  const vkey = encodeVkey(verifierKey(station.origin, station.ledgerKey));
  const { stdout } = await promisify(execFile)(path.join(folder, 'tiles'), [base, vkey, token(), String(OLD_SIZE)]);
  return stdout.trim();
};
const oldRoot = (): string => rootOf(ledger.entries.slice(0, OLD_SIZE).map(leafHash).reduce(append, EMPTY_FRONTIER)).toString('base64');

describe('a published ledger', () => {
  it('is audited entry by entry by a tile client with Go’s own packages, over HTTP', async (context) => {
    if (GO_MISSING !== undefined) context.skip(WITHOUT_GO);
    expect(await goClient(`${central.url}/log/${station.origin}`)).toBe(`ok ${SIZE} ${oldRoot()}`);
  });

  it('is audited by the same client from the exported bundle, unpacked', async (context) => {
    if (GO_MISSING !== undefined) context.skip(WITHOUT_GO);
    const unpacked = path.join(folder, 'bundle');
    for await (const file of readTar([await bundle()])) {
      if (!file.ok) throw new Error(file.reason);
      await mkdir(path.dirname(path.join(unpacked, file.value.name)), { recursive: true });
      await writeFile(path.join(unpacked, file.value.name), file.value.content);
    }
    expect(await goClient(unpacked)).toBe(`ok ${SIZE} ${oldRoot()}`);
  });

  it('unpacks with the system’s tar, owner and time as they were written', async () => {
    const file = path.join(folder, 'bundle.tar');
    await writeFile(file, await bundle());
    const { stdout } = await promisify(execFile)('tar', ['--list', '--verbose', '--numeric-owner', '--utc', '-f', file]);
    const lines = stdout.trim().split('\n');
    expect(lines.every((line) => /^-rw-r--r-- 0\/0 +\d+ 1970-01-01 00:00 \S+$/.test(line))).toBe(true);
    expect(lines.map((line) => line.split(' ').at(-1))).toEqual([
      'checkpoint', 'keys', 'tile/0/000', 'tile/entries/000', 'tile/0/001', 'tile/entries/001', 'tile/0/002.p/88', 'tile/entries/002.p/88', 'tile/1/000.p/2',
    ]);
  });

  it('as a bundle is sound, witnessed to its end, and the same bytes every time', async () => {
    const [once, again] = [await bundle(), await bundle()];
    expect(once.equals(again)).toBe(true);
    expect(await auditBundle([once])).toMatchObject({ finding: undefined, size: SIZE, witnessed: { size: SIZE }, origin: station.origin });
  });

  it('gives its bundle to auditors only', async () => {
    expect((await get('bundle.tar', 'wrong')).status).toBe(401);
    const answer = await get('bundle.tar');
    expect([answer.headers.get('content-type'), answer.headers.get('cache-control')]).toEqual(['application/x-tar', 'no-store']);
    await answer.body?.cancel();
  });

  it('knows one spelling of each tile, and lets full tiles be kept for ever', async () => {
    for (const resource of ['tile/00/000', 'tile/0/x000/000', 'tile/0/002.p/088', 'tile/0/002', 'tile/0/002.p/89', 'tile/64/000', 'tile/63/000', 'tile/2/000.p/1', 'tile/entries/003', 'keys']) {
      expect([resource, (await get(resource)).status]).toEqual([resource, 404]);
    }
    const full = await get('tile/0/000');
    expect([full.status, full.headers.get('content-type'), full.headers.get('cache-control')]).toEqual([200, 'application/octet-stream', 'private, max-age=31536000, immutable']);
    expect((await full.arrayBuffer()).byteLength).toBe(8_192);
  });

  it('before its first cosigned checkpoint has nothing to export', async () => {
    const empty = await enrolStation(central, 'Cart B');
    const answer = await fetch(`${central.url}/log/${empty.origin}/bundle.tar`, { headers: { authorization: `Bearer ${token()}` } });
    expect(answer.status).toBe(404);
  });
});
