import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DEMO_PACE, runSanitization, workOnce, type SanitizationDeps } from '../../app/central/sanitization.ts';
import { createWakener } from '../../app/central/wakener.ts';
import type { StatementClaims } from '../../app/contract/statement.ts';
import type { MdmEnrolment } from '../../app/domain/mdm-evidence.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { collectLog, SERIAL, startTestCentral, type TestCentral, type TestClock } from './demo-central.ts';
import { admissionOf, enrolStation, testLedger, type TestLedger, type TestStation } from './demo-station.ts';
import { fakeMdm, record, type FakeMdm } from './fake-mdm.ts';

const NONCE = 'a'.repeat(32);

let postgres: TestPostgres;
let central: TestCentral;
let clock: TestClock;
let mdm: FakeMdm;
let deps: SanitizationDeps;
let station: TestStation;
let ledger: TestLedger;

beforeAll(async () => {
  postgres = await startTestPostgres();
  central = await startTestCentral(await postgres.createDatabase());
  clock = central.clock;
});
afterAll(async () => {
  await central.close();
  await postgres.stop();
});
beforeEach(async () => {
  clock.ms = Date.now();
  await central.database.query('truncate sanitization_request, sanitization_nudge, seen_enrolment');
  mdm = fakeMdm();
  deps = { database: central.database, keys: central.keys, adapter: mdm, pace: DEMO_PACE, log: collectLog().log, now: () => clock.now() };
  station = await enrolStation(central);
  ledger = testLedger(station);
  ledger.add(...admissionOf(SERIAL, 1));
});

async function ask(request = 'r-1', nonce = NONCE): Promise<void> {
  ledger.add({ type: 'sanitization-requested', device: SERIAL, slot: 1, body: { request, nonce, exposure: ledger.leaves[0] ?? '', attempt: 1 } });
  await upload();
}
async function upload(): Promise<void> {
  const { size } = (await central.database.query<{ size: number }>('select size from origin where origin = $1', [station.origin])).rows[0] ?? { size: 0 };
  const answer = await station.request('POST', '/v1/log/entries', ledger.upload(size));
  expect(answer.status).toBe(200);
}
/** Works until nothing is due any more at this instant. */
async function workAll(using = deps): Promise<void> {
  for (let steps = 0; steps < 50; steps += 1) if (!(await workOnce(using))) return;
  throw new Error('the queue does not come to rest');
}
/** Lets the longest back-off pass, then works. */
async function later(): Promise<void> {
  clock.ms += DEMO_PACE.slowestMs;
  await workAll();
}
const confirm = (): void => {
  if (mdm.command) mdm.command = { ...mdm.command, state: 'confirmed', confirmedMdmMs: 2_000 };
};
const enrolAgain = (changes: Partial<MdmEnrolment> = {}, name = 'new'): void => {
  mdm.records = [record(name, { previous: ['old'], enrolledMdmMs: 3_000, reportedMdmMs: 4_000, ...changes })];
};
const stateOf = async (request = 'r-1'): Promise<string | undefined> => (await central.database.query<{ state: string }>('select state from sanitization_request where request = $1', [request])).rows[0]?.state;
const kinds = async (after = 0): Promise<string[]> => (await station.statements(after)).map(({ claims }) => claims.facts.kind);
const failures = async (): Promise<string[]> => (await station.statements()).flatMap(({ claims }) => (claims.facts.kind === 'sanitization-failed' ? [claims.facts.failure] : []));

const ALL = ['wipe-confirmed', 'enrolled', 'credentials-revoked', 'queue-clear', 'profile-present', 'posture'];

