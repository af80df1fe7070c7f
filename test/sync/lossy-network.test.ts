import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { createIngest, type Ingest } from '../../app/central/ingest.ts';
import { witnessOnPostgres } from '../../app/central/witness-postgres.ts';
import { uploadRequest } from '../../app/contract/station-http.ts';
import type { EntryDraft } from '../../app/domain/entries.ts';
import { projectEntry } from '../../app/domain/projection.ts';
import { ok, refused, type Result } from '../../app/domain/result.ts';
import { parseVkey } from '../../app/ledger/note.ts';
import type { Store } from '../../app/storage/store.ts';
import type { CentralClient, CentralRefusal } from '../../app/sync/central-client.ts';
import { createUplink, type Uplink } from '../../app/sync/uplink.ts';
import { SERIAL, startTestCentral, type TestCentral } from '../central/demo-central.ts';
import { admissionOf } from '../central/demo-station.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { enrolFolder, noted, openAlone } from './contact.ts';

const LONG = process.env['DOCKWARD_LONG'] === '1';
const STEPS = 300;
const SEEDS = LONG ? Array.from({ length: 25 }, (_, n) => n + 1) : [1];
const AWAY: CentralRefusal = { reason: 'unreachable', message: 'the network lost it' };

/** How often each misfortune happened, all seeds together. */
const everMet = new Map<string, number>();

let postgres: TestPostgres;
let central: TestCentral;

beforeAll(async () => {
  postgres = await startTestPostgres();
  central = await startTestCentral(await postgres.createDatabase());
});
afterAll(async () => {
  await central.close();
  await postgres.stop();
});

/** mulberry32: the same seed gives the same run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The server's side: it may die before or after it commits, and starts again without memory. */
function mortalServer(random: () => number, chance: () => number): { readonly ingest: Ingest; readonly deaths: () => number } {
  let deaths = 0;
  const begin = (): Ingest =>
    createIngest({
      store: witnessOnPostgres({
        ...central.database,
        transaction: async (work) => {
          const dies = random() < chance() ? (random() < 0.5 ? 'before' : 'after') : 'not';
          const result = await central.database.transaction(async (client) => {
            const done = await work(client);
            if (dies === 'before') throw new Error('killed before the commit');
            return done;
          });
          if (dies === 'after') throw new Error('killed after the commit');
          return result;
        },
      }),
      keys: central.keys,
      now: central.options.now,
      project: projectEntry,
    });
  let living = begin();
  return {
    deaths: () => deaths,
    ingest: (station, upload) =>
      living(station, upload).catch((error: unknown) => {
        if (!(error instanceof Error) || !error.message.startsWith('killed')) throw error;
        deaths += 1;
        living = begin();
        return refused({ reason: 'unavailable' as const, message: error.message });
      }),
  };
}

