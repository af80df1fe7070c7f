import { createServer } from 'node:http';
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Misbehaviour } from '../../../app/simulator/world/mdm-records.ts';
import { isClean, uncleanBecause } from '../../../app/simulator/world/tablet.ts';
import { served } from '../../support/served.ts';
import { requestOf, START, value, WEBHOOK_KEY, wipeAndWatch, type NanomdmBench } from './nanomdm-bench.ts';
import { bench, database, nanomdmTables } from './nanomdm-tables.ts';

nanomdmTables();

const ALL = ['wipe-confirmed', 'enrolled', 'credentials-revoked', 'queue-clear', 'profile-present', 'posture'];

describe('a tablet is wiped through NanoMDM', () => {
  it('proves every fact when all goes well, and the tablet really is clean', async () => {
    const on = await bench();
    const { kinds, facts, previous } = await wipeAndWatch(on);
    expect(kinds).toEqual(ALL);
    expect(facts.find((fact) => fact.kind === 'posture')).toMatchObject({ osAtFloor: true, compliant: true, rooted: false, adbEnabled: false });
    expect(facts.find((fact) => fact.kind === 'enrolled')).toMatchObject({ previous });
    expect(isClean(on.tablet, on.mdm)).toBe(true);
  });

  it('erases with Return to Service, the Wi-Fi and the enrolment profile', async () => {
    const on = await bench();
    await wipeAndWatch(on, [], 2);
    const erase = on.sent.find((body) => body.includes('EraseDevice'));
    expect(erase).toContain(`<key>ReturnToService</key><dict><key>Enabled</key><true/><key>WiFiProfileData</key><data>${Buffer.from('wi-fi').toString('base64')}</data><key>MDMProfileData</key><data>${Buffer.from('mdm').toString('base64')}</data></dict>`);
  });

  it.each<[Misbehaviour, string[], string]>([
    ['late-enrolment', ['wipe-confirmed'], 'not-enrolled'],
    ['command-lost', [], 'residue'],
    ['wipe-acknowledged-not-done', ['wipe-confirmed'], 'residue'],
    ['enrols-twice', ['wipe-confirmed'], ''],
    ['wrong-serial', ['wipe-confirmed'], ''],
    ['enrols-under-same-time', [], ''],
  ])('%s: proves only what happened', async (fault, proven, unclean) => {
    const on = await bench();
    const { kinds } = await wipeAndWatch(on, [fault]);
    expect(kinds).toEqual(proven);
    if (unclean !== '') expect(uncleanBecause(on.tablet, on.mdm)).toContain(unclean);
  });

  it('the tablet is told apart from its former life, though its UDID stays the same', async () => {
    const on = await bench();
    const { previous } = await wipeAndWatch(on);
    const now = (await value(on.adapter.findEnrolment(on.serial))).enrolment;
    expect(now).not.toBe(previous);
    expect(now.split('/')[0]).toBe(previous.split('/')[0]);
  });

  it('all times are those of NanoMDM’s own clock, an hour from ours', async () => {
    const on = await bench();
    const { facts } = await wipeAndWatch(on);
    const wiped = facts.find((fact) => fact.kind === 'wipe-confirmed');
    const enrolled = facts.find((fact) => fact.kind === 'enrolled');
    if (wiped?.kind !== 'wipe-confirmed' || enrolled?.kind !== 'enrolled') throw new Error('not proven');
    expect(wiped.issuedMdmMs).toBeLessThan(wiped.confirmedMdmMs);
    expect(wiped.confirmedMdmMs).toBeLessThan(enrolled.enrolledMdmMs);
    const skew = on.mdm.nowMs() - on.nowMs();
    expect(Math.abs(skew)).toBeGreaterThan(1000);
    expect(Math.abs(enrolled.enrolledMdmMs - START - skew)).toBeLessThan(30_000);
  });

  it('a profile whose application is still being installed is not there', async () => {
    const on = await bench('filekv', { profiles: { 'ward-7-east': { profile: 'org.example.ward-7-east', applications: ['org.example.wardround', 'org.example.pager'] } } });
    expect((await wipeAndWatch(on)).kinds).not.toContain('profile-present');
  });

  it('an iPadOS below the floor is told', async () => {
    const on = await bench('filekv', { osFloor: '26.11' });
    expect((await wipeAndWatch(on)).facts.find((fact) => fact.kind === 'posture')).toMatchObject({ osAtFloor: false });
  });
});