describe('a sanitization that goes well', () => {
  it('becomes one statement per proven fact, bound to tenant, station, serial, request and nonce', async () => {
    await ask();
    await workAll();
    expect(await kinds()).toEqual([]);
    confirm();
    await later();
    expect(await kinds()).toEqual(['wipe-confirmed']);
    enrolAgain();
    await later();
    expect(await kinds()).toEqual(ALL);
    const binding: Partial<StatementClaims> = { tenant: 'demo', station: station.id, serial: SERIAL, request: 'r-1', nonce: NONCE };
    for (const { claims } of await station.statements()) expect(claims).toMatchObject(binding);
    expect(await stateOf()).toBe('complete');
    await later();
    expect(await kinds()).toEqual(ALL);
    expect(mdm.wipes).toEqual(['r-1']);
  });

  it('is told to the station that asked and to no other', async () => {
    const other = await enrolStation(central, 'Cart B');
    await ask();
    await workAll();
    confirm();
    await later();
    expect(await kinds()).toEqual(['wipe-confirmed']);
    expect(await other.statements()).toEqual([]);
  });

  it('says up to which entry the new enrolment was not there yet', async () => {
    await ask();
    await workAll();
    confirm();
    ledger.add({ type: 'absent', device: SERIAL, slot: 1, body: { request: 'r-1', sinceMs: 1 } }, { type: 'reappeared', device: SERIAL, slot: 1, body: { request: 'r-1', absenceMs: 4_000 } });
    await upload();
    // No time passes: that the tablet came back is reason enough to look.
    await workAll();
    enrolAgain();
    ledger.add({ type: 'host-lost', body: { cause: 'x' } });
    await upload();
    await later();
    const enrolled = (await station.statements()).find(({ claims }) => claims.facts.kind === 'enrolled');
    expect(enrolled?.claims.facts).toMatchObject({ unseenAtSize: 5 });
  });

  it('does not claim that an enrolment was unseen while the MDM already listed it', async () => {
    await ask();
    await workAll();
    enrolAgain({ state: 'provisioning' });
    ledger.add({ type: 'reappeared', device: SERIAL, slot: 1, body: { request: 'r-1', absenceMs: 4_000 } });
    await upload();
    await later();
    confirm();
    enrolAgain();
    await later();
    const enrolled = (await station.statements()).find(({ claims }) => claims.facts.kind === 'enrolled');
    expect(enrolled?.claims.facts).toMatchObject({ unseenAtSize: 3 });
  });

  it('is looked at again a day later, when the MDM has long forgotten the command', async () => {
    await ask();
    await workAll();
    confirm();
    enrolAgain();
    await later();
    const before = await station.statements();
    mdm.command = undefined;
    clock.ms += DEMO_PACE.restateMs;
    enrolAgain({ adbEnabled: true, reportedMdmMs: 9_000 });
    await workAll();
    const again = await station.statements(before.at(-1)?.cursor);
    expect(again.map(({ claims }) => claims.facts.kind)).toEqual(['queue-clear', 'profile-present', 'posture']);
    expect(again.at(-1)?.claims).toMatchObject({ request: 'r-1', nonce: NONCE, issuedAtMs: clock.ms, facts: { adbEnabled: true } });
  });
});

