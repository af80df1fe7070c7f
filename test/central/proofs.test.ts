import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EMPTY_FRONTIER, leafHash, rootOf } from '../../app/ledger/merkle.ts';
import { encodeVkey } from '../../app/ledger/note.ts';
import { verifyConsistency, verifyInclusion } from '../../app/ledger/proofs.ts';
import { grow } from '../../app/ledger/subtrees.ts';
import { parseTlogProof } from '../../app/ledger/tlog-proof.ts';
import { buildGo, GO_MISSING, WITHOUT_GO } from '../unit/ledger/go-tools.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { startTestCentral, type TestCentral } from './demo-central.ts';
import { enrolStation, testLedger, type TestLedger, type TestStation } from './demo-station.ts';
import { syntheticLog } from './synthetic-log.ts';

let postgres: TestPostgres;
let central: TestCentral;
let station: TestStation;
let ledger: TestLedger;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dockward-proofs-'));
  if (GO_MISSING === undefined) await buildGo('cart', path.join(folder, 'cart'));
  postgres = await startTestPostgres();
  central = await startTestCentral(await postgres.createDatabase());
  station = await enrolStation(central);
  ledger = testLedger(station);
  for (let count = 0; count < 600; count += 1) ledger.add({ type: 'host-lost', body: { cause: `cable ${count}` } });
}, 180_000);
afterAll(async () => {
  await central.close();
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
});

const token = (): string => central.firstSecrets?.auditorToken ?? '';
const ask = (resource: string, { origin = station.origin, headers = {}, method = 'GET' } = {}): Promise<Response> =>
  fetch(`${central.url}/log/${origin}/${resource}`, { method, headers: { authorization: `Bearer ${token()}`, ...headers } });