describe('what the platform cannot prove, it does not state', () => {
  it('a storage that keeps every certificate good: the old credential is never stated as revoked', async () => {
    const on = await bench('pgsql');
    expect(on.adapter.unreachable).toEqual(['attestation', 'credentials-revoked']);
    const { kinds } = await wipeAndWatch(on);
    expect(kinds).toEqual(ALL.filter((kind) => kind !== 'credentials-revoked'));
    expect(uncleanBecause(on.tablet, on.mdm)).toEqual(['old-credential-live']);
  });

  it('a certificate that is used again: the new enrolment is no better than the old', async () => {
    const on = await bench();
    on.double.troubles.sameCertificate.add(on.serial);
    expect((await wipeAndWatch(on, ['stale-enrolment-record'])).kinds).not.toContain('credentials-revoked');
    expect(uncleanBecause(on.tablet, on.mdm)).toContain('old-credential-live');
  });

  it('a jailbreak that nobody can ask about is assumed', async () => {
    const on = await bench('filekv', { eraseEndsJailbreak: false });
    expect(on.adapter.unreachable).toContain('posture');
    expect((await wipeAndWatch(on)).facts.find((fact) => fact.kind === 'posture')).toMatchObject({ rooted: true });
  });

  it('without an answered last question the queue is not called empty', async () => {
    const on = await bench();
    await wipeAndWatch(on, [], 4);
    on.double.troubles.busy.add(on.serial);
    on.double.troubles.lost.add('mdm.Connect');
    const { kinds } = await wipeAndWatch(on, [], 10, 2);
    expect(kinds).not.toContain('queue-clear');
  });

  it('a command that the tablet put off still waits', async () => {
    const on = await bench();
    on.double.troubles.busy.add(on.serial);
    const first = await value(on.adapter.findEnrolment(on.serial));
    await on.settled();
    expect(first.pendingCommands).toBeGreaterThan(0);
    expect((await value(on.adapter.findEnrolment(on.serial))).pendingCommands).toBeGreaterThan(1);
    on.double.troubles.busy.clear();
    await on.seconds(70);
    await value(on.adapter.findEnrolment(on.serial));
    await on.settled();
    expect(await value(on.adapter.findEnrolment(on.serial))).toMatchObject({ pendingCommands: 0, profile: 'ward-7-east' });
  });

  it('an old report is not told again: the tablet is asked anew', async () => {
    const on = await bench();
    await value(on.adapter.findEnrolment(on.serial));
    await on.settled();
    const fresh = await value(on.adapter.findEnrolment(on.serial));
    expect(fresh.reportedMdmMs).toBeDefined();
    await on.seconds(700);
    on.tablet.asleep = true;
    expect((await value(on.adapter.findEnrolment(on.serial))).reportedMdmMs).toBeUndefined();
    on.tablet.asleep = false;
    await on.seconds(1);
    expect((await value(on.adapter.findEnrolment(on.serial))).reportedMdmMs).toBeGreaterThan(fresh.reportedMdmMs ?? 0);
  });
});

