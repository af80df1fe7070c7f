import { beforeEach, expect, it } from 'vitest';
import type { Directory } from '../../app/central/directory.ts';
import type { MdmAdapter, MdmRefusal } from '../../app/central/mdm/adapter.ts';
import { DEMO_PACE } from '../../app/central/sanitization.ts';
import type { MdmEnrolment } from '../../app/domain/mdm-evidence.ts';
import { ok, refused, type Result } from '../../app/domain/result.ts';
import { NIGHT } from '../support/night-rules.ts';
import { DIRECTORY_WITHOUT_PINS, SERIAL } from './demo-central.ts';
import { admissionOf } from './demo-station.ts';
import { record } from './fake-mdm.ts';
import { central, confirm, later, mdm, NONCE, queueByHand, station, workAll, write } from './mdm-queue.ts';

const [BEFORE, AFTER] = ['16 2026-06-01', '16 2026-10-01'];

const WITH_UPDATES: Directory = { ...DIRECTORY_WITHOUT_PINS, rules: { ...DIRECTORY_WITHOUT_PINS.rules, overnight: { ...NIGHT, update: { megabytes: 900, installMs: 600_000 } } } };

let told: string[];
let refusal: MdmRefusal | undefined;

queueByHand({ directory: WITH_UPDATES });
/** T-101 stands proven in slot 1, for this server and for its cart, and an update waits for it. */
beforeEach(async () => {
  told = [];
  refusal = undefined;
  const said = async (what: string): Promise<Result<void, MdmRefusal>> => (told.push(what), refusal ? refused(refusal) : ok(undefined));
  const updates: MdmAdapter['updates'] = { order: ({ request }) => said(`order ${request}`), end: ({ request }) => said(`end ${request}`) };
  Object.assign(mdm, { updates });
  await write(...admissionOf(SERIAL, 1), { type: 'sanitization-requested', device: SERIAL, slot: 1, body: { request: 'r-1', nonce: NONCE, exposure: 'e'.repeat(64), attempt: 1 } });
  await workAll();
  confirm();
  show({});
  await later();
  await write({ type: 'statement-accepted', device: SERIAL, body: { kind: 'enrolled', request: 'r-1', digest: 'd', issuedAtMs: 1, facts: { enrolment: 'new', previous: 'old', command: 'wipe-1', issuedMdmMs: 1_000, enrolledMdmMs: 3_000, unseenAtSize: 9 } } });
});

const ask = (request = 'u-1'): Promise<void> => write({ type: 'update-requested', device: SERIAL, slot: 1, body: { request, nonce: NONCE } });
/** What the MDM shows of the tablet now; every report is later than the one before. */
let reports = 4_000;
const show = (changes: Partial<MdmEnrolment>, name = 'new'): void => void (mdm.records = [record(name, { previous: ['old'], enrolledMdmMs: 3_000, reportedMdmMs: (reports += 1_000), os: BEFORE, update: 'waiting', ...changes })]);
const row = async (request = 'u-1') => (await central.database.query<{ state: string; failure: string | null }>('select state, failure from update_request where request = $1', [request])).rows[0];
/** What the cart was told since the tablet was proven. */
const news = async (): Promise<unknown[]> => (await station.statements()).slice(6).map(({ claims: { facts } }) => (facts.kind === 'update-failed' ? `${facts.kind} ${facts.failure}` : facts.kind));

it('goes well: ordered once, taken back once the version is another, and told as over only when the tablet itself shows its ward’s profile again', async () => {
  await ask();
  await workAll();
  expect([told, await row(), await news()]).toEqual([['order u-1'], { state: 'observing', failure: null }, []]);
  show({ profile: 'ward-7-east-dockward-update' });
  await later();
  show({ profile: 'ward-7-east-dockward-update', os: AFTER, update: 'none' });
  await later();
  expect([told, await row(), await news()]).toEqual([['order u-1', 'end u-1'], { state: 'returning', failure: null }, []]);
  show({ profile: 'ward-7-east-dockward-update', os: AFTER, update: 'none' });
  await later();
  expect(await news()).toEqual([]);
  show({ os: AFTER, update: 'none' });
  await later();
  expect([await row(), await news()]).toEqual([{ state: 'over', failure: null }, ['updated', 'queue-clear', 'profile-present', 'posture']]);
  const statements = await station.statements();
  expect(statements.at(-4)?.claims).toMatchObject({ request: 'u-1', nonce: NONCE, serial: SERIAL, facts: { before: BEFORE, after: AFTER } });
  expect(statements.at(-1)?.claims).toMatchObject({ request: 'r-1', facts: { kind: 'posture', update: 'none' } });
});

it('policy does not have the carts ask for updates: a posture says nothing of them, which a station from before updates would refuse', async () => {
  await central.database.query(`update tenant set rules = rules #- '{overnight,update}'`);
  show({ adbEnabled: true });
  await later(DEMO_PACE.restateMs);
  await central.database.query(`update tenant set rules = jsonb_set(rules, '{overnight,update}', '{"megabytes":900,"installMs":600000}')`);
  show({});
  await later(DEMO_PACE.restateMs);
  const postures = (await station.statements()).flatMap(({ claims: { facts } }) => (facts.kind === 'posture' ? [facts.update] : []));
  expect(postures).toEqual(['waiting', undefined, 'waiting']);
});

it('a report from before the order was taken back is no proof that the ward’s profile is on the tablet', async () => {
  await ask();
  await workAll();
  show({ os: AFTER, update: 'none' });
  await later();
  await later();
  expect([await row(), await news()]).toEqual([{ state: 'returning', failure: null }, []]);
});