const answer = async (resource: string): Promise<{ status: number; body: Record<string, unknown> }> => {
  const response = await ask(resource);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
const hashesOf = (body: Record<string, unknown>): Buffer[] => (body['hashes'] as string[]).map((hash) => Buffer.from(hash, 'base64'));
const upload = async (from: number, to: number): Promise<void> => expect((await station.request('POST', '/v1/log/entries', ledger.upload(from, to))).status).toBe(200);
const leaf = (index: number): Buffer => leafHash(ledger.entries[index] ?? expect.fail());
const rootAt = (size: number): Buffer => rootOf(grow(EMPTY_FRONTIER, ledger.entries.slice(0, size).map(leafHash)));
/** Flips one bit of a stored value; done again it is as before. */
const flipped = (table: string, column: string, where: string, origin = station.origin): Promise<unknown> => central.database.query(`update ${table} set ${column} = set_byte(${column}, 7, get_byte(${column}, 7) # 1) where origin = $1 and ${where}`, [origin]);
const subtrees = async (origin: string): Promise<unknown[]> => (await central.database.query('select level, index, hash from subtree where origin = $1 order by level, index', [origin])).rows;

describe('proofs of a cart’s ledger', () => {
  it('are for auditors only', async () => {
    for (const resource of ['proof/inclusion?index=0', 'proof/consistency?from=1', 'proof/entry?index=0', 'receipt?index=0', 'no-such-thing']) {
      expect([resource, (await ask(resource, { headers: { authorization: 'Bearer wrong' } })).status]).toEqual([resource, 401]);
    }
  });

  it('before anything was cosigned are not to be had', async () => {
    for (const resource of ['proof/inclusion?index=0', 'proof/entry?index=0', 'receipt?index=0']) expect([resource, (await answer(resource)).status]).toEqual([resource, 404]);
    expect((await answer('proof/consistency?from=0')).body).toEqual({ origin: station.origin, from: 0, to: 0, hashes: [] });
  });

  it('asked for across growth hold from every size that was cosigned to every later one, and old ones go on holding', async () => {
    const sizes = [1, 255, 256, 257, 300, 512, 600];
    let before = 0;
    const early: { size: number; hashes: Buffer[] }[] = [];
    for (const size of sizes) {
      await upload(before, size);
      // Written with the entries, before anybody asks.
      expect([size, (await subtrees(station.origin)).length]).toEqual([size, Math.floor(size / 256)]);
      const inclusion = await answer(`proof/inclusion?index=0`);
      expect(inclusion).toMatchObject({ status: 200, body: { origin: station.origin, size, index: 0, leaf: leaf(0).toString('hex') } });
      early.push({ size, hashes: hashesOf(inclusion.body) });
      for (const old of sizes.filter((each) => each <= size)) {
        const { body } = await answer(`proof/consistency?from=${old}`);
        expect([old, size, verifyConsistency(old, rootAt(old), size, rootAt(size), hashesOf(body))]).toEqual([old, size, true]);
      }
      before = size;
    }
    for (const { size, hashes } of early) {
      expect([size, verifyInclusion(0, size, leaf(0), hashes, rootAt(size))]).toEqual([size, true]);
      expect(hashesOf((await answer(`proof/inclusion?index=0&size=${size}`)).body)).toEqual(hashes);
    }
    expect(await subtrees(station.origin)).toEqual([0, 1].map((index) => ({ level: 1, index, hash: rootOf(grow(EMPTY_FRONTIER, ledger.entries.slice(index * 256, (index + 1) * 256).map(leafHash))) })));
  });

  it('of an entry known only by its leaf are found', async () => {
    expect(await answer(`proof/inclusion?leaf=${leaf(299).toString('hex')}`)).toMatchObject({ status: 200, body: { index: 299, size: 600 } });
    expect((await answer(`proof/inclusion?leaf=${leaf(299).toString('hex')}&size=299`)).status).toBe(404);
    expect((await answer(`proof/inclusion?leaf=${'00'.repeat(32)}`)).status).toBe(404);
  });

  it('of an index beyond the size, of a size never cosigned, or backwards, are refused in words', async () => {
    const refused: readonly (readonly [resource: string, status: number, words: string])[] = [
      ['proof/inclusion?index=600', 404, 'no entry 600 among the first 600'],
      ['proof/inclusion?index=9007199254740993', 404, 'There is no entry'],
      ['proof/inclusion?index=300&size=300', 404, 'no entry 300 among the first 300'],
      ['proof/inclusion?index=0&size=601', 404, 'No size of 601 was ever cosigned'],
      ['proof/inclusion?index=0&size=0', 404, 'among the first 0'],
      ['proof/consistency?from=1&to=601', 404, 'No size of 601 was ever cosigned'],
      ['proof/consistency?from=301&to=300', 400, 'not the beginning of one of 300'],
      ['proof/consistency?from=601', 400, 'not the beginning'],
      ['proof/consistency', 400, 'from'],
      ['proof/entry?index=600', 404, 'no entry 600 among the 600'],
      ['receipt?index=600', 404, 'no entry 600'],
      ['proof/entry', 400, 'index'],
      ['proof/inclusion', 400, 'one of the two'],
      [`proof/inclusion?index=0&leaf=${'00'.repeat(32)}`, 400, 'one of the two'],
      ['proof/inclusion?leaf=abc', 400, '64 lower-case hex digits'],
      ...['-1', '01', '1e2', ' 1', '0x1', '', '1.0'].map((index) => [`proof/inclusion?index=${encodeURIComponent(index)}`, 400, 'decimal digits'] as const),
      ['proof/inclusion?index=1&index=2', 400, 'index'],
      ['proof/inclusion?index=1&depth=2', 400, 'depth'],
      ['proof/everything?index=1', 404, 'no such ledger or resource'],
    ];
    for (const [resource, status, words] of refused) expect([resource, await answer(resource)]).toMatchObject([resource, { status, body: { message: expect.stringContaining(words) as string } }]);
    expect((await ask('proof/inclusion?index=0', { origin: 'demo/station/nobody/e1' })).status).toBe(404);
  });

  it('as a file carry the checkpoint and the cosignature verbatim', async () => {
    const response = await ask('proof/entry?index=256');
    expect([response.headers.get('content-type'), response.headers.get('cache-control'), response.headers.get('content-disposition')]).toEqual([
      'text/plain; charset=utf-8', 'no-store', `attachment; filename="${station.origin.replaceAll('/', '_')}-256.tlog-proof"`,
    ]);
    const proof = parseTlogProof(await response.text());
    const checkpoint = await (await ask('checkpoint')).text();
    expect(proof).toMatchObject({ ok: true, value: { index: 256, checkpoint } });
    expect(proof.ok && verifyInclusion(256, 600, leaf(256), proof.value.hashes, rootAt(600))).toBe(true);
  });

  it('are not given out where the database no longer holds what was signed', async () => {
    const flip = (): Promise<unknown> => flipped('entry', 'leaf', 'seq = 300');
    await flip();
    expect([(await answer('proof/entry?index=301')).status, (await answer('receipt?index=300')).status, (await answer('receipt?index=301')).status]).toEqual([503, 503, 503]);
    await flip();
    expect((await ask('proof/entry?index=301')).status).toBe(200);
  });

  it('of a ledger that is older than the table of subtrees are made all the same, and its history is hashed once', async () => {
    const size = 65_793;
    const origin = await syntheticLog(central, 'st-old', size);
    expect(await subtrees(origin)).toEqual([]);
    const { hashes } = (await (await ask(`proof/inclusion?index=${size - 1}`, { origin })).json()) as { hashes: string[] };
    const leaves = (await central.database.query<{ leaf: Buffer }>('select leaf from entry where origin = $1 order by seq', [origin])).rows.map((row) => row.leaf);
    const grown = grow(EMPTY_FRONTIER, leaves);
    expect(verifyInclusion(size - 1, size, leaves.at(-1) ?? expect.fail(), hashes.map((hash) => Buffer.from(hash, 'base64')), rootOf(grown))).toBe(true);
    const kept = await subtrees(origin);
    expect(kept).toContainEqual(grown.completed.find(({ level }) => level === 2));
    // What is not read again cannot be seen to have changed.
    await flipped('entry', 'leaf', 'seq = 5', origin);
    const whole = Buffer.concat(grown.completed.filter(({ level, index }) => level === 1 && index < 256).map(({ hash }) => hash));
    for (const lost of ['index < 0', 'index in (3, 5, 6, 200)']) {
      await central.database.query(`delete from subtree where origin = $1 and level = 1 and ${lost}`, [origin]);
      expect(Buffer.from(await (await ask('tile/1/000', { origin })).arrayBuffer())).toEqual(whole);
    }
    await flipped('entry', 'leaf', 'seq = 5', origin);
  });
});

describe('every published ledger', () => {
  it('is audited over HTTP alone, from the list to the cosignature, at sizes around every edge of a tile', async (context) => {
    if (GO_MISSING !== undefined) context.skip(WITHOUT_GO);
    const sizes = [0, 1, 2, 255, 256, 257, 511, 512];
    const origins: string[] = [];
    for (const size of sizes) origins.push(await syntheticLog(central, `st-${size}`, size));
    const unused = await enrolStation(central, 'Cart B');
    const { stdout } = await promisify(execFile)(path.join(folder, 'cart'), [central.url, token(), encodeVkey(central.keys.witness.verifier)], { maxBuffer: 1 << 20 });
    const lines = stdout.trim().split('\n');
    expect(lines.at(-1)).toBe('ok');
    expect(lines).toEqual(expect.arrayContaining([...sizes.map((size, at) => expect.stringMatching(`^${origins[at] ?? ''} ${size} `) as string), `${unused.origin} without checkpoint`, expect.stringMatching('/st-old/e1 65793 519$') as string, `${station.origin} 600 7`]));
  }, 120_000);

  it('is not passed by that auditor when one bit of a checkpoint, a leaf or an upper hash is another', async (context) => {
    if (GO_MISSING !== undefined) context.skip(WITHOUT_GO);
    const audit = (): Promise<{ stdout: string }> => promisify(execFile)(path.join(folder, 'cart'), [central.url, token(), encodeVkey(central.keys.witness.verifier)]);
    const { database } = central;
    await database.query('delete from origin where origin <> $1 and size <> 257', [station.origin]);
    await audit();
    for (const [table, column, where, words] of [['entry', 'leaf', 'seq = 77', 'leaf 77'], ['entry', 'bytes', 'seq = 599', 'leaf 599'], ['subtree', 'hash', 'index = 1', 'hash 1 of level 1']] as const) {
      await flipped(table, column, where);
      await expect(audit()).rejects.toThrow(words);
      await flipped(table, column, where);
    }
    const [own] = (await database.query<{ cosignature: string }>('select cosignature from origin where origin = $1', [station.origin])).rows;
    await database.query('update origin set cosignature = (select cosignature from origin where size = 257) where origin = $1', [station.origin]);
    await expect(audit()).rejects.toThrow('invalid signature');
    expect((await ask('receipt?index=0')).status).toBe(503);
    await database.query('update origin set cosignature = $2 where origin = $1', [station.origin, own?.cosignature]);
    await audit();
  }, 60_000);

  it('is the same under an address whose origin was escaped as one segment', async () => {
    const origin = encodeURIComponent(station.origin);
    for (const resource of ['checkpoint', 'tile/0/000', 'tile/entries/002.p/88', 'proof/inclusion?index=4', 'proof/entry?index=4', 'receipt?index=4']) {
      const [escaped, plain] = [await ask(resource, { origin }), await ask(resource)];
      expect([resource, escaped.status, await escaped.text()]).toEqual([resource, 200, await plain.text()]);
    }
    for (const resource of ['checkpoint', 'proof/inclusion?index=4', 'receipt?index=4']) expect([resource, (await ask(resource, { origin, headers: { authorization: '' } })).status]).toEqual([resource, 401]);
    for (const resource of ['tile/*', 'tile/0', 'keys', '']) expect([resource, (await ask(resource, { origin })).status]).toEqual([resource, 404]);
  });

  it('answers HEAD, gzip and its absence, and keeps the partial tiles of earlier sizes', async () => {
    const [head, got] = [await ask('tile/0/002.p/88', { method: 'HEAD' }), await ask('tile/0/002.p/88')];
    expect([head.status, head.headers.get('content-type'), head.headers.get('content-length'), await head.text()]).toEqual([200, 'application/octet-stream', '2816', '']);
    expect(got.headers.get('cache-control')).toBe('private, max-age=31536000, immutable');
    for (const [resource, hashes] of [['tile/0/000.p/1', 1], ['tile/0/000.p/255', 255], ['tile/0/001.p/44', 44], ['tile/1/000.p/1', 1], ['tile/1/000.p/2', 2]] as const) expect([resource, (await (await ask(resource)).arrayBuffer()).byteLength]).toEqual([resource, hashes * 32]);
    const codings: readonly (readonly [string, string | null])[] = [['gzip', 'gzip'], ['br;q=1.0, GZIP;q=0.5', 'gzip'], ['*', 'gzip'], ['identity', null], ['gzip;q=0, *', null], ['gzip;q=0', null], ['br', null]];
    for (const [accepted, encoding] of codings) {
      const response = await ask('tile/entries/000', { headers: { 'accept-encoding': accepted } });
      expect([accepted, response.headers.get('content-encoding'), response.headers.get('vary')]).toEqual([accepted, encoding, 'accept-encoding']);
      const bundle = Buffer.from(await response.arrayBuffer());
      expect(bundle.subarray(2, 2 + bundle.readUInt16BE(0))).toEqual(ledger.entries[0]);
    }
  });

  it('is described to machines, with its parameters', async () => {
    const { paths } = (await (await fetch(`${central.url}/openapi.json`)).json()) as { paths: Record<string, { get: { parameters: { name: string; in: string }[] } }> };
    const place = '/log/{tenant}/station/{station}/{epoch}';
    for (const resource of ['checkpoint', 'tile/{*}', 'proof/inclusion', 'proof/consistency', 'proof/entry', 'receipt']) expect(Object.keys(paths)).toContain(`${place}/${resource}`);
    const names = (resource: string): string[] => (paths[`${place}/${resource}`]?.get.parameters ?? []).filter((parameter) => parameter.in === 'query').map(({ name }) => name);
    expect([names('proof/inclusion'), names('proof/consistency'), names('receipt')]).toEqual([['index', 'leaf', 'size'], ['from', 'to'], ['index']]);
  });
});