describe('events are lost: NanoMDM sends each once', () => {
  it('the acknowledgement: nothing is proven, and a second wipe proves everything', async () => {
    const on = await bench();
    on.double.troubles.lost.add('mdm.Connect');
    expect((await wipeAndWatch(on)).kinds).toEqual([]);
    on.double.troubles.lost.clear();
    await on.seconds(3600);
    expect((await wipeAndWatch(on, [], 12, 2)).kinds).toEqual(ALL);
    expect(isClean(on.tablet, on.mdm)).toBe(true);
  });

  it('the Authenticate: the enrolment nobody saw begin is not told of, and can be wiped', async () => {
    const on = await bench();
    on.double.troubles.lost.add('mdm.Authenticate');
    const first = await wipeAndWatch(on);
    expect(first.kinds).toEqual(['wipe-confirmed']);
    on.double.troubles.lost.clear();
    const found = await value(on.adapter.findEnrolment(on.serial));
    expect(found).toMatchObject({ enrolment: first.previous, state: 'active' });
    expect(found.reportedMdmMs).toBeUndefined();
    expect((await wipeAndWatch(on, [], 12, 2)).kinds).toEqual(expect.arrayContaining(['wipe-confirmed', 'enrolled', 'queue-clear']));
  });
});

describe('the server dies between issuing a wipe and writing it down', () => {
  const erases = (on: NanomdmBench): number => on.sent.filter((body) => body.includes('EraseDevice')).length;

  it('finds the command of the same request instead of sending a second', async () => {
    const on = await bench();
    const { enrolment } = await value(on.adapter.findEnrolment(on.serial));
    const order = { request: requestOf(on), serial: on.serial, enrolment, expiresInMs: 3_600_000 };
    const issued = await value(on.adapter.wipe(order));
    expect(await value(on.adapterWith({}).wipe(order))).toEqual(issued);
    await on.seconds(10);
    expect(await value(on.adapterWith({}).wipe(order))).toMatchObject({ command: issued.command, state: 'confirmed' });
    expect(erases(on)).toBe(1);
  });

  it('NanoMDM took the command and the answer was lost: the same command again is no second wipe', async () => {
    const on = await bench();
    const { enrolment } = await value(on.adapter.findEnrolment(on.serial));
    const order = { request: requestOf(on), serial: on.serial, enrolment, expiresInMs: 3_600_000 };
    const cut = (input: Parameters<typeof fetch>[0], init?: RequestInit): Promise<Response> => fetch(input, init).then(() => Promise.reject(new Error('the line was cut')));
    expect(await on.adapterWith({ fetch: cut }).wipe(order)).toMatchObject({ ok: false, reason: { reason: 'unavailable' } });
    expect((await on.adapter.wipe(order)).ok).toBe(true);
    expect(on.mdm.state.operations.filter((operation) => operation.type === 'WIPE')).toHaveLength(1);
  });

  it('… and the tablet was erased meanwhile: its new life is not wiped for the old request', async () => {
    const on = await bench();
    const { enrolment } = await value(on.adapter.findEnrolment(on.serial));
    const order = { request: requestOf(on), serial: on.serial, enrolment, expiresInMs: 3_600_000 };
    const cut = (input: Parameters<typeof fetch>[0], init?: RequestInit): Promise<Response> => fetch(input, init).then(() => Promise.reject(new Error('the line was cut')));
    await on.adapterWith({ fetch: cut }).wipe(order);
    await on.seconds(10);
    expect(await value(on.adapter.wipe(order))).toMatchObject({ state: 'confirmed' });
    expect(erases(on)).toBe(1);
    expect(await on.adapter.wipe({ ...order, request: requestOf(on, 9) })).toMatchObject({ ok: false, reason: { reason: 'rejected' } });
    expect(erases(on)).toBe(1);
  });

  it('never wipes an enrolment that belongs to another tablet', async () => {
    const on = await bench();
    const { enrolment } = await value(on.adapter.findEnrolment(on.serial));
    expect(await on.adapter.wipe({ request: requestOf(on), serial: `${on.serial}A`, enrolment, expiresInMs: 3_600_000 })).toMatchObject({ ok: false, reason: { reason: 'rejected' } });
    expect(erases(on)).toBe(0);
  });
});

