import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { openDatabase } from '../../../app/central/database.ts';
import { createNanomdm } from '../../../app/central/mdm/nanomdm/nanomdm.ts';
import { createNanomdmStore } from '../../../app/central/mdm/nanomdm/store.ts';
import { provenFacts } from '../../../app/domain/mdm-evidence.ts';
import { createTablet } from '../../../app/simulator/world/tablet.ts';
import { startTestPostgres } from '../../support/postgres.ts';
import { identityAuthority, ipad } from './ipad.ts';
import { API_KEY, PROFILE, value, WEBHOOK_KEY } from './nanomdm-bench.ts';

/** The adapter against NanoMDM itself, without Apple's push service: the tablet connects by itself. */

const PROGRAM = process.env['NANOMDM'] ?? 'nanomdm';
const MISSING = spawnSync(PROGRAM, ['-version']).status === 0 ? undefined : 'no NanoMDM on this machine: install it, or name the program in NANOMDM';
const CERTIFICATE_HEADER = 'x-client-cert';
const UDID = '00008120-001C2D340A38401E';
const SERIAL = 'DMPREAL00001';

const undo: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function startNanomdm(webhookUrl: string, authorityPem: string): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dockward-nanomdm-'));
  undo.push(() => rm(folder, { recursive: true, force: true }));
  await writeFile(path.join(folder, 'ca.pem'), authorityPem);
  const port = await freePort();
  const args = ['-listen', `127.0.0.1:${port}`, '-storage', 'inmem', '-storage-dsn', '-', '-api', API_KEY, '-ca', path.join(folder, 'ca.pem')];
  const child: ChildProcess = spawn(PROGRAM, [...args, '-cert-header', CERTIFICATE_HEADER, '-webhook-url', webhookUrl, '-webhook-hmac-key', WEBHOOK_KEY], { stdio: 'ignore' });
  undo.push(async () => {
    const ended = once(child, 'exit');
    if (child.kill()) await ended;
  });
  const url = `http://127.0.0.1:${port}`;
  await vi.waitFor(async () => expect((await fetch(`${url}/version`)).status).toBe(200), { timeout: 10_000 });
  return url;
}

it('a tablet is wiped through the real NanoMDM: every fact is proven, a repeated command is one command, the old certificate is dead', async (context) => {
  if (MISSING !== undefined) context.skip(MISSING);
  const postgres = await startTestPostgres();
  undo.push(() => postgres.stop());
  const database = await openDatabase(await postgres.createDatabase(), (error) => {
    throw error;
  });
  undo.push(() => database.close());
  const refusals: string[] = [];
  const topics: string[] = [];
  const hook = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      void receiveWebhook(Buffer.concat(chunks), request.headers).then((told) => {
        if (!told.ok) refusals.push(told.reason.detail);
        topics.push((JSON.parse(Buffer.concat(chunks).toString('utf8')) as { topic: string }).topic);
        response.writeHead(told.ok ? 200 : 401).end();
      });
    });
  });
  undo.push(() => new Promise((resolve) => hook.close(resolve)));
  const authority = await identityAuthority();
  const url = await startNanomdm(`http://127.0.0.1:${await listening(hook)}/`, authority.pem);
  const store = createNanomdmStore(database);
  const { adapter, receiveWebhook } = createNanomdm({
    baseUrl: url,
    apiKey: () => Promise.resolve(API_KEY),
    webhookKey: () => Promise.resolve(WEBHOOK_KEY),
    store,
    now: Date.now,
    returnToService: { wifiProfile: Buffer.from('wi-fi') },
    profiles: { [PROFILE]: { profile: `org.example.${PROFILE}`, applications: ['org.example.wardround'] } },
    osFloor: '26.6',
    pinsOneCertificate: true,
    grantsPasscodeRemoval: false,
    eraseEndsJailbreak: true,
  });
  const heard = (count: number): Promise<void> => vi.waitFor(() => expect(topics.length).toBeGreaterThanOrEqual(count), { timeout: 10_000 });
  const tablet = createTablet({ serial: SERIAL, profile: PROFILE });
  tablet.profile = PROFILE;
  const device = ipad({ url, certificateHeader: CERTIFICATE_HEADER }, UDID, tablet);

  const first = await authority.issue();
  expect(await device.enrol(first)).toBe(200);
  await heard(2);
  await value(adapter.findEnrolment(SERIAL));
  await device.connect();
  await heard(8);
  const before = await value(adapter.findEnrolment(SERIAL));
  expect(before).toMatchObject({ state: 'active', profile: PROFILE, compliant: true, osAtFloor: true, pendingCommands: 0 });

  const order = { request: 'req-1', serial: SERIAL, enrolment: before.enrolment, expiresInMs: 3_600_000 };
  const command = await value(adapter.wipe(order));
  await database.query(`update nanomdm_command set taken = false where kind = 'erase'`);
  expect((await value(adapter.wipe(order))).command).toBe(command.command);
  expect(await device.connect()).toBe(true);
  expect(await device.enrol(await authority.issue())).toBe(200);
  await heard(12);

  const look = async () => {
    const seen = await value(adapter.observe({ serial: SERIAL, previous: before.enrolment, command: command.command }));
    return provenFacts({ serial: SERIAL, profile: PROFILE, previous: before.enrolment }, seen).map((fact) => fact.kind);
  };
  expect(await look()).toEqual(['wipe-confirmed', 'enrolled']);
  expect(await device.connect()).toBe(false);
  await heard(18);
  expect(await look()).toEqual(['wipe-confirmed', 'enrolled', 'credentials-revoked', 'queue-clear', 'profile-present', 'posture']);
  expect(await device.comeBackAs(first)).not.toBe(200);
  expect(refusals).toEqual([]);
});
