import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { compactVerify, decodeProtectedHeader, importJWK } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openEpoch } from '../../app/central/epochs.ts';
import { createIngest } from '../../app/central/ingest.ts';
import { openKeys } from '../../app/central/keys.ts';
import { readServerKeys, retireServerKey, rotateServerKey } from '../../app/central/server-key-rotation.ts';
import { addStatement } from '../../app/central/statements.ts';
import { witnessOnPostgres } from '../../app/central/witness-postgres.ts';
import { policyBundle, type PolicyBundle } from '../../app/contract/policy-bundle.ts';
import { serverKeysView } from '../../app/contract/server-keys.ts';
import type { StatementClaims } from '../../app/contract/statement.ts';
import { projectEntry } from '../../app/domain/projection.ts';
import { auditBundle } from '../../app/ledger/audit.ts';
import { openCheckpoint, verifyCosignature } from '../../app/ledger/checkpoint.ts';
import { signRotation, type RotationBody } from '../../app/ledger/key-rotation.ts';
import { append, EMPTY_FRONTIER, leafHash, rootOf } from '../../app/ledger/merkle.ts';
import { encodeVkey, parseVkey, rawPublicKey, verifierKey } from '../../app/ledger/note.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { buildGo, GO_MISSING, WITHOUT_GO } from '../unit/ledger/go-tools.ts';
import { SERIAL, signInAsAdmin, startTestCentral, type TestCentral } from './demo-central.ts';
import { enrolStation, testLedger, type Answer, type TestLedger, type TestStation } from './demo-station.ts';

let postgres: TestPostgres;
let central: TestCentral;
let station: TestStation;
let ledger: TestLedger;
let cookie: string;
let folder: string;
const newKey = () => generateKeyPairSync('ed25519').privateKey;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dockward-rotation-'));
  if (GO_MISSING === undefined) await buildGo('tiles', path.join(folder, 'tiles'));
  postgres = await startTestPostgres();
  central = await startTestCentral(await postgres.createDatabase());
  cookie = await signInAsAdmin(central);
}, 180_000);
afterAll(async () => {
  await central.close();
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  station = await enrolStation(central);
  ledger = testLedger(station);
});

const noise = (count: number): void => {
  for (let n = 0; n < count; n += 1) ledger.add({ type: 'host-lost', body: { cause: `cable ${n}` } });
};
const send = (upload: unknown): Promise<Answer> => station.request('POST', '/v1/log/entries', upload);
const post = (where: string, body: unknown): Promise<Response> => fetch(`${central.url}${where}`, { method: 'POST', headers: { 'content-type': 'application/json', cookie }, body: JSON.stringify(body) });
const auditor = (): { authorization: string } => ({ authorization: `Bearer ${central.firstSecrets?.auditorToken ?? ''}` });
const log = (resource: string): Promise<Response> => fetch(`${central.url}/log/${station.origin}/${resource}`, { headers: auditor() });
const exported = async (): Promise<Buffer> => Buffer.from(await (await log('bundle.tar')).arrayBuffer());
const listed = async (): Promise<{ vkey: string; from: number; to: number; revoked?: { atSize: number; time: number } }[]> => {
  const all = (await (await fetch(`${central.url}/log`, { headers: auditor() })).json()) as { origin: string; keys: { vkey: string; from: number; to: number }[] }[];
  return all.find(({ origin }) => origin === station.origin)?.keys ?? [];
};
const incidents = async (): Promise<{ kind: string; detail: Record<string, unknown> }[]> => (await central.database.query<{ kind: string; detail: Record<string, unknown> }>('select kind, detail from incident where station = $1 order by id', [station.id])).rows;
/** What the last bundle says to stations; fetched as this station unless it is denied. */
const bundleNow = async (by = station): Promise<PolicyBundle> => {
  const jws = String((await by.request('GET', '/v1/downlink?bundle=0&waitMs=0')).body['bundle']);
  return policyBundle.parse(JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()));
};
const keysFile = async ({ options }: TestCentral): Promise<{ signingKeys: { statement: string[]; witness: string[] }; witnessKeyPem?: string }> =>
  JSON.parse(await readFile(path.join(options.dataFolder, 'keys.json'), 'utf8')) as { signingKeys: { statement: string[]; witness: string[] } };
const held = async (): Promise<number> => (await central.database.query<{ size: number }>('select size from origin where origin = $1', [station.origin])).rows[0]?.size ?? -1;