describe('the webhook', () => {
  it('takes an event once, and only if it is signed with our key', async () => {
    const on = await bench();
    const [event] = on.delivered;
    if (!event) throw new Error('no event');
    expect(await on.receive(event.body, event.headers)).toEqual({ ok: true, value: { serials: [], enrolments: [] } });
    const signature = createHmac('sha256', 'another key').update(event.body).digest('base64');
    expect(await on.receive(event.body, { 'x-hmac-signature': signature })).toMatchObject({ ok: false, reason: { reason: 'unauthorized' } });
    expect(await on.receive(event.body, {})).toMatchObject({ ok: false, reason: { reason: 'unauthorized' } });
    expect(await on.receive(Buffer.concat([event.body, Buffer.from(' ')]), event.headers)).toMatchObject({ ok: false, reason: { reason: 'unauthorized' } });
  });

  it('says whose tablet has news: once for its enrolment, once for its answers', async () => {
    const on = await bench();
    on.news.length = 0;
    await value(on.adapter.findEnrolment(on.serial));
    await on.settled();
    expect(on.news.filter((news) => news.serials.length > 0)).toEqual([{ serials: [on.serial], enrolments: [] }]);
  });

  it('keeps no token', async () => {
    const on = await bench();
    on.tablet.unlockKnown = true;
    on.mdm.misbehave({ fault: 'unlock-token-kept', serial: on.serial });
    await wipeAndWatch(on);
    const kept = JSON.stringify((await database.query('select event from nanomdm_event e where exists (select 1 from nanomdm_event a where a.device = e.device and a.serial = $1)', [on.serial])).rows);
    for (const { body } of on.delivered) {
      const raw = Buffer.from(/"raw_payload":"([^"]+)"/.exec(body.toString('utf8'))?.[1] ?? '', 'base64').toString('utf8');
      for (const key of ['Token', 'UnlockToken', 'PushMagic']) {
        const secret = new RegExp(`<key>${key}</key>\\s*<(?:data|string)>\\s*([^<\\s]+)`).exec(raw)?.[1];
        expect(secret !== undefined && kept.includes(secret)).toBe(false);
      }
    }
    expect(kept.includes('"unlockToken":true')).toBe(true);
  });

  it('an event that cannot be read is refused', async () => {
    const on = await bench();
    const body = Buffer.from('hello');
    expect(await on.receive(body, { 'x-hmac-signature': createHmac('sha256', WEBHOOK_KEY).update(body).digest('base64') })).toMatchObject({ ok: false, reason: { reason: 'malformed' } });
  });
});

