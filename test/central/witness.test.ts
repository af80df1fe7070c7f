import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createIngest } from '../../app/central/ingest.ts';
import { witnessOnPostgres } from '../../app/central/witness-postgres.ts';
import { replayPoison } from '../../app/central/poison-replay.ts';
import { projectEntry } from '../../app/domain/projection.ts';
import type { EntryDraft } from '../../app/domain/entries.ts';
import { openCheckpoint, signCheckpoint } from '../../app/ledger/checkpoint.ts';
import { buildEntry } from '../../app/ledger/entry.ts';
import { append, EMPTY_FRONTIER, leafHash, rootOf } from '../../app/ledger/merkle.ts';
import { rawPublicKey, verifierKey } from '../../app/ledger/note.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { startTestCentral, SERIAL, type TestCentral } from './demo-central.ts';
import { admissionOf, enrolStation, testLedger, type Answer, type TestLedger, type TestStation } from './demo-station.ts';

let postgres: TestPostgres;
let central: TestCentral;
let station: TestStation;
let ledger: TestLedger;

beforeAll(async () => {
  postgres = await startTestPostgres();
  central = await startTestCentral(await postgres.createDatabase());
});
afterAll(async () => {
  await central.close();
  await postgres.stop();
});
beforeEach(async () => {
  station = await enrolStation(central);
  ledger = testLedger(station);
  ledger.add(...admissionOf(SERIAL, 1));
});

const send = (upload: unknown): Promise<Answer> => station.request('POST', '/v1/log/entries', upload);
const incidents = async () =>
  (await central.database.query<{ kind: string; origin: string; count: number; note: string | null; detail: Record<string, unknown> }>('select kind, origin, count, note, detail from incident where station = $1 order by id', [station.id])).rows;
const rowOf = async (serial: string): Promise<unknown> => (await central.database.query<{ row: unknown }>(`select row from projection where origin = $1 and tbl = 'device' and key = $2`, [station.origin, serial])).rows[0]?.row;
const poisoned = async () => (await central.database.query<{ seq: number; reason: string; bytes: Buffer; replayed_at_ms: number | null }>('select seq, reason, bytes, replayed_at_ms from poison_entry where origin = $1 order by seq', [station.origin])).rows;
const held = async () => (await central.database.query<{ bytes: Buffer }>('select bytes from entry where origin = $1 order by seq', [station.origin])).rows.map(({ bytes }) => bytes);
const lost: EntryDraft = { type: 'host-lost', body: { cause: 'unplugged' } };
const newKey = (): string => rawPublicKey(generateKeyPairSync('ed25519').publicKey).toString('base64');
const ask = (epoch: number, ledgerKey: string, cause?: string): Promise<Answer> => station.request('POST', '/v1/epochs', { epoch, ledgerKey, ...(cause === undefined ? {} : { cause }) });

describe('what the witness notices is recorded', () => {
  it('a ledger with two histories: once per checkpoint, with the station’s own signature as proof', async () => {
    await send(ledger.upload());
    const fork = testLedger(station);
    fork.add(...admissionOf(SERIAL, 2), lost);
    for (let tries = 0; tries < 3; tries += 1) expect((await send(fork.upload())).status).toBe(422);
    expect(await incidents()).toMatchObject([{ kind: 'two-histories', origin: station.origin, count: 3, detail: { held: 2, heldCheckpoint: ledger.note(2) } }]);
    const proof = openCheckpoint((await incidents())[0]?.note ?? '', verifierKey(station.origin, station.ledgerKey));
    expect(proof).toMatchObject({ ok: true, value: { size: 3 } });
    expect(await held()).toEqual(ledger.entries);
  });

  it('a batch that was damaged, or that somebody else signed: no proof against the station’s key', async () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const checkpoint = signCheckpoint(station.origin, 2, Buffer.alloc(32), verifierKey(station.origin, privateKey), privateKey);
    expect((await send({ ...ledger.upload(), checkpoint })).status).toBe(422);
    expect(await incidents()).toMatchObject([{ kind: 'invalid-upload', note: null }]);
  });

  it('a retry that was overtaken is told our size and is no incident', async () => {
    await send(ledger.upload());
    expect((await send(ledger.upload(0, 1))).body).toMatchObject({ reason: 'stale-size', size: 2 });
    expect(await incidents()).toEqual([]);
  });

  it('a station that sends from beyond what this database holds: the database lost what it had cosigned', async () => {
    expect((await send(ledger.upload(1))).body).toMatchObject({ reason: 'stale-size', size: 0 });
    expect(await incidents()).toMatchObject([{ kind: 'witness-behind', detail: { from: 1, held: 0 } }]);
  });
});

