import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { provenFacts } from '../../../app/domain/mdm-evidence.ts';
import { makeServiceAccount } from '../../../app/simulator/mdm/service-account.ts';
import type { Misbehaviour } from '../../../app/simulator/world/mdm-records.ts';
import { isClean, uncleanBecause } from '../../../app/simulator/world/tablet.ts';
import { served } from '../../support/served.ts';
import { amapiBench as bench, order, PROFILE, SERIAL, START, value, wipeAndWatch } from './amapi-bench.ts';

const ALL = ['wipe-confirmed', 'enrolled', 'credentials-revoked', 'queue-clear', 'profile-present', 'posture'];

describe('a tablet is wiped over HTTP', () => {
  it('proves every fact when all goes well, and the tablet really is clean', async () => {
    const on = await bench();
    const enrolment = await value(on.adapter.findEnrolment(SERIAL));
    expect(enrolment).toMatchObject({ enrolment: on.first, state: 'active', profile: PROFILE, pendingCommands: 0 });
    const { kinds } = await wipeAndWatch(on, undefined);
    expect(kinds).toEqual(ALL);
    expect(isClean(on.tablet, on.mdm)).toBe(true);
  });

  it.each<[Misbehaviour, string[], string]>([
    ['late-enrolment', ['wipe-confirmed'], 'not-enrolled'],
    ['command-lost', [], 'residue'],
    ['command-expired', [], 'residue'],
    ['wipe-acknowledged-not-done', ['wipe-confirmed'], 'residue'],
    ['stale-enrolment-record', ['wipe-confirmed', 'enrolled', 'queue-clear', 'profile-present', 'posture'], 'old-credential-live'],
    ['profile-survives', ['wipe-confirmed', 'enrolled', 'credentials-revoked'], 'profile'],
    ['enrols-twice', ['wipe-confirmed'], 'old-credential-live'],
    ['old-command-replayed', ['wipe-confirmed', 'enrolled', 'credentials-revoked', 'profile-present', 'posture'], 'command-waiting'],
  ])('%s: proves only what happened', async (fault, proven, unclean) => {
    const on = await bench();
    const { kinds } = await wipeAndWatch(on, fault);
    expect(kinds).toEqual(proven);
    expect(uncleanBecause(on.tablet, on.mdm)).toContain(unclean);
  });

  it.each<Misbehaviour>(['enrols-under-same-time', 'wrong-serial'])('%s: a clean tablet stays unproven', async (fault) => {
    const on = await bench();
    expect((await wipeAndWatch(on, fault)).kinds).toEqual(['wipe-confirmed']);
  });

  it('adb-left-on and unlock-token-kept: stated as they are', async () => {
    const adb = await bench();
    expect((await wipeAndWatch(adb, 'adb-left-on')).facts.find((fact) => fact.kind === 'posture')).toMatchObject({ adbEnabled: true });
    const token = await bench();
    expect((await wipeAndWatch(token, 'unlock-token-kept')).facts.find((fact) => fact.kind === 'queue-clear')).toMatchObject({ unlockTokenKept: true });
  });

  it('a lost command expires at the end of the duration it was given, not after ten minutes', async () => {
    const on = await bench();
    const { command } = await wipeAndWatch(on, 'command-lost', 700);
    const atTenMinutes = await value(on.adapter.observe({ serial: SERIAL, previous: on.first, command: command.command }));
    expect(atTenMinutes.command.state).toBe('pending');
    on.seconds(8 * 3600);
    const atDuration = await value(on.adapter.observe({ serial: SERIAL, previous: on.first, command: command.command }));
    expect(atDuration.command.state).toBe('expired');
  });

  it('a confirmation needs a later second of the MDM’s own clock than the command', async () => {
    const on = await bench();
    const command = await value(on.adapter.wipe(order(on)));
    const seen = await value(on.adapter.observe({ serial: SERIAL, previous: on.first, command: command.command }));
    expect(seen.command).toMatchObject({ state: 'pending' });
    on.seconds(3);
    const later = await value(on.adapter.observe({ serial: SERIAL, previous: on.first, command: command.command }));
    expect(later.command.confirmedMdmMs).toBeGreaterThan(command.issuedMdmMs);
    expect(Math.abs(command.issuedMdmMs - START)).toBeGreaterThan(1000);
  });
});