describe('a station’s ledger whose key is replaced', () => {
  it('goes on under the new key, in the middle of an upload of five hundred entries too; each key is published with its sizes', async () => {
    const [second, third] = [newKey(), newKey()];
    noise(200);
    ledger.rotate(second);
    noise(100);
    ledger.rotate(third);
    noise(198);
    expect((await send(ledger.upload())).body).toMatchObject({ size: 500 });
    expect(await listed()).toEqual([
      { vkey: encodeVkey(verifierKey(station.origin, station.ledgerKey)), from: 0, to: 200 },
      { vkey: encodeVkey(verifierKey(station.origin, second)), from: 200, to: 301 },
      { vkey: encodeVkey(verifierKey(station.origin, third)), from: 301, to: 500 },
    ]);
    expect(await auditBundle([await exported()])).toMatchObject({ finding: undefined, size: 500, keys: { ranges: [{ to: 200 }, { to: 301 }, { to: 500 }] } });
    noise(1);
    expect((await send(ledger.upload(500))).status).toBe(200);
  });

  it('is audited by a client with Go’s own packages that takes each key for its sizes from the published list', async (context) => {
    if (GO_MISSING !== undefined) context.skip(WITHOUT_GO);
    noise(300);
    await send(ledger.upload());
    const early = await (await log('checkpoint')).text();
    ledger.rotate(newKey());
    noise(299);
    await send(ledger.upload(300));
    const keys = await listed();
    const keyFor = (size: number): string => keys.find(({ from, to }) => from < size && size <= to)?.vkey ?? expect.fail(`no key for ${size}`);
    const go = (vkey: string): Promise<{ stdout: string }> => promisify(execFile)(path.join(folder, 'tiles'), [`${central.url}/log/${station.origin}`, vkey, central.firstSecrets?.auditorToken ?? '', '300']);
    const root = rootOf(ledger.entries.slice(0, 300).map(leafHash).reduce(append, EMPTY_FRONTIER)).toString('base64');
    expect((await go(keyFor(600))).stdout.trim()).toBe(`ok 600 ${root}`);
    await expect(go(keyFor(300))).rejects.toThrow();
    const first = parseVkey(keyFor(300));
    expect(first.ok && openCheckpoint(early, first.value)).toMatchObject({ ok: true, value: { size: 300 } });
  });

  it('is refused where the old key has not signed: whoever has only the new one, or a stranger', async () => {
    noise(3);
    await send(ledger.upload());
    const thief = newKey();
    ledger.rotate(thief, thief);
    const answer = await send(ledger.upload(3));
    expect([answer.status, answer.body['message']]).toEqual([422, 'Entry 3 changes the key of this ledger, and the old key has not signed that.']);
    expect(await incidents()).toMatchObject([{ kind: 'bad-rotation', detail: { seq: 3, fault: 'old-signature', held: 3 } }]);
    expect([await held(), (await listed()).length]).toEqual([3, 1]);
  });

  it('is refused where the entry is the replay of an earlier one, or gives the ledger back a key that it had', async () => {
    const second = newKey();
    /** The same first entries every time, to the byte. */
    const begun = (): TestLedger => {
      const made = testLedger(station);
      made.add({ type: 'host-lost', body: { cause: 'cable' } });
      made.rotate(second);
      return made;
    };
    await send(begun().upload());
    const [replayed, back, moved] = [begun(), begun(), begun()];
    const { body } = JSON.parse(replayed.entries[1]?.toString() ?? '') as { body: RotationBody };
    replayed.add({ type: 'ledger-key-rotated', body });
    back.rotate(station.ledgerKey);
    // Signed by both keys, but for another place in this ledger.
    moved.add({ type: 'ledger-key-rotated', body: signRotation({ origin: station.origin, seq: 7, prev: moved.leaves.at(-1) ?? '' }, second, newKey()) });
    for (const tried of [replayed, back, moved]) expect((await send({ ...tried.upload(2), checkpoint: tried.note(3) })).status).toBe(422);
    expect((await incidents()).map(({ kind, detail }) => [kind, detail['fault']])).toEqual([['bad-rotation', 'other-key'], ['bad-rotation', 'key-used-before'], ['bad-rotation', 'old-signature']]);
    expect(await held()).toBe(2);
  });

  it('is not gone on with by the old key: neither the thief of a backup nor a station that forgot its rotation', async () => {
    noise(2);
    ledger.rotate(newKey());
    await send(ledger.upload());
    noise(1);
    const stolen = ledger.note(4, station.ledgerKey);
    expect((await send({ ...ledger.upload(3), checkpoint: stolen })).status).toBe(422);
    expect(await incidents()).toMatchObject([{ kind: 'bad-rotation', detail: { signedBy: encodeVkey(verifierKey(station.origin, station.ledgerKey)) } }]);
    const early = { ...ledger.upload(0, 2) };
    expect((await send({ ...early, checkpoint: ledger.note(2) })).status).toBe(409);
    expect((await send(ledger.upload(3))).status).toBe(200);
  });

  it('and the lost reply to its rotation gets the very cosignature that was lost', async () => {
    noise(2);
    ledger.rotate(newKey());
    const [lost, again] = [await send(ledger.upload()), await send(ledger.upload())];
    expect(again.body).toEqual(lost.body);
    expect((await listed()).length).toBe(2);
  });

  it('begins a new epoch with a key of its own, whatever the one before came to', async () => {
    noise(1);
    ledger.rotate(newKey());
    await send(ledger.upload());
    const fresh = generateKeyPairSync('ed25519');
    const opened = await station.request('POST', '/v1/epochs', { epoch: 2, ledgerKey: Buffer.from(String(fresh.publicKey.export({ format: 'jwk' }).x), 'base64url').toString('base64'), cause: 'key-lost' });
    expect(opened.body).toEqual({ origin: station.origin.replace(/e1$/, 'e2') });
    const all = (await (await fetch(`${central.url}/log`, { headers: auditor() })).json()) as { origin: string; keys: unknown[] }[];
    expect(all.filter(({ origin }) => origin.includes(station.id)).map(({ keys }) => keys.length)).toEqual([2, 1]);
  });

  it('is ordered by an administrator: the bundle names the key that has to go, until it has gone', async () => {
    noise(1);
    await send(ledger.upload());
    expect((await post('/api/stations/rotate-key', { station: station.id })).status).toBe(200);
    const ordered = { vkey: encodeVkey(verifierKey(station.origin, station.ledgerKey)) };
    expect((await bundleNow()).rotateKeys).toContainEqual(ordered);
    ledger.rotate(newKey());
    await send(ledger.upload(1));
    await post('/api/stations/rotate-key', { station: (await enrolStation(central, 'Cart B')).id });
    expect((await bundleNow()).rotateKeys.filter(({ vkey }) => vkey.startsWith(`${station.origin}+`))).toEqual([]);
    expect((await post('/api/stations/rotate-key', { station: 'st-unknown' })).status).toBe(404);
  });
});