describe('evidence that comes late, twice or not at all', () => {
  it('waits for a re-enrolment that comes hours later', async () => {
    await ask();
    await workAll();
    confirm();
    for (let polls = 0; polls < 5; polls += 1) await later();
    clock.ms += 3_600_000;
    enrolAgain();
    await workAll();
    expect(await stateOf()).toBe('complete');
  });

  it('states each fact once however often the MDM repeats it', async () => {
    await ask();
    await workAll();
    confirm();
    enrolAgain({ pendingCommands: 1 });
    for (let polls = 0; polls < 4; polls += 1) await later();
    expect(await kinds()).toEqual(ALL.filter((kind) => kind !== 'queue-clear'));
    expect(await stateOf()).toBe('observing');
  });

  it('proves nothing from equal times of the MDM', async () => {
    await ask();
    await workAll();
    if (mdm.command) mdm.command = { ...mdm.command, state: 'confirmed', confirmedMdmMs: mdm.command.issuedMdmMs };
    enrolAgain({ enrolledMdmMs: 1_000 });
    await later();
    expect(await kinds()).toEqual([]);
    expect(await stateOf()).toBe('observing');
  });

  it('asks the MDM to drop the wiped record and believes only that it is gone', async () => {
    await ask();
    await workAll();
    confirm();
    mdm.records = [record('old'), record('new', { previous: ['old'], enrolledMdmMs: 3_000, reportedMdmMs: 4_000 })];
    await later();
    expect(mdm.removed).toEqual(['old']);
    expect(await kinds()).not.toContain('credentials-revoked');
    enrolAgain();
    await later();
    expect(await kinds()).toContain('credentials-revoked');
  });

  it('states a poor posture and states it again once it has mended', async () => {
    await ask();
    await workAll();
    confirm();
    enrolAgain({ osAtFloor: false });
    await later();
    expect(await stateOf()).toBe('observing');
    enrolAgain();
    await later();
    expect((await station.statements()).flatMap(({ claims }) => (claims.facts.kind === 'posture' ? [claims.facts.osAtFloor] : []))).toEqual([false, true]);
    expect(await stateOf()).toBe('complete');
  });

  it('backs off while the MDM is throttling and goes on afterwards', async () => {
    mdm.refuse = { on: 'wipe', refusal: { reason: 'throttled', retryAfterMs: 60_000, detail: 'quota' } };
    await ask();
    await workAll();
    clock.ms += 59_000;
    expect(await workOnce(deps)).toBe(false);
    mdm.refuse = undefined;
    clock.ms += 2_000;
    await workAll();
    expect([await stateOf(), mdm.wipes]).toEqual(['observing', ['r-1']]);
  });
});

describe('a sanitization that fails', () => {
  it('because the command expired says so', async () => {
    await ask();
    await workAll();
    if (mdm.command) mdm.command = { ...mdm.command, state: 'expired' };
    await later();
    expect([await failures(), await stateOf()]).toEqual([['command-expired'], 'failed']);
  });

  it('because the MDM refuses says so', async () => {
    mdm.refuse = { on: 'wipe', refusal: { reason: 'rejected', detail: 'policy forbids it' } };
    await ask();
    await workAll();
    expect(await failures()).toEqual(['mdm-refused']);
  });

  it('because the MDM does not know the tablet says so, after some patience', async () => {
    mdm.records = [];
    await ask();
    await workAll();
    expect(await failures()).toEqual([]);
    clock.ms += DEMO_PACE.absencePatienceMs + 1;
    await workAll();
    expect(await failures()).toEqual(['device-unknown']);
  });

  it('because no new enrolment ever came says so', async () => {
    await ask();
    await workAll();
    confirm();
    clock.ms += DEMO_PACE.enrolmentPatienceMs + 1;
    await workAll();
    expect(await failures()).toEqual(['no-new-enrolment']);
  });

  it('because the enrolment has already proven another sanitization says so and states it to nobody', async () => {
    await ask('r-1');
    await workAll();
    confirm();
    enrolAgain();
    await later();
    expect(await stateOf('r-1')).toBe('complete');
    // The MDM lists the enrolment that was proven before as if it were the new one.
    await ask('r-2', 'b'.repeat(32));
    mdm.records = [record('elsewhere', { enrolledMdmMs: 900 })];
    await workAll();
    confirm();
    mdm.records = [record('new', { previous: ['elsewhere'], enrolledMdmMs: 3_000, reportedMdmMs: 4_000 })];
    const before = await station.statements();
    await later();
    const after = await station.statements(before.at(-1)?.cursor);
    expect(after.map(({ claims }) => [claims.request, claims.facts])).toEqual([['r-2', { kind: 'sanitization-failed', failure: 'enrolment-reused' }]]);
  });

  it('because another enrolment replaced the proven one says so', async () => {
    await ask();
    await workAll();
    confirm();
    enrolAgain({ pendingCommands: 1 });
    await later();
    enrolAgain({ enrolledMdmMs: 5_000, reportedMdmMs: 6_000 }, 'newer');
    await later();
    expect(await failures()).toEqual(['no-new-enrolment']);
  });
});

