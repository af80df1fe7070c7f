import { createServer } from 'node:http';
import { expect } from 'vitest';
import type { MdmAdapter } from '../../../app/central/mdm/adapter.ts';
import { createAmapi, type AmapiOptions } from '../../../app/central/mdm/amapi/amapi.ts';
import { provenFacts } from '../../../app/domain/mdm-evidence.ts';
import { createAmapiDouble } from '../../../app/simulator/mdm/amapi-double.ts';
import { makeServiceAccount, type ServiceAccount } from '../../../app/simulator/mdm/service-account.ts';
import type { Misbehaviour } from '../../../app/simulator/world/mdm-records.ts';
import { createMdm, observation, type Mdm } from '../../../app/simulator/world/mdm.ts';
import { seededRandom } from '../../../app/simulator/world/random.ts';
import { createTablet, use, type Tablet } from '../../../app/simulator/world/tablet.ts';
import { served } from '../../support/served.ts';

export const START = Date.parse('2026-11-21T06:50:00Z');
export const SERIAL = 'R52TGNPY77Z';
export const PROFILE = 'ward-7-east';
const account = makeServiceAccount('http://replaced/token');

export interface AmapiBench {
  readonly mdm: Mdm;
  readonly tablet: Tablet;
  readonly first: string;
  readonly adapter: MdmAdapter;
  readonly adapterWith: (options: Partial<AmapiOptions>) => MdmAdapter;
  readonly requests: string[];
  /** Commands other than wipes. */
  readonly commands: Readonly<Record<string, unknown>>[];
  readonly used: string[];
  readonly nowMs: () => number;
  readonly url: string;
  /** Moves the world (and the adapter's clock) on, second by second. */
  readonly seconds: (count: number) => void;
}

/** The double of the Android Management API over HTTP, one tablet that somebody used, and the adapter; it ends with the test. */
export async function amapiBench(others = 2): Promise<AmapiBench> {
  let worldMs = START;
  const mdm = createMdm({ random: seededRandom(7), clockMs: worldMs });
  const tablet = createTablet({ serial: SERIAL, profile: PROFILE });
  const first = mdm.admit(tablet);
  for (let other = 0; other < others; other += 1) mdm.admit(createTablet({ serial: `OTHER${other}`, profile: PROFILE }));
  use(tablet, 'maria');
  const requests: string[] = [];
  const commands: Readonly<Record<string, unknown>>[] = [];
  const used: string[] = [];
  const server = createServer((request) => void requests.push(`${request.method} ${request.url?.split('?')[0]}`));
  const url = await served(server);
  const here: ServiceAccount = { ...account, file: { ...account.file, token_uri: `${url}/token` } };
  server.on('request', createAmapiDouble({ mdm, account: here, retryAfterS: 7, onCommand: (device, command) => commands.push({ device, ...command }) }));
  const adapterWith = (options: Partial<AmapiOptions>): MdmAdapter => createAmapi({ enterprise: mdm.enterprise, serviceAccount: here.file, baseUrl: url, now: () => worldMs, used: ({ name, purpose }, outcome) => used.push(`${name}: ${purpose}: ${outcome}`), ...options });
  const seconds = (count: number): void => {
    for (let second = 0; second < count; second += 1) mdm.tick((worldMs += 1000));
  };
  return { mdm, tablet, first, adapter: adapterWith({}), adapterWith, requests, commands, used, nowMs: () => worldMs, url, seconds };
}

export async function value<T>(answer: Promise<{ ok: true; value: T } | { ok: false; reason: unknown }>): Promise<T> {
  const given = await answer;
  if (!given.ok) throw new Error(`refused: ${JSON.stringify(given.reason)}`);
  return given.value;
}

export const order = (bench: AmapiBench, request = 'req-1') => ({ request, serial: SERIAL, enrolment: bench.first, expiresInMs: 8 * 3_600_000 });

export async function wipeAndWatch(on: AmapiBench, fault: Misbehaviour | undefined, watchedSeconds = 10, ms?: number) {
  if (fault) on.mdm.misbehave({ fault, serial: SERIAL, ...(ms === undefined ? {} : { ms }) });
  const command = await value(on.adapter.wipe(order(on)));
  on.seconds(watchedSeconds);
  const seen = await value(on.adapter.observe({ serial: SERIAL, previous: on.first, command: command.command }));
  expect(seen).toEqual(observation(on.mdm, SERIAL, on.first, command.command));
  const facts = provenFacts({ serial: SERIAL, profile: PROFILE, previous: on.first }, seen);
  return { command, seen, facts, kinds: facts.map((fact) => fact.kind) };
}