describe('records left behind', () => {
  it('a stale record is removed and its credential dies', async () => {
    const on = await bench();
    const { command } = await wipeAndWatch(on, 'stale-enrolment-record');
    expect((await on.adapter.removeEnrolment(on.first)).ok).toBe(true);
    const seen = await value(on.adapter.observe({ serial: SERIAL, previous: on.first, command: command.command }));
    expect(provenFacts({ serial: SERIAL, profile: PROFILE, previous: on.first }, seen).map((fact) => fact.kind)).toEqual(ALL);
    expect(isClean(on.tablet, on.mdm)).toBe(true);
  });

  it('delete-does-nothing: the answer is good, the observation is not', async () => {
    const on = await bench();
    const { command } = await wipeAndWatch(on, 'stale-enrolment-record');
    on.mdm.misbehave({ fault: 'delete-does-nothing', serial: SERIAL });
    expect((await on.adapter.removeEnrolment(on.first)).ok).toBe(true);
    const seen = await value(on.adapter.observe({ serial: SERIAL, previous: on.first, command: command.command }));
    expect(provenFacts({ serial: SERIAL, profile: PROFILE, previous: on.first }, seen).map((fact) => fact.kind)).not.toContain('credentials-revoked');
  });

  it('removing what is already gone is no failure', async () => {
    const on = await bench();
    expect((await on.adapter.removeEnrolment(`enterprises/${on.mdm.enterprise}/devices/0000`)).ok).toBe(true);
  });

  it('a replayed wipe strikes the new enrolment: the tablet ends under a third, and no fact speaks of the second', async () => {
    const on = await bench();
    const { command } = await wipeAndWatch(on, 'old-command-replayed', 60);
    const seen = await value(on.adapter.observe({ serial: SERIAL, previous: on.first, command: command.command }));
    expect(seen.enrolments).toHaveLength(1);
    expect(seen.enrolments[0]?.previous).toHaveLength(2);
    expect(on.tablet.enrolment).toBe(seen.enrolments[0]?.enrolment);
  });
});

describe('the server dies between issuing a wipe and writing it down', () => {
  it('finds the command of the same request instead of issuing a second', async () => {
    const on = await bench();
    const issued = await value(on.adapter.wipe(order(on)));
    const afterCrash = on.adapterWith({});
    const found = await value(afterCrash.wipe(order(on)));
    expect(found).toEqual(issued);
    expect(on.requests.filter((request) => request.endsWith(':issueCommand'))).toHaveLength(1);
  });

  it('finds it also when the tablet is already erased and its record gone', async () => {
    const on = await bench();
    const issued = await value(on.adapter.wipe(order(on)));
    on.seconds(10);
    expect(on.mdm.find(on.first)).toBeUndefined();
    expect(await value(on.adapterWith({}).wipe(order(on)))).toMatchObject({ command: issued.command, state: 'confirmed' });
  });

  it('does not take an earlier request’s command for its own', async () => {
    const on = await bench();
    const { command } = await wipeAndWatch(on, 'wipe-acknowledged-not-done');
    const second = await value(on.adapter.wipe(order(on, 'req-2')));
    expect(second.command).not.toBe(command.command);
    on.seconds(10);
    expect(on.tablet.residueOf).toBeNull();
  });

  it('never wipes an enrolment that belongs to another tablet', async () => {
    const on = await bench();
    const refusal = await on.adapter.wipe({ ...order(on), serial: 'OTHER0' });
    expect(refusal).toMatchObject({ ok: false, reason: { reason: 'rejected' } });
    expect(on.requests.some((request) => request.endsWith(':issueCommand'))).toBe(false);
  });
});