describe('a stolen station', () => {
  it('is denied: its key is revoked at the size cosigned last, in the list, in the bundle and in the export, and nothing more is taken', async () => {
    noise(5);
    ledger.rotate(newKey());
    await send(ledger.upload());
    const [current] = (await listed()).slice(-1);
    const other = await enrolStation(central, 'Cart C');
    expect((await post('/api/stations/deny', { station: station.id })).status).toBe(200);
    const time = Math.floor(central.clock.ms / 1_000);
    noise(3);
    expect((await send(ledger.upload(6))).status).toBe(403);
    expect(await listed()).toEqual([expect.not.objectContaining({ revoked: expect.anything() as unknown }), { vkey: current?.vkey, from: 5, to: 6, revoked: { atSize: 6, time } }]);
    expect((await bundleNow(other)).revokedKeys).toContainEqual({ origin: station.origin, vkey: current?.vkey, afterSize: 6, time });
    expect(await auditBundle([await exported()])).toMatchObject({ finding: undefined, size: 6, keys: { ranges: [{}, { revoked: { atSize: 6 } }] } });
    expect((await post('/api/stations/rotate-key', { station: station.id })).status).toBe(409);
  });

  it('is denied after its upload was let in and before it was taken: nothing of it is cosigned', async () => {
    noise(2);
    await send(ledger.upload());
    await post('/api/stations/deny', { station: station.id });
    noise(1);
    const ingest = createIngest({ store: witnessOnPostgres(central.database), keys: central.keys, now: () => central.clock.ms, project: projectEntry });
    expect(await ingest(station.id, ledger.upload(2))).toMatchObject({ ok: false, reason: { reason: 'denied' } });
    expect([await held(), (await listed()).at(-1)?.revoked?.atSize]).toEqual([2, 2]);
    const fresh = newKey();
    const epoch = { epoch: 2, ledgerKey: rawPublicKey(verifierKey('x', fresh).publicKey).toString('base64') };
    expect(await openEpoch({ ...central, now: () => central.clock.ms }, station.id, epoch)).toMatchObject({ ok: false, reason: { reason: 'denied' } });
  });
});