describe('an epoch', () => {
  it('is allocated by the server: a station whose memory is old gets the next free one, and asking again the same', async () => {
    const [first, second] = [newKey(), newKey()];
    expect((await ask(2, first, 'behind-witness')).body['origin']).toBe(`demo/station/${station.id}/e2`);
    expect((await ask(2, second, 'two-histories')).body['origin']).toBe(`demo/station/${station.id}/e3`);
    expect((await ask(2, second)).body['origin']).toBe(`demo/station/${station.id}/e3`);
    expect((await ask(9, first)).body['origin']).toBe(`demo/station/${station.id}/e2`);
    expect(await incidents()).toMatchObject([{ kind: 'epoch-begun', detail: { cause: 'behind-witness', before: station.origin } }, { kind: 'epoch-begun', detail: { cause: 'two-histories' } }]);
  });

  it('asked for by two programs at the same moment: each gets its own', async () => {
    const answers = await Promise.all([newKey(), newKey(), newKey()].map((key) => ask(2, key)));
    expect(answers.map(({ body }) => String(body['origin']).slice(-2)).sort()).toEqual(['e2', 'e3', 'e4']);
  });

  it('after which the old ledger grows: two programs run under one identity, both are kept and it is recorded', async () => {
    await send(ledger.upload());
    await ask(2, newKey());
    expect((await send(ledger.upload(2, 2))).status).toBe(200);
    ledger.add(lost);
    expect((await send(ledger.upload(2, 3))).status).toBe(200);
    expect((await incidents()).map(({ kind }) => kind)).toEqual(['epoch-begun', 'ledger-continued']);
  });

  it('asked for again and again within an hour is refused with a time to wait', async () => {
    for (let epoch = 2; epoch < 8; epoch += 1) expect((await ask(epoch, newKey())).status).toBe(200);
    expect((await ask(8, newKey())).body['reason']).toBe('slow-down');
    central.clock.ms += 3_600_001;
    expect((await ask(8, newKey())).status).toBe(200);
  });
});