describe('the vendor’s HTTP is unkind', () => {
  it('throttled and failing: says how long to leave it alone, and does not wait itself', async () => {
    const on = await bench();
    on.mdm.misbehave({ fault: 'throttled' });
    expect(await on.adapter.findEnrolment(SERIAL)).toMatchObject({ ok: false, reason: { reason: 'throttled', retryAfterMs: 7000 } });
    on.mdm.misbehave({ fault: 'server-error' });
    expect(await on.adapter.findEnrolment(SERIAL)).toMatchObject({ ok: false, reason: { reason: 'unavailable', retryAfterMs: 7000 } });
    expect((await on.adapter.findEnrolment(SERIAL)).ok).toBe(true);
  });

  it('Retry-After as a date counts from the server’s own clock', async () => {
    const on = await bench();
    const date = new Date(START - 90_000);
    const busy = (input: Parameters<typeof fetch>[0], init?: RequestInit): Promise<Response> =>
      String(input).endsWith('/token') ? fetch(input, init) : Promise.resolve(new Response('{}', { status: 503, headers: { date: date.toUTCString(), 'retry-after': new Date(date.getTime() + 120_000).toUTCString() } }));
    expect(await on.adapterWith({ fetch: busy }).findEnrolment(SERIAL)).toMatchObject({ ok: false, reason: { reason: 'unavailable', retryAfterMs: 120_000 } });
    const passed = (input: Parameters<typeof fetch>[0], init?: RequestInit): Promise<Response> =>
      String(input).endsWith('/token') ? fetch(input, init) : Promise.resolve(new Response('{}', { status: 429, headers: { date: date.toUTCString(), 'retry-after': new Date(date.getTime() - 1000).toUTCString() } }));
    expect(await on.adapterWith({ fetch: passed }).findEnrolment(SERIAL)).toMatchObject({ ok: false, reason: { reason: 'throttled', retryAfterMs: 0 } });
  });

  it('every use of the service account is told, refused ones too, and no secret with it', async () => {
    const on = await bench();
    on.mdm.misbehave({ fault: 'token-rejected' });
    const found = await value(on.adapter.findEnrolment(SERIAL));
    await on.adapter.removeEnrolment(found.enrolment);
    const name = 'dockward@dockward-simulator.iam.gserviceaccount.com';
    expect(on.used).toEqual([`${name}: access token: accepted`, `${name}: read: unauthorized`, `${name}: access token: accepted`, `${name}: read: accepted`, `${name}: read: accepted`, `${name}: remove enrolment: accepted`]);
  });

  it('a rejected token is renewed once, a second rejection is reported', async () => {
    const on = await bench();
    on.mdm.misbehave({ fault: 'token-rejected' });
    expect((await on.adapter.findEnrolment(SERIAL)).ok).toBe(true);
    expect(on.requests.filter((request) => request === 'POST /token')).toHaveLength(2);
    on.mdm.misbehave({ fault: 'token-rejected', times: 2 });
    expect(await on.adapter.findEnrolment(SERIAL)).toMatchObject({ ok: false, reason: { reason: 'unauthorized' } });
  });

  it('one token serves until shortly before its end', async () => {
    const on = await bench();
    await Promise.all([on.adapter.findEnrolment(SERIAL), on.adapter.findEnrolment(SERIAL)]);
    on.seconds(3500);
    await on.adapter.findEnrolment(SERIAL);
    expect(on.requests.filter((request) => request === 'POST /token')).toHaveLength(1);
    on.seconds(50);
    await on.adapter.findEnrolment(SERIAL);
    expect(on.requests.filter((request) => request === 'POST /token')).toHaveLength(2);
  });

  it('a server clock a day off still gets a token: it goes by the vendor’s', async () => {
    const on = await bench();
    expect((await on.adapterWith({ now: () => START + 86_400_000 }).findEnrolment(SERIAL)).ok).toBe(true);
  });

  it('a foreign key earns no token, and no secret is in the refusal', async () => {
    const on = await bench();
    const stranger = makeServiceAccount(`${on.url}/token`);
    const refusal = await on.adapterWith({ serviceAccount: stranger.file }).findEnrolment(SERIAL);
    expect(refusal).toMatchObject({ ok: false, reason: { reason: 'unauthorized' } });
    expect(JSON.stringify(refusal)).not.toContain('PRIVATE KEY');
    expect(await on.adapterWith({ serviceAccount: { ...stranger.file, private_key: '-----BEGIN PRIVATE KEY-----\nbroken' } }).findEnrolment(SERIAL)).toMatchObject({ ok: false, reason: { reason: 'unauthorized' } });
  });

  it('lists-twice and more than one page: every record once', async () => {
    const on = await bench(230);
    on.mdm.misbehave({ fault: 'lists-twice', times: 5000 });
    const { seen } = await wipeAndWatch(on, undefined);
    expect(seen.enrolments).toHaveLength(1);
    expect(on.requests.filter((request) => request.startsWith('GET') && request.endsWith('/devices')).length).toBeGreaterThan(2);
  });

  it('nobody listens, or nobody answers: unavailable', async () => {
    const on = await bench();
    expect(await on.adapterWith({ baseUrl: 'http://127.0.0.1:9' }).findEnrolment(SERIAL)).toMatchObject({ ok: false, reason: { reason: 'unavailable' } });
    const mute = await served(createServer(() => {}));
    const refusal = await on.adapterWith({ baseUrl: mute, timeoutMs: 50 }).findEnrolment(SERIAL);
    expect(refusal).toMatchObject({ ok: false, reason: { reason: 'unavailable', detail: expect.stringContaining('50 ms') } });
  });

  it('a page of HTML instead of the API is no answer', async () => {
    const on = await bench();
    const html = (input: Parameters<typeof fetch>[0], init?: RequestInit): Promise<Response> => (String(input).endsWith('/token') ? fetch(input, init) : Promise.resolve(new Response('<html>', { status: 200 })));
    expect(await on.adapterWith({ fetch: html }).findEnrolment(SERIAL)).toMatchObject({ ok: false, reason: { reason: 'unavailable' } });
  });

  it('a command forgotten with its record keeps its last known times; one never seen is not found', async () => {
    const on = await bench();
    const command = await value(on.adapter.wipe(order(on)));
    on.seconds(10);
    await value(on.adapter.observe({ serial: SERIAL, previous: on.first, command: command.command }));
    on.mdm.state.operations.length = 0;
    const seen = await value(on.adapter.observe({ serial: SERIAL, previous: on.first, command: command.command }));
    expect(seen.command.state).toBe('confirmed');
    expect(await on.adapterWith({}).observe({ serial: SERIAL, previous: on.first, command: command.command })).toMatchObject({ ok: false, reason: { reason: 'not-found' } });
  });
});

