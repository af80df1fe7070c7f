import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../app/central/database.ts';
import { createIngest } from '../../app/central/ingest.ts';
import { witnessOnPostgres } from '../../app/central/witness-postgres.ts';
import { uploadResponse } from '../../app/contract/station-http.ts';
import { projectEntry } from '../../app/domain/projection.ts';
import type { Result } from '../../app/domain/result.ts';
import { openCheckpoint, signCheckpoint, verifyCosignature } from '../../app/ledger/checkpoint.ts';
import { buildEntry, NO_PREVIOUS } from '../../app/ledger/entry.ts';
import { append, EMPTY_FRONTIER, leafHash, rootOf } from '../../app/ledger/merkle.ts';
import { parseVkey, rawPublicKey, verifierKey } from '../../app/ledger/note.ts';
import { createCentralClient, type CentralRefusal } from '../../app/sync/central-client.ts';
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
  ledger.add(...admissionOf(SERIAL, 1), { type: 'exposed', device: SERIAL, slot: 1, body: { cause: 'unobserved', gapMs: 20_000 } });
});

const send = (upload: unknown): Promise<Answer> => station.request('POST', '/v1/log/entries', upload);
const held = async (): Promise<number> => (await central.database.query('select 1 from entry where origin = $1', [station.origin])).rowCount ?? -1;

function expectCosigned(answer: Answer, note: string): void {
  expect(answer.text).toContain('cosignature');
  const witness = parseVkey(station.enrolled.witness);
  if (!witness.ok) throw new Error('the witness key cannot be read');
  expect(verifyCosignature(note, String(answer.body['cosignature']), witness.value)).toMatchObject({ ok: true });
}

describe('an upload', () => {
  it('is acknowledged by a cosignature over its own checkpoint, with entries and projections stored', async () => {
    const answer = await send(ledger.upload());
    expect([answer.status, answer.body['size']]).toEqual([200, 3]);
    expectCosigned(answer, ledger.note(3));
    expect(await held()).toBe(3);
    const row = await central.database.query<{ row: { custody: unknown } }>(`select row from projection where origin = $1 and tbl = 'device' and key = $2`, [station.origin, SERIAL]);
    expect(row.rows[0]?.row.custody).toMatchObject({ kind: 'cart', slot: 1 });
  });

  it('arrives in pieces and gives the same projection as in one', async () => {
    const whole = await enrolStation(central, 'Cart B');
    const copy = testLedger(whole);
    copy.add(...admissionOf(SERIAL, 1), { type: 'exposed', device: SERIAL, slot: 1, body: { cause: 'unobserved', gapMs: 20_000 } });
    await whole.request('POST', '/v1/log/entries', copy.upload());
    for (let from = 0; from < 3; from += 1) expect((await send(ledger.upload(from, from + 1))).status).toBe(200);
    const rows = async (origin: string): Promise<unknown> =>
      (await central.database.query(`select tbl, key, row #- '{exposure,leaf}' as row from projection where origin = $1 order by tbl, key`, [origin])).rows;
    expect(await rows(station.origin)).toEqual(await rows(whole.origin));
  });

  it('sent again after the reply was lost is stored once and gets the same cosignature', async () => {
    const first = await send(ledger.upload());
    central.clock.ms += 60_000;
    const second = await send(ledger.upload());
    expect(second.text).toBe(first.text);
    expect(await held()).toBe(3);
  });

  it('sent twice at the same moment is stored once', async () => {
    const waiting = (): Promise<number | null> => central.database.query(`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`).then(({ rowCount }) => rowCount);
    let arrived = 0;
    const ingest = createIngest({
      store: witnessOnPostgres({
        ...central.database,
        transaction: (work) =>
          central.database.transaction(async (client) => {
            const result = await work(client);
            // The first to finish commits only once the other stands at the same ledger's door.
            if (arrived++ === 0) await expect.poll(waiting, { timeout: 10_000 }).toBe(1);
            return result;
          }),
      }),
      keys: central.keys,
      now: central.options.now,
      project: projectEntry,
    });
    const [first, second] = await Promise.all([ingest(station.id, ledger.upload()), ingest(station.id, ledger.upload())]);
    expect(first).toMatchObject({ ok: true, value: { size: 3 } });
    expect(second).toEqual(first);
    expect(await held()).toBe(3);
  });

  it('that overlaps what is held stores only what is new', async () => {
    await send(ledger.upload(0, 2));
    const answer = await send(ledger.upload(0, 3));
    expect([answer.status, answer.body['size'], await held()]).toEqual([200, 3, 3]);
    expectCosigned(answer, ledger.note(3));
  });

  it('with a gap is told how much the server holds', async () => {
    await send(ledger.upload(0, 1));
    const answer = await send(ledger.upload(2, 3));
    expect([answer.status, answer.body['reason'], answer.body['size']]).toEqual([409, 'stale-size', 1]);
  });

  it('of a station that has fallen behind its cosigned size is told so', async () => {
    await send(ledger.upload());
    const answer = await send(ledger.upload(0, 2));
    expect([answer.status, answer.body['reason'], answer.body['size']]).toEqual([409, 'stale-size', 3]);
  });

  it('can be a mere checkpoint', async () => {
    await send(ledger.upload(0, 2));
    expect((await send(ledger.upload(2, 2))).status).toBe(200);
    expect((await send(ledger.upload(2, 3))).status).toBe(200);
  });
});