describe('a poison entry is set aside whole and blocks nothing', () => {
  it('one that the rules cannot follow, amid others: the tree grows over it, and what comes after takes effect', async () => {
    ledger.add({ type: 'exposed', device: 'NEVER-ADMITTED', slot: 1, body: { cause: 'absence', gapMs: 1 } }, { type: 'exposed', device: SERIAL, slot: 1, body: { cause: 'unobserved', gapMs: 20_000 } });
    expect((await send(ledger.upload())).body['size']).toBe(4);
    expect(await held()).toEqual(ledger.entries);
    expect(await poisoned()).toMatchObject([{ seq: 2, reason: 'unfoldable', bytes: ledger.entries[2] }]);
    expect(await rowOf(SERIAL)).toMatchObject({ exposure: { cause: 'unobserved', seq: 3 } });
    expect(await rowOf('NEVER-ADMITTED')).toBeUndefined();
  });

  it.each<[string, EntryDraft]>([
    ['a NUL in its device', { type: 'host-lost', device: 'NUL-\u0000', body: { cause: 'x' } }],
    ['a NUL in what becomes a row', { type: 'device-admitted', device: 'D-1', body: { asset: 'T-\u0000', ward: '7e', model: 'm', profile: 'p', bundleVersion: 1 } }],
    ['a slot beyond the database’s numbers', { type: 'returned', device: SERIAL, slot: 2 ** 40, body: { how: 'found' } }],
  ])('one that the database cannot hold (%s), amid others', async (_, draft) => {
    ledger.add(draft, { type: 'exposed', device: SERIAL, slot: 1, body: { cause: 'unobserved', gapMs: 20_000 } });
    expect((await send(ledger.upload())).body['size']).toBe(4);
    expect(await held()).toEqual(ledger.entries);
    expect(await poisoned()).toMatchObject([{ seq: 2, reason: 'unstorable' }]);
    expect(await rowOf(SERIAL)).toMatchObject({ exposure: { seq: 3 }, custody: { kind: 'cart', slot: 1 } });
    ledger.add(lost);
    expect((await send(ledger.upload(4))).body['size']).toBe(5);
  });

  it('one of a program that this one does not know, signed and chained like the others', async () => {
    await send(ledger.upload());
    const strange = Buffer.from('{"v":2,"what":"of a later year"}');
    const leaf = leafHash(strange);
    const after = buildEntry(lost, { station: station.id, epoch: 1, seq: 3, prev: leaf.toString('hex'), hlc: { ms: 1_790_000_000_009, n: 0 }, boot: 'b', mono: 1 });
    const frontier = [...ledger.entries.map((bytes) => leafHash(bytes)), leaf, after.leaf].reduce(append, EMPTY_FRONTIER);
    const checkpoint = signCheckpoint(station.origin, 4, rootOf(frontier), verifierKey(station.origin, station.ledgerKey), station.ledgerKey);
    expect((await send({ origin: station.origin, from: 2, entries: [strange, after.bytes].map((bytes) => bytes.toString('base64')), checkpoint })).body['size']).toBe(4);
    expect(await poisoned()).toMatchObject([{ seq: 2, reason: 'unreadable', bytes: strange }]);
  });

  it('replayed by a program that understands it: it takes effect in its place, once, and other processes notice', async () => {
    // A server program that stumbles over every return; the station's own did not.
    const stumbling = createIngest({ store: witnessOnPostgres(central.database), keys: central.keys, now: central.options.now, project: (view, entry) => (entry.type === 'returned' ? stumble() : projectEntry(view, entry)) });
    const other = createIngest({ store: witnessOnPostgres(central.database), keys: central.keys, now: central.options.now, project: projectEntry });
    expect(await stumbling(station.id, ledger.upload())).toMatchObject({ ok: true });
    expect(await rowOf(SERIAL)).not.toMatchObject({ custody: { kind: 'cart', slot: 1 } });
    ledger.add({ type: 'sanitization-requested', device: SERIAL, slot: 1, body: { request: station.id, nonce: 'ab'.repeat(16), exposure: 'cd'.repeat(32), attempt: 1 } });
    expect(await other(station.id, ledger.upload(2))).toMatchObject({ ok: true });
    const replay = { database: central.database, now: central.options.now, project: projectEntry };
    expect(await replayPoison(replay, station.origin)).toEqual({ replayed: 1, left: 0 });
    expect(await replayPoison(replay, station.origin)).toEqual({ replayed: 0, left: 0 });
    expect(await rowOf(SERIAL)).toMatchObject({ custody: { kind: 'cart', slot: 1 }, request: { request: station.id } });
    // This process remembers the projection of before the replay; were it used, the slot would be forgotten again.
    ledger.add({ type: 'exposed', device: SERIAL, slot: 1, body: { cause: 'unobserved', gapMs: 20_000 } });
    expect(await other(station.id, ledger.upload(3))).toMatchObject({ ok: true });
    expect(await rowOf(SERIAL)).toMatchObject({ custody: { kind: 'cart', slot: 1 }, exposure: { seq: 3 } });
    expect((await poisoned())[0]?.replayed_at_ms).not.toBeNull();
  });
});

function stumble(): never {
  throw new Error('a fault of this version');
}