describe('a lost tablet', () => {
  it('is locked, gets Lost Mode with what its finder should read, and is let out of it', async () => {
    const on = await bench();
    expect(await on.adapter.lock?.(on.first, 'left the ward')).toEqual({ ok: true, value: undefined });
    await on.adapter.startLostMode?.(on.first, { message: 'Please call us', phone: '+44 20 7946 0000', organization: 'St Mary’s' });
    await on.adapter.stopLostMode?.(on.first);
    const month = `${30 * 86_400}s`;
    expect(on.commands).toEqual([
      { device: on.first, type: 'LOCK', duration: month },
      { device: on.first, type: 'START_LOST_MODE', duration: month, startLostModeParams: { lostMessage: { defaultMessage: 'Please call us' }, lostPhoneNumber: { defaultMessage: '+44 20 7946 0000' }, lostOrganization: { defaultMessage: 'St Mary’s' } } },
      { device: on.first, type: 'STOP_LOST_MODE', duration: month, stopLostModeParams: {} },
    ]);
    expect(on.used.slice(-3).map((use) => use.split(': ').slice(1))).toEqual([['lock', 'accepted'], ['lost mode', 'accepted'], ['end of lost mode', 'accepted']]);
    expect(await on.adapter.lock?.(`enterprises/${on.mdm.enterprise}/devices/gone`, 'lost')).toMatchObject({ ok: false, reason: { reason: 'not-found' } });
  });
});
