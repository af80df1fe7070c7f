import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { CentralOptions } from '../../app/central/central.ts';
import type { MdmAdapter, ReceiveWebhook } from '../../app/central/mdm/adapter.ts';
import { byPlatform, type Mdm } from '../../app/central/mdm/by-platform.ts';
import { PRODUCTION_PACE } from '../../app/central/sanitization.ts';
import { credentialUses } from '../../app/contract/credentials.ts';
import { ok, refused } from '../../app/domain/result.ts';
import type { GateLeafName } from '../../app/domain/terms.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { DIRECTORY_WITHOUT_PINS, SERIAL, signInAsAdmin, startTestCentral } from './demo-central.ts';
import { fakeMdm } from './fake-mdm.ts';

const IPAD = 'DMPXK2ABCD';
const BOTH = { ...DIRECTORY_WITHOUT_PINS, devices: [...DIRECTORY_WITHOUT_PINS.devices, { serial: IPAD, asset: 'T-201', ward: '7e', model: 'iPad', platform: 'apple' as const, profile: 'ward-7-east', standing: 'admitted' as const }] };
let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.stop());

async function folder(): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), 'dockward-mdms-'));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return made;
}
const setup = (...mdms: readonly Mdm[]): Pick<CentralOptions, 'mdm'> => ({ mdm: { open: () => mdms, pace: PRODUCTION_PACE } });
const named = (name: string, unreachable: readonly GateLeafName[] = ['attestation']): MdmAdapter & { asked: string[] } => {
  const asked: string[] = [];
  return {
    ...fakeMdm(),
    name,
    unreachable,
    asked,
    findEnrolment: (serial) => (asked.push(serial), Promise.resolve(refused({ reason: 'not-found', detail: 'none' }))),
    removeEnrolment: (enrolment) => (asked.push(enrolment), Promise.resolve(ok(undefined))),
  };
};

test('a policy asks one platform for what its MDM can never state: it is not published, and what was published before stands', async () => {
  const database = await postgres.createDatabase();
  const android = named('android-management-api');
  const dataFolder = await folder();
  const first = await startTestCentral(database, { dataFolder, directory: BOTH, ...setup({ platform: 'android', adapter: android }) });
  const before = await first.database.query('select rules from tenant');
  await first.close();
  const asking = { ...BOTH, rules: { ...BOTH.rules, mandatoryLeaves: [...BOTH.rules.mandatoryLeaves, 'attestation' as const] } };
  await expect(startTestCentral(database, { dataFolder, directory: asking, ...setup({ platform: 'android', adapter: android }) })).rejects.toThrow(
    'This policy asks for what can never be proven: attestation for android tablets (android-management-api). Those tablets would never be offered. Take it out of mandatoryLeaves, or manage the tablets with an MDM that can prove it.',
  );
  const again = await startTestCentral(database, { dataFolder, directory: undefined, ...setup({ platform: 'android', adapter: android }) });
  expect((await again.database.query('select rules from tenant')).rows).toEqual(before.rows);
  await again.close();
  const apple = named('nanomdm', ['attestation', 'credentials-revoked', 'posture']);
  await expect(startTestCentral(database, { dataFolder, directory: BOTH, ...setup({ platform: 'android', adapter: android }, { platform: 'apple', adapter: apple }) })).rejects.toThrow('credentials-revoked, posture for apple tablets (nanomdm)');
  // Nobody has an iPad here: what its MDM cannot do concerns nobody.
  const none = await startTestCentral(database, { dataFolder, directory: DIRECTORY_WITHOUT_PINS, ...setup({ platform: 'apple', adapter: apple }) });
  await none.close();
});