it.each<[string, Partial<MdmEnrolment>, string]>([
  ['by then the tablet is up to date', { update: 'none' }, 'update-failed none-waiting'],
  ['its MDM cannot order it after all', { update: 'held' }, 'update-failed refused'],
])('nothing is ordered: %s; the cart is told, and what it let go of', async (_, shown, failure) => {
  show(shown);
  await ask();
  await workAll();
  expect(told).toEqual([]);
  expect((await news())[0]).toBe(failure);
  expect(await news()).toContain('profile-present');
  expect(await row()).toMatchObject({ state: 'over' });
});

it('the tablet has enrolled anew since it was proven: nothing is ordered, and nothing is told of a life that nobody proved', async () => {
  show({}, 'newer');
  await ask();
  await workAll();
  expect([told, await news(), await row()]).toEqual([[], ['update-failed refused'], { state: 'over', failure: 'refused' }]);
});

it('the request comes late, and the tablet has left its slot: nothing is ordered', async () => {
  await write({ type: 'update-requested', device: SERIAL, slot: 1, body: { request: 'u-1', nonce: NONCE } }, { type: 'unidentified-removal', device: SERIAL, slot: 1, body: { release: 'x', claimUntilMs: 1 } });
  await workAll();
  expect([told, await news()]).toEqual([[], ['update-failed interrupted', 'queue-clear', 'profile-present', 'posture']]);
});

it('the MDM is throttled, then refuses: tried again, then refused, and the order is taken back in case it had gone out', async () => {
  await ask();
  refusal = { reason: 'throttled', retryAfterMs: 30_000, detail: '429' };
  await workAll();
  await later(29_000);
  expect(told).toEqual(['order u-1']);
  refusal = { reason: 'rejected', detail: 'no' };
  await later(1_000);
  show({});
  await later();
  expect([told, await row(), (await news())[0]]).toEqual([['order u-1', 'order u-1', 'end u-1'], { state: 'over', failure: 'refused' }, 'update-failed refused']);
});

it.each([
  ['it never fetched the order', 'ward-7-east', 'expired'],
  ['it shows the same version for ever', 'ward-7-east-dockward-update', 'timed-out'],
])('the server waits no longer: %s', async (_, profile, failure) => {
  await ask();
  await workAll();
  show({ profile });
  await later(DEMO_PACE.updatePatienceMs + 1);
  expect(await news()).toEqual([`update-failed ${failure}`]);
  expect(told).toEqual(['order u-1', 'end u-1']);
  show({});
  await later();
  expect([await row(), await news()]).toEqual([{ state: 'over', failure }, [`update-failed ${failure}`, 'queue-clear', 'profile-present', 'posture']]);
});

it('the cart has given it up: the order is taken back, and the cart is not told what it said itself', async () => {
  await ask();
  await workAll();
  show({ profile: 'ward-7-east-dockward-update' });
  await write({ type: 'update-failed', device: SERIAL, slot: 1, body: { request: 'u-1', reason: 'timed-out' } });
  await workAll();
  expect([told, await news()]).toEqual([['order u-1', 'end u-1'], []]);
  show({});
  await later();
  expect([await row(), await news()]).toEqual([{ state: 'over', failure: 'timed-out' }, ['queue-clear', 'profile-present', 'posture']]);
});

it('while an update is open what it may change is not told; the look at the tablet that is due meanwhile waits for its end', async () => {
  await ask();
  await workAll();
  await central.database.query(`insert into sanitization_nudge (request) values ('r-1')`);
  await later();
  expect(await news()).toEqual([]);
});

it('the tablet never reports again: it is waited for no longer, and the daily look at it goes on', async () => {
  await ask();
  await workAll();
  show({ profile: 'ward-7-east-dockward-update' });
  await write({ type: 'update-failed', device: SERIAL, slot: 1, body: { request: 'u-1', reason: 'timed-out' } });
  await later(2 * DEMO_PACE.updatePatienceMs + 1);
  expect([await row(), await news()]).toEqual([{ state: 'over', failure: 'timed-out' }, []]);
  show({});
  await later(DEMO_PACE.restateMs);
  expect(await news()).toContain('profile-present');
});

it('a wipe is asked for: the update ends first as far as the server can see to it, and the wipe goes its way', async () => {
  await ask();
  await workAll();
  await write({ type: 'unidentified-removal', device: SERIAL, slot: 1, body: { release: 'x', claimUntilMs: 1 } }, { type: 'returned', device: SERIAL, slot: 1, body: { how: 'put-back' } }, { type: 'sanitization-requested', device: SERIAL, slot: 1, body: { request: 'r-2', nonce: NONCE, exposure: 'f'.repeat(64), attempt: 1 } });
  await later();
  expect(await row()).toMatchObject({ state: 'over', failure: 'interrupted' });
  expect(told).toEqual(['order u-1', 'end u-1']);
  expect(mdm.wipes).toContain('r-2');
  expect(await news()).toEqual(['update-failed interrupted']);
});

it('the tablet came back from its restart: looked at again at once', async () => {
  await ask();
  await workAll();
  show({ profile: 'ward-7-east-dockward-update', os: AFTER });
  await write({ type: 'absent', device: SERIAL, slot: 1, body: { request: 'u-1', sinceMs: 1 } }, { type: 'reappeared', device: SERIAL, slot: 1, body: { request: 'u-1', absenceMs: 60_000 } });
  await workAll();
  expect(await row()).toMatchObject({ state: 'returning' });
});

it('an entry whose nonce no statement could carry asks for nothing', async () => {
  await write({ type: 'update-requested', device: SERIAL, slot: 1, body: { request: 'u-1', nonce: 'short' } });
  await workAll();
  expect(await row()).toBeUndefined();
});