test.each(SEEDS)('seed %i: requests and answers are lost, doubled and overtaken, both sides crash: every entry is on the server once, in order', async (seed) => {
  const random = seeded(seed);
  let quiet = false;
  const chance = (p: number) => () => (quiet ? 0 : p);
  const data = await mkdtemp(join(tmpdir(), 'station-'));
  onTestFinished(() => rm(data, { recursive: true, force: true }));
  const identity = await enrolFolder(central, data);
  const { enrolment } = identity.enrolledOrThrow();
  const witness = parseVkey(enrolment.witness);
  if (!witness.ok) throw new Error(witness.reason);
  const server = mortalServer(random, chance(0.05));
  const late: unknown[] = [];
  const met = { lost: 0, answerLost: 0, doubled: 0, overtaken: 0, crashes: 0 };

  const deliver = async (body: unknown): Promise<Result<unknown, CentralRefusal>> => server.ingest(enrolment.station, uploadRequest.parse(JSON.parse(JSON.stringify(body))));
  const happens = (p: number, what: keyof typeof met): boolean => {
    const hit = random() < chance(p)();
    if (hit) met[what] += 1;
    return hit;
  };
  const client: CentralClient = {
    get: () => Promise.resolve(refused(AWAY)),
    close: () => undefined,
    post: async (_path, body, shape) => {
      if (happens(0.1, 'lost')) return refused(AWAY);
      if (happens(0.1, 'overtaken')) {
        late.push(body);
        return refused(AWAY);
      }
      const answer = await deliver(body);
      if (happens(0.1, 'doubled')) await deliver(body);
      if (happens(0.1, 'answerLost')) return refused(AWAY);
      return answer.ok ? ok(shape.parse(answer.value)) : answer;
    },
  };

  let store: Store = await openAlone(data);
  onTestFinished(() => store.close().catch(() => undefined));
  const newUplink = (): Uplink => createUplink(store, () => client, enrolment.origin, () => [witness.value]);
  let uplink = newUplink();
  const acknowledged: number[] = [];
  await store.append(admissionOf(SERIAL, 1));
  for (let step = 0; step < STEPS; step += 1) {
    const dice = random();
    if (dice < 0.45) await store.append(Array.from({ length: 1 + Math.floor(random() * 40) }, (_, n) => draft(random, `${step}.${n}`)));
    else if (dice < 0.9) {
      const pushed = await uplink.push();
      if (pushed.ok) expect(pushed.value.kind).not.toBe('forked');
    } else if (dice < 0.95 && late.length > 0) await deliver(late.splice(Math.floor(random() * late.length), 1)[0]);
    else if (dice > 0.97) {
      met.crashes += 1;
      await store.close();
      store = await openAlone(data);
      uplink = newUplink();
    }
    acknowledged.push(store.acked().size);
    const [held] = (await central.database.query<{ size: number }>('select size from origin where origin = $1', [enrolment.origin])).rows;
    expect(held?.size, `seed ${seed}, step ${step}: acknowledged and not held`).toBeGreaterThanOrEqual(store.acked().size);
  }
  quiet = true;
  for (let pushed = await uplink.push(); !pushed.ok || pushed.value.kind !== 'nothing'; pushed = await uplink.push()) expect(pushed).toMatchObject({ ok: true, value: { kind: 'sent' } });
  for (const body of late) await deliver(body);

  const mine = await store.entries(0, store.size());
  const theirs = await central.database.query<{ seq: number; bytes: Buffer }>('select seq, bytes from entry where origin = $1 order by seq', [enrolment.origin]);
  expect(theirs.rows.map(({ seq }) => seq)).toEqual(mine.map(({ seq }) => seq));
  expect(theirs.rows.every(({ bytes }, seq) => mine[seq]?.bytes.equals(bytes))).toBe(true);
  expect(acknowledged).toEqual(acknowledged.toSorted((a, b) => a - b));
  const row = await central.database.query<{ row: unknown }>(`select row from projection where origin = $1 and tbl = 'device' and key = $2`, [enrolment.origin, SERIAL]);
  expect(row.rows[0]?.row).toEqual(JSON.parse(JSON.stringify(store.view.get('device', SERIAL))));
  const requests = mine.filter(({ bytes }) => bytes.includes('"sanitization-requested"')).length;
  expect((await central.database.query('select 1 from sanitization_request where origin = $1', [enrolment.origin])).rowCount).toBe(requests);
  expect((await central.database.query('select kind from incident where station = $1', [enrolment.station])).rows).toEqual([]);
  expect(requests).toBeGreaterThan(0);
  for (const [what, times] of Object.entries({ ...met, serverDeaths: server.deaths() })) everMet.set(what, (everMet.get(what) ?? 0) + times);
  // A run in which little went wrong shows little.
  expect(Object.values(met).reduce((sum, times) => sum + times, 0)).toBeGreaterThan(20);
});

test('every kind of misfortune happened in the runs above', () => {
  expect([...everMet.keys()].sort()).toEqual(['answerLost', 'crashes', 'doubled', 'lost', 'overtaken', 'serverDeaths']);
  expect(Math.min(...everMet.values())).toBeGreaterThan(0);
});

function draft(random: () => number, name: string): EntryDraft {
  const dice = random();
  if (dice < 0.1) return { type: 'exposed', device: SERIAL, slot: 1, body: { cause: 'unobserved', gapMs: Math.floor(random() * 1e6) } };
  if (dice < 0.15) return { type: 'sanitization-requested', device: SERIAL, slot: 1, body: { request: `${name}-${Math.floor(random() * 2 ** 48).toString(16)}`, nonce: 'ab'.repeat(16), exposure: 'cd'.repeat(32), attempt: 1 } };
  return noted(name);
}