describe('a quiet cart', () => {
  it('has its last checkpoint cosigned anew with the time of now, and so stays in contact', async () => {
    const first = await send(ledger.upload());
    central.clock.ms += 60_000;
    const second = await send(ledger.upload(3, 3));
    expectCosigned(second, ledger.note(3));
    expect(second.body['cosignature']).not.toBe(first.body['cosignature']);
    const third = await send(ledger.upload(3, 3));
    expect(third.body['cosignature']).toBe(second.body['cosignature']);
    expect(await held()).toBe(3);
  });
});

describe('more uploads than the database has connections for', () => {
  it('are told to come back in a second, and the others go through', async () => {
    const client = createCentralClient(central.stationUrl, { caPem: central.keys.authority.certificatePem, certificatePem: station.identity.certificatePem, keyPem: station.identity.keyPem });
    const others = Array.from({ length: 2 }, () => createCentralClient(central.stationUrl, { caPem: central.keys.authority.certificatePem, certificatePem: station.identity.certificatePem, keyPem: station.identity.keyPem }));
    const waiting = async (): Promise<number | null> => (await central.database.query(`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)).rowCount;
    const answers: Promise<Result<unknown, CentralRefusal>>[] = [];
    let busy: Result<unknown, CentralRefusal> | undefined;
    await central.database.transaction(async (holder) => {
      await holder.query('select 1 from origin where origin = $1 for update', [station.origin]);
      // Every client keeps four connections at most.
      for (const one of others) for (let sent = 0; sent < 4; sent += 1) answers.push(one.post('/v1/log/entries', ledger.upload(), uploadResponse));
      await expect.poll(waiting, { timeout: 10_000 }).toBe(8);
      busy = await client.post('/v1/log/entries', ledger.upload(), uploadResponse);
    });
    expect(busy).toMatchObject({ ok: false, reason: { reason: 'slow-down', retryAfterMs: 1_000 } });
    expect((await Promise.all(answers)).every(({ ok }) => ok)).toBe(true);
    expect(await held()).toBe(3);
    for (const one of [client, ...others]) one.close();
  });
});

describe('a ledger that is not what it says', () => {
  const expectRefusedWhole = async (upload: unknown, before = 0): Promise<void> => {
    const answer = await send(upload);
    expect([answer.status, answer.body['reason']]).toEqual([422, 'inconsistent']);
    expect(await held()).toBe(before);
    expect(answer.text).not.toMatch(/\bat .*\.ts/);
  };

  it('forked after it was cosigned is refused, and the cosigned branch stays', async () => {
    await send(ledger.upload());
    const fork = testLedger(station);
    fork.add(...admissionOf(SERIAL, 2), { type: 'removal-unclaimed', device: SERIAL, body: { release: 'r-1' } });
    await expectRefusedWhole(fork.upload(), 3);
    await expectRefusedWhole(fork.upload(0, 2), 3);
    fork.add({ type: 'host-lost', body: { cause: 'unplugged' } });
    await expectRefusedWhole(fork.upload(3, 4), 3);
  });

  it('with a tampered entry is refused', async () => {
    const upload = ledger.upload();
    const tampered = Buffer.from(upload.entries[1] ?? '', 'base64').toString('utf8').replace('"slot":1', '"slot":2');
    expect(tampered).toContain('"slot":2');
    await expectRefusedWhole({ ...upload, entries: [upload.entries[0], Buffer.from(tampered).toString('base64'), upload.entries[2]] });
  });

  it('with an entry that is not canonical is refused', async () => {
    const upload = ledger.upload(0, 1);
    const spaced = Buffer.from(` ${Buffer.from(upload.entries[0] ?? '', 'base64').toString('utf8')}`).toString('base64');
    await expectRefusedWhole({ ...upload, entries: [spaced] });
  });

  it('with entries in another order is refused', async () => {
    const upload = ledger.upload();
    await expectRefusedWhole({ ...upload, entries: upload.entries.toReversed() });
  });

  it('whose checkpoint another key signed is refused', async () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const right = openCheckpoint(ledger.note(3), verifierKey(station.origin, station.ledgerKey));
    if (!right.ok) throw new Error(right.reason);
    const otherKey = signCheckpoint(station.origin, 3, right.value.root, verifierKey(station.origin, privateKey), privateKey);
    await expectRefusedWhole({ ...ledger.upload(), checkpoint: otherKey });
    const note = ledger.note(3);
    const tampered = `${note.slice(0, -20)}${note.at(-20) === 'A' ? 'B' : 'A'}${note.slice(-19)}`;
    await expectRefusedWhole({ ...ledger.upload(), checkpoint: tampered });
  });

  it('whose checkpoint is for other entries or another size is refused', async () => {
    const wrongRoot = signCheckpoint(station.origin, 3, Buffer.alloc(32), verifierKey(station.origin, station.ledgerKey), station.ledgerKey);
    await expectRefusedWhole({ ...ledger.upload(), checkpoint: wrongRoot });
    await expectRefusedWhole({ ...ledger.upload(), checkpoint: ledger.note(2) });
    const right = openCheckpoint(ledger.note(3), verifierKey(station.origin, station.ledgerKey));
    if (!right.ok) throw new Error(right.reason);
    await expectRefusedWhole({ ...ledger.upload(), checkpoint: signCheckpoint(station.origin, 4, right.value.root, verifierKey(station.origin, station.ledgerKey), station.ledgerKey) });
  });

  it('whose entry follows another entry than the one before it is refused', async () => {
    const position = { station: station.id, epoch: 1, seq: 1, prev: '1'.repeat(64), hlc: { ms: 1, n: 0 }, boot: 'b', mono: 1 };
    const stray = buildEntry({ type: 'host-lost', body: { cause: 'x' } }, position);
    const frontier = [leafHash(ledger.entries[0] ?? Buffer.alloc(0)), stray.leaf].reduce(append, EMPTY_FRONTIER);
    const checkpoint = signCheckpoint(station.origin, 2, rootOf(frontier), verifierKey(station.origin, station.ledgerKey), station.ledgerKey);
    await expectRefusedWhole({ ...ledger.upload(0, 1), entries: [ledger.entries[0], stray.bytes].map((bytes) => bytes?.toString('base64')), checkpoint });
  });

  it('whose entry is of another station or epoch is refused', async () => {
    for (const elsewhere of [{ station: 'st-000000000000' }, { epoch: 2 }]) {
      const foreign = buildEntry({ type: 'host-lost', body: { cause: 'x' } }, { station: station.id, epoch: 1, seq: 0, prev: NO_PREVIOUS, hlc: { ms: 1, n: 0 }, boot: 'b', mono: 1, ...elsewhere });
      const checkpoint = signCheckpoint(station.origin, 1, rootOf(append(EMPTY_FRONTIER, foreign.leaf)), verifierKey(station.origin, station.ledgerKey), station.ledgerKey);
      await expectRefusedWhole({ origin: station.origin, from: 0, entries: [foreign.bytes.toString('base64')], checkpoint });
    }
  });

  it('of another station is not found', async () => {
    const other = await enrolStation(central, 'Cart C');
    const answer = await other.request('POST', '/v1/log/entries', ledger.upload());
    expect([answer.status, answer.body['reason']]).toEqual([404, 'not-found']);
  });
});

describe('a ledger that had to begin anew', () => {
  it('gets the next epoch under its new key, and the old branch is kept', async () => {
    await send(ledger.upload());
    const fresh = generateKeyPairSync('ed25519');
    const ask = (epoch: number): Promise<Answer> => station.request('POST', '/v1/epochs', { epoch, ledgerKey: rawPublicKey(fresh.publicKey).toString('base64') });
    expect((await ask(1)).body['reason']).toBe('malformed');
    expect((await ask(2)).body).toEqual({ origin: `demo/station/${station.id}/e2` });
    expect((await ask(2)).body).toEqual({ origin: `demo/station/${station.id}/e2` });
    expect(await held()).toBe(3);
    expect((await send(ledger.upload(3, 3))).status).toBe(200);
  });
});

describe('the server itself', () => {
  it('killed between persisting and replying gives the same cosignature afterwards', async () => {
    const lost = new Error('killed');
    const dying = createIngest({
      store: witnessOnPostgres({
        ...central.database,
        transaction: async (work) => {
          await central.database.transaction(work);
          throw lost;
        },
      }),
      keys: central.keys,
      now: central.options.now,
      project: projectEntry,
    });
    await expect(dying(station.id, ledger.upload())).rejects.toBe(lost);
    const stored = await central.database.query<{ cosignature: string }>('select cosignature from origin where origin = $1', [station.origin]);
    central.clock.ms += 5_000;
    const answer = await send(ledger.upload());
    expect(answer.body).toEqual({ size: 3, cosignature: stored.rows[0]?.cosignature });
    ledger.add({ type: 'host-lost', body: { cause: 'unplugged' } });
    expect((await send(ledger.upload(3, 4))).status).toBe(200);
  });

  it('killed before the commit has stored nothing, and its next try knows nothing of the first', async () => {
    let kill = true;
    const ingest = createIngest({
      store: witnessOnPostgres({
        ...central.database,
        transaction: (work) =>
          central.database.transaction(async (client) => {
            const result = await work(client);
            if (kill) throw new Error('killed');
            return result;
          }),
      }),
      keys: central.keys,
      now: central.options.now,
      project: projectEntry,
    });
    await expect(ingest(station.id, ledger.upload())).rejects.toThrow('killed');
    expect(await held()).toBe(0);
    kill = false;
    expect(await ingest(station.id, ledger.upload())).toMatchObject({ ok: true, value: { size: 3 } });
  });

  it('runs as two processes on one database, which take turns with one ledger', async () => {
    const second = await openDatabase(central.options.databaseUrl, () => undefined);
    const other = createIngest({ store: witnessOnPostgres(second), keys: central.keys, now: central.options.now, project: projectEntry });
    expect((await send(ledger.upload(0, 1))).status).toBe(200);
    expect(await other(station.id, ledger.upload(1, 2))).toMatchObject({ ok: true });
    expect((await send(ledger.upload(2, 3))).status).toBe(200);
    await second.close();
    const row = await central.database.query<{ row: unknown }>(`select row from projection where origin = $1 and tbl = 'device'`, [station.origin]);
    expect(row.rows[0]?.row).toMatchObject({ exposure: { cause: 'unobserved', seq: 2 }, custody: { kind: 'cart', slot: 1 } });
  });
});