describe('the server’s own keys', () => {
  it('a statement that waits for a cart while the key changes bears the new signature when it is fetched, and the old words', async () => {
    const own = await startTestCentral(await postgres.createDatabase());
    onTestFinished(() => own.close());
    const [slow, quick] = [await enrolStation(own, 'Cart A'), await enrolStation(own, 'Cart B')];
    const poll = async (by: TestStation): Promise<{ cursor: number; jws: string }[]> => {
      const first = await by.request('GET', '/v1/downlink?bundle=0&waitMs=0');
      const version = (JSON.parse(Buffer.from(String(first.body['bundle']).split('.')[1] ?? '', 'base64url').toString()) as PolicyBundle).version;
      return (await by.request('GET', `/v1/downlink?bundle=${version}&waitMs=0`)).body['statements'] as { cursor: number; jws: string }[];
    };
    const kidOf = (jws = ''): unknown => decodeProtectedHeader(jws).kid;
    const claims: StatementClaims = { tenant: 'demo', station: slow.id, serial: SERIAL, request: 'r1', nonce: 'ab'.repeat(16), issuedAtMs: own.clock.ms, facts: { kind: 'credentials-revoked', previous: 'e1' } };
    const before = own.keys.statement.jwk.kid;
    const asleep = await openKeys(own.options.dataFolder, 'demo', false);
    await rotateServerKey({ ...own, now: () => own.clock.ms }, 'statement');
    expect(await poll(slow)).toEqual([]);
    await own.database.transaction((client) => addStatement(client, own.keys, claims));
    await own.database.transaction((client) => addStatement(client, own.keys, { ...claims, station: quick.id }));
    const [fetched] = (await quick.request('GET', '/v1/downlink?bundle=0&waitMs=0')).body['statements'] as { cursor: number; jws: string }[];
    expect([kidOf(fetched?.jws), own.keys.statement.jwk.kid]).toEqual([before, before]);
    await quick.request('GET', '/v1/downlink?bundle=0&after=1&waitMs=0');
    await poll(quick);
    const after = own.keys.statement.jwk;
    expect(after.kid).not.toBe(before);
    const [waited] = await poll(slow);
    expect(kidOf(waited?.jws)).toBe(after.kid);
    const { payload } = await compactVerify(waited?.jws ?? '', await importJWK(after, 'EdDSA'));
    expect(JSON.parse(Buffer.from(payload).toString())).toEqual(claims);
    expect((await keysFile(own)).signingKeys.statement).toHaveLength(1);
    // Another process that has heard nothing of it.
    expect(asleep.statement.jwk.kid).toBe(before);
    await own.database.transaction((client) => addStatement(client, asleep, claims));
    expect((await poll(slow)).map(({ jws }) => kidOf(jws))).toEqual([after.kid, after.kid]);
  });

  it('the old statement key is ended before its time: the carts that lack the new one are named first, and nothing is done without a word more', async () => {
    const own = await startTestCentral(await postgres.createDatabase());
    onTestFinished(() => own.close());
    const { id } = await enrolStation(own, 'Cart A');
    const deps = { ...own, now: () => own.clock.ms };
    expect(await retireServerKey(deps, true)).toMatchObject({ ok: false, reason: { reason: 'conflict' } });
    await rotateServerKey(deps, 'statement');
    expect(await retireServerKey(deps, false)).toEqual({ ok: true, value: { retired: false, lost: [{ station: id, cart: 'Cart A' }] } });
    expect((await readServerKeys(deps)).keys.filter(({ kind }) => kind === 'statement').map(({ state }) => state)).toEqual(['signing', 'announced']);
    expect(await retireServerKey(deps, true)).toMatchObject({ ok: true, value: { retired: true } });
    expect((await readServerKeys(deps)).keys.filter(({ kind }) => kind === 'statement').map(({ state }) => state)).toEqual(['former', 'signing']);
  });

  it('the reply to an upload is lost, and the witness changes its key: the retry gets a cosignature that a station believes then', async () => {
    noise(3);
    const lost = await send(ledger.upload());
    const before = central.keys.witness.verifier;
    expect((await post('/api/keys/rotate', { kind: 'witness' })).status).toBe(200);
    const again = await send(ledger.upload());
    expect([before, central.keys.witness.verifier].map((key) => [lost, again].map(({ body }) => verifyCosignature(ledger.note(3), String(body['cosignature']), key).ok))).toEqual([[true, false], [false, true]]);
    const file = await keysFile(central);
    expect([file.signingKeys.witness.length, file.witnessKeyPem]).toEqual([1, undefined]);
    expect((await bundleNow()).keys).toMatchObject({ witness: encodeVkey(central.keys.witness.verifier), formerWitnesses: [{ vkey: encodeVkey(before), untilMs: central.clock.ms }] });
  });

  it('are shown to administrators alone, and never their private halves', async () => {
    expect((await fetch(`${central.url}/api/keys`)).status).toBe(401);
    expect((await fetch(`${central.url}/api/keys/rotate`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"kind":"witness"}' })).status).toBe(401);
    const text = await (await fetch(`${central.url}/api/keys`, { headers: { cookie } })).text();
    expect(serverKeysView.parse(JSON.parse(text)).keys).toHaveLength(3);
    expect(text).not.toMatch(/PRIVATE/);
  });
});