describe('the process dies', () => {
  it('between intent and act: the next one looks for the command before it sends any', async () => {
    await ask();
    const seen: string[] = [];
    const dying: SanitizationDeps = {
      ...deps,
      adapter: {
        ...mdm,
        async wipe(order) {
          // What another process would find at this very moment.
          seen.push(...(await central.database.query<{ state: string; previous_enrolment: string }>('select state, previous_enrolment from sanitization_request')).rows.map((row) => `${row.state} ${row.previous_enrolment}`));
          throw new Error(`killed before ${order.request} went out`);
        },
      },
    };
    await expect(workAll(dying)).rejects.toThrow('killed');
    expect([seen, mdm.wipes]).toEqual([['issuing old'], []]);
    await later();
    expect([await stateOf(), mdm.wipes]).toEqual(['observing', ['r-1']]);
  });

  it('after the command went out: it is found, not repeated', async () => {
    await ask();
    mdm.afterWipe = async () => {
      throw new Error('killed');
    };
    await expect(workAll()).rejects.toThrow('killed');
    expect([await stateOf(), mdm.wipes]).toEqual(['issuing', ['r-1']]);
    mdm.afterWipe = undefined;
    await later();
    expect([await stateOf(), mdm.wipes]).toEqual(['observing', ['r-1']]);
  });

  it('while another process works the same queue: one command goes out', async () => {
    await ask();
    const wakener = await createWakener(central.database);
    const queues = [runSanitization(deps, wakener), runSanitization(deps, wakener)];
    await expect.poll(() => stateOf()).toBe('observing');
    confirm();
    enrolAgain();
    clock.ms += DEMO_PACE.slowestMs;
    await expect.poll(() => stateOf(), { timeout: 10_000 }).toBe('complete');
    await Promise.all(queues.map((queue) => queue.close()));
    await wakener.close();
    expect([mdm.wipes, await kinds()]).toEqual([['r-1'], ALL]);
  });
});

it('a request whose step fails every time does not hold up the others', async () => {
  await ask('r-broken');
  ledger.add(...admissionOf('R52TXYYK596', 2), { type: 'sanitization-requested', device: 'R52TXYYK596', slot: 2, body: { request: 'r-good', nonce: NONCE, exposure: ledger.leaves[0] ?? '', attempt: 1 } });
  await upload();
  const find = mdm.findEnrolment;
  mdm.findEnrolment = async (serial) => {
    if (serial === SERIAL) throw new Error('unforeseen');
    return find(serial);
  };
  mdm.records.push(record('other', { serial: 'R52TXYYK596' }));
  await expect(workAll()).rejects.toThrow('unforeseen');
  await workAll();
  expect([await stateOf('r-broken'), await stateOf('r-good')]).toEqual(['requested', 'observing']);
});

describe('a tablet that was exposed again meanwhile', () => {
  it('is wiped for the newer request, and the older one proves nothing more', async () => {
    await ask('r-1');
    await workAll();
    // The older request is due, and the MDM has proof for it, when the newer one arrives.
    clock.ms += DEMO_PACE.slowestMs;
    confirm();
    enrolAgain();
    await ask('r-2', 'b'.repeat(32));
    await workAll();
    expect([await stateOf('r-1'), await stateOf('r-2')]).toEqual(['superseded', 'observing']);
    confirm();
    mdm.records = [record('newest', { previous: ['new'], enrolledMdmMs: 5_000, reportedMdmMs: 6_000 })];
    await later();
    expect(await stateOf('r-2')).toBe('complete');
    expect(new Set((await station.statements()).map(({ claims }) => claims.request))).toEqual(new Set(['r-2']));
  });

  it('and whose request is uploaded twice is wiped once', async () => {
    await ask();
    await station.request('POST', '/v1/log/entries', ledger.upload());
    await workAll();
    expect((await central.database.query('select 1 from sanitization_request')).rowCount).toBe(1);
    expect(mdm.wipes).toEqual(['r-1']);
  });
});