describe('NanoMDM’s HTTP is unkind', () => {
  it('a proxy that throttles, a server that fails, a key that is wrong', async () => {
    const on = await bench();
    on.mdm.misbehave({ fault: 'throttled' });
    expect(await on.adapter.findEnrolment(on.serial)).toMatchObject({ ok: false, reason: { reason: 'throttled', retryAfterMs: 7000 } });
    on.mdm.misbehave({ fault: 'server-error' });
    expect(await on.adapter.findEnrolment(on.serial)).toMatchObject({ ok: false, reason: { reason: 'unavailable', retryAfterMs: 7000 } });
    const refusal = await on.adapterWith({ apiKey: () => Promise.resolve('an old key') }).findEnrolment(on.serial);
    expect(refusal).toMatchObject({ ok: false, reason: { reason: 'unauthorized' } });
    expect(JSON.stringify(refusal)).not.toContain('an old key');
    expect((await on.adapter.findEnrolment(on.serial)).ok).toBe(true);
    await on.settled();
    expect((await value(on.adapter.findEnrolment(on.serial))).pendingCommands).toBe(0);
  });

  it('a command whose push fails is queued all the same', async () => {
    const on = await bench();
    const { enrolment } = await value(on.adapter.findEnrolment(on.serial));
    const failing = (): Promise<Response> => Promise.resolve(new Response(JSON.stringify({ status: { x: { push_error: 'Unregistered' } }, command_uuid: 'x', request_type: 'EraseDevice' }), { status: 500 }));
    const order = { request: requestOf(on), serial: on.serial, enrolment, expiresInMs: 3_600_000 };
    expect((await on.adapterWith({ fetch: failing }).wipe(order)).ok).toBe(true);
    const full = (): Promise<Response> => Promise.resolve(new Response(JSON.stringify({ command_error: 'disk full', command_uuid: 'x' }), { status: 500 }));
    expect(await on.adapterWith({ fetch: full }).wipe({ ...order, request: requestOf(on, 2) })).toMatchObject({ ok: false, reason: { reason: 'unavailable', detail: expect.stringContaining('disk full') } });
  });

  it('a tablet that owes an answer is woken again, once a minute and no more', async () => {
    const on = await bench();
    on.tablet.asleep = true;
    const { previous, command } = await wipeAndWatch(on, ['command-lost'], 2);
    const pushes = (): number => on.requests.filter((request) => request.startsWith('GET /v1/push/')).length;
    const look = () => value(on.adapter.observe({ serial: on.serial, previous, command: command.command }));
    expect(pushes()).toBe(0);
    await on.seconds(60);
    await look();
    await look();
    expect(pushes()).toBe(1);
    await on.seconds(60);
    await look();
    expect(pushes()).toBe(2);
  });

  it('something that is not NanoMDM', async () => {
    const on = await bench();
    const other = await served(createServer((_, response) => response.writeHead(404).end('<html>')));
    const refusal = await on.adapterWith({ baseUrl: other }).findEnrolment(on.serial);
    expect(refusal).toMatchObject({ ok: false, reason: { reason: 'unavailable' } });
  });

  it('every use of a credential is told, and no secret with it', async () => {
    const on = await bench();
    await wipeAndWatch(on);
    expect(new Set(on.used)).toEqual(new Set(['NanoMDM webhook key: webhook: accepted', 'NanoMDM API key of 127.0.0.1: question: accepted', 'NanoMDM API key of 127.0.0.1: wipe: accepted']));
    expect(on.used.filter((use) => use.includes('API key'))).toHaveLength(on.requests.length);
  });
});

describe('a lost tablet', () => {
  it('gets Lost Mode with what its finder should read, and is let out of it', async () => {
    const on = await bench();
    const { enrolment } = await value(on.adapter.findEnrolment(on.serial));
    expect(await on.adapter.startLostMode?.(enrolment, { message: 'Please call us', phone: '+44 20 7946 0000', organization: 'St <Mary> & Co' })).toEqual({ ok: true, value: undefined });
    expect(on.sent.at(-1)).toContain('<key>RequestType</key><string>EnableLostMode</string><key>Message</key><string>Please call us</string><key>PhoneNumber</key><string>+44 20 7946 0000</string><key>Footnote</key><string>St &lt;Mary&gt; &amp; Co</string>');
    expect((await on.adapter.stopLostMode?.(enrolment))?.ok).toBe(true);
    expect(on.sent.at(-1)).toContain('DisableLostMode');
  });

  it('is locked only where the profile grants it, and then its queue-clear is out of reach', async () => {
    const on = await bench();
    expect(on.adapter.lock).toBeUndefined();
    const granted = on.adapterWith({ grantsPasscodeRemoval: true });
    expect(granted.unreachable).toEqual(['attestation', 'queue-clear']);
    const { enrolment } = await value(on.adapter.findEnrolment(on.serial));
    expect((await granted.lock?.(enrolment, 'left the ward'))?.ok).toBe(true);
    expect(on.sent.at(-1)).toContain('<key>RequestType</key><string>DeviceLock</string><key>Message</key><string>left the ward</string>');
  });

  it('a former enrolment gets no command: it would strike the present one', async () => {
    const on = await bench();
    const { previous } = await wipeAndWatch(on);
    expect(await on.adapter.stopLostMode?.(previous)).toMatchObject({ ok: false, reason: { reason: 'not-found' } });
  });
});
