import { beforeEach, describe, expect, it } from 'vitest';
import { DEMO_PACE, workOnce } from '../../app/central/sanitization.ts';
import type { StatementClaims } from '../../app/contract/statement.ts';
import { ALL, ask, enrolAgain, failures, kinds, stateOf } from './asked-wipe.ts';
import { SERIAL } from './demo-central.ts';
import { admissionOf, enrolStation } from './demo-station.ts';
import { record } from './fake-mdm.ts';
import { central, clock, confirm, deps, later, ledger, mdm, NONCE, queueByHand, station, workAll, write } from './mdm-queue.ts';

queueByHand();
beforeEach(() => ledger.add(...admissionOf(SERIAL, 1)));

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
    await write({ type: 'absent', device: SERIAL, slot: 1, body: { request: 'r-1', sinceMs: 1 } }, { type: 'reappeared', device: SERIAL, slot: 1, body: { request: 'r-1', absenceMs: 4_000 } });
    // No time passes: that the tablet came back is reason enough to look.
    await workAll();
    enrolAgain();
    await write({ type: 'host-lost', body: { cause: 'x' } });
    await later();
    const enrolled = (await station.statements()).find(({ claims }) => claims.facts.kind === 'enrolled');
    expect(enrolled?.claims.facts).toMatchObject({ unseenAtSize: 5 });
  });

  it('does not claim that an enrolment was unseen while the MDM already listed it', async () => {
    await ask();
    await workAll();
    enrolAgain({ state: 'provisioning' });
    await write({ type: 'reappeared', device: SERIAL, slot: 1, body: { request: 'r-1', absenceMs: 4_000 } });
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