test('each tablet is asked for where its platform is managed; a wiped enrolment is removed there too', async () => {
  const central = await startTestCentral(await postgres.createDatabase(), { directory: BOTH });
  const [android, apple] = [named('android'), named('apple')];
  const both = byPlatform(central.database, [{ platform: 'android', adapter: android }, { platform: 'apple', adapter: apple }]);
  await both.findEnrolment(SERIAL);
  await both.findEnrolment(IPAD);
  await central.database.query(`insert into seen_enrolment (enrolment, serial) values ('udid/1', $1)`, [IPAD]);
  expect(await both.removeEnrolment('udid/1')).toMatchObject({ ok: true });
  expect(await both.removeEnrolment('never-seen')).toMatchObject({ ok: false, reason: { reason: 'not-found' } });
  expect([android.asked, apple.asked]).toEqual([[SERIAL], [IPAD, 'udid/1']]);
  expect(await byPlatform(central.database, [{ platform: 'android', adapter: android }]).findEnrolment(IPAD)).toMatchObject({ ok: false, reason: { reason: 'unavailable', detail: 'no MDM is configured for apple tablets' } });
  expect(await both.findEnrolment('STRANGER')).toMatchObject({ ok: false, reason: { reason: 'not-found' } });
  await central.close();
});

test('an MDM tells of a tablet by itself: whoever waits for it looks at once, and what is no word of the MDM is turned away', async () => {
  const heard: string[] = [];
  const receive: ReceiveWebhook = (body, headers) => {
    const text = Buffer.from(body).toString('utf8');
    if (headers['x-key'] !== 'right') return Promise.resolve(refused({ reason: 'unauthorized', detail: 'not ours' }));
    if (text !== '{"about": "it"}') return Promise.resolve(refused({ reason: 'malformed', detail: 'not understood' }));
    heard.push(text);
    return Promise.resolve(ok({ serials: [SERIAL], enrolments: [] }));
  };
  const central = await startTestCentral(await postgres.createDatabase(), setup({ platform: 'android', adapter: fakeMdm(), webhook: { name: 'nanomdm', receive } }));
  const send = (path: string, body: string, key = 'right'): Promise<Response> => fetch(`${central.url}${path}`, { method: 'POST', headers: { 'x-key': key, 'content-type': 'application/json' }, body });
  expect((await send('/mdm/nanomdm', '{"about": "it"}')).status).toBe(200);
  expect((await send('/mdm/nanomdm', '{"about": "it"}', 'wrong')).status).toBe(401);
  expect((await send('/mdm/nanomdm', 'x')).status).toBe(400);
  expect((await send('/mdm/other', 'x')).status).toBe(404);
  expect((await send('/mdm/nanomdm', 'x'.repeat(1024 * 1024 + 1))).status).toBe(413);
  // The bytes reach it as they came: signatures are over them.
  expect(heard).toEqual(['{"about": "it"}']);
  await central.close();
});

test('each use of a credential is counted by day and outcome, and administrators alone may read it', async () => {
  let use: ((times: number) => void) | undefined;
  const database = await postgres.createDatabase();
  const dataFolder = await folder();
  const central = await startTestCentral(database, {
    dataFolder,
    mdm: {
      pace: PRODUCTION_PACE,
      open: ({ used }) => {
        use = (times) => {
          for (let n = 0; n < times; n += 1) used({ name: 'NanoMDM API key', purpose: 'wipe' }, 'accepted');
          used({ name: 'NanoMDM API key', purpose: 'wipe' }, 'unauthorized');
        };
        return [{ platform: 'android', adapter: fakeMdm() }];
      },
    },
  });
  use?.(3);
  const atMs = central.clock.ms;
  await central.close();
  const again = await startTestCentral(database, { dataFolder });
  const cookie = await signInAsAdmin({ url: again.url, firstSecrets: again.firstSecrets ?? central.firstSecrets });
  expect((await fetch(`${again.url}/api/credential-uses`)).status).toBe(401);
  const answer = await fetch(`${again.url}/api/credential-uses`, { headers: { cookie } });
  const day = new Date(atMs).toISOString().slice(0, 10);
  expect(credentialUses.parse(await answer.json()).uses.map(({ name, purpose, outcome, day: on, uses }) => [name, purpose, outcome, on, uses])).toEqual([
    ['NanoMDM API key', 'wipe', 'accepted', day, 3],
    ['NanoMDM API key', 'wipe', 'unauthorized', day, 1],
  ]);
  await again.close();
});