describe('a request that comes late or a second time', () => {
  const released = (): void => ledger.add({ type: 'unidentified-removal', device: SERIAL, slot: 1, body: { release: 'rel-1', claimUntilMs: 1 } });

  it('after somebody has taken the tablet wipes nothing', async () => {
    ledger.add({ type: 'sanitization-requested', device: SERIAL, slot: 1, body: { request: 'r-1', nonce: NONCE, exposure: ledger.leaves[0] ?? '', attempt: 1 } });
    released();
    await upload();
    await workAll();
    expect(mdm.wipes).toEqual([]);
    expect(await stateOf()).toBe('superseded');
    ledger.add({ type: 'returned', device: SERIAL, slot: 1, body: { how: 'put-back', release: 'rel-1' } });
    await ask('r-2');
    await workAll();
    expect(mdm.wipes).toEqual(['r-2']);
  });

  it('from a cart that the tablet has left wipes nothing, and the cart that has it gets its proof', async () => {
    await ask('r-here');
    await workAll();
    await central.database.query(`insert into placement (serial, origin, kind, rows) values ($1, $2, 'placed', '[]') on conflict (serial) do update set origin = excluded.origin, kind = 'placed'`, [SERIAL, station.origin]);
    const away = await enrolStation(central, 'Cart B');
    const theirs = testLedger(away);
    theirs.add(...admissionOf(SERIAL, 3));
    theirs.add({ type: 'sanitization-requested', device: SERIAL, slot: 3, body: { request: 'r-late', nonce: 'b'.repeat(32), exposure: theirs.leaves[0] ?? '', attempt: 1 } });
    expect((await away.request('POST', '/v1/log/entries', theirs.upload())).status).toBe(200);
    await central.database.query(`update placement set origin = $2, kind = 'placed' where serial = $1`, [SERIAL, station.origin]);
    await workAll();
    expect(mdm.wipes).toEqual(['r-here']);
    expect(await stateOf('r-late')).toBe('superseded');
    expect((await away.statements()).map(({ claims }) => claims.facts)).toEqual([{ kind: 'sanitization-failed', failure: 'overtaken' }]);
    confirm();
    enrolAgain();
    await later();
    expect(await kinds()).toEqual(ALL);
  });

  it('the tablet was carried to another cart during its wipe and back again: the first cart is told that its request was overtaken, and asks anew', async () => {
    await ask('r-first');
    await workAll();
    const away = await enrolStation(central, 'Cart B');
    const theirs = testLedger(away);
    theirs.add(...admissionOf(SERIAL, 3));
    theirs.add({ type: 'sanitization-requested', device: SERIAL, slot: 3, body: { request: 'r-second', nonce: 'b'.repeat(32), exposure: theirs.leaves[0] ?? '', attempt: 1 } });
    expect((await away.request('POST', '/v1/log/entries', theirs.upload())).status).toBe(200);
    await central.database.query('delete from placement where serial = $1', [SERIAL]);
    await workAll();
    expect(mdm.wipes).toEqual(['r-first', 'r-second']);
    expect(await failures()).toEqual(['overtaken']);
    expect(await away.statements()).toEqual([]);
  });

  it('because the database was restored from a backup: what the ledger holds as proven is looked at again, not wiped again', async () => {
    await ask();
    await workAll();
    confirm();
    enrolAgain();
    await later();
    for (const { claims } of await station.statements()) {
      const { kind, ...facts } = claims.facts;
      ledger.add({ type: 'statement-accepted', device: SERIAL, body: { kind, request: 'r-1', digest: 'ab'.repeat(32), issuedAtMs: claims.issuedAtMs, facts: facts as { readonly [name: string]: string } } });
    }
    await upload();
    await central.database.query(`update sanitization_request set state = 'requested', previous_enrolment = null, command = null, issued_at_ms = null, stated = '{}', next_at_ms = 0 where request = 'r-1'`);
    await central.database.query('truncate seen_enrolment');
    // By now the MDM has forgotten which commands it had.
    mdm.wipes.length = 0;
    mdm.command = undefined;
    const before = (await station.statements()).at(-1)?.cursor;
    await workAll();
    expect(mdm.wipes).toEqual([]);
    expect(await stateOf()).toBe('complete');
    expect((await kinds(before)).sort()).toEqual(['posture', 'profile-present', 'queue-clear']);
  });
});
