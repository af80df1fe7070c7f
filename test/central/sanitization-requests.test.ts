import { beforeEach, describe, expect, it } from 'vitest';
import { DEMO_PACE, runSanitization, type SanitizationDeps } from '../../app/central/sanitization.ts';
import { createWakener } from '../../app/central/wakener.ts';
import { ALL, ask, enrolAgain, failures, kinds, stateOf } from './asked-wipe.ts';
import { SERIAL } from './demo-central.ts';
import { admissionOf, enrolStation, testLedger } from './demo-station.ts';
import { record } from './fake-mdm.ts';
import { central, clock, confirm, deps, later, ledger, mdm, NONCE, queueByHand, station, workAll, write } from './mdm-queue.ts';

queueByHand();
beforeEach(() => ledger.add(...admissionOf(SERIAL, 1)));

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
  await write(...admissionOf('R52TXYYK596', 2), { type: 'sanitization-requested', device: 'R52TXYYK596', slot: 2, body: { request: 'r-good', nonce: NONCE, exposure: ledger.leaves[0] ?? '', attempt: 1 } });
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
    await write();
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
    await write();
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
