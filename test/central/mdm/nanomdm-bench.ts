import { createServer } from 'node:http';
import type { MdmAdapter, MdmNews, ReceiveWebhook } from '../../../app/central/mdm/adapter.ts';
import { createNanomdm, type NanomdmOptions } from '../../../app/central/mdm/nanomdm/nanomdm.ts';
import { createNanomdmStore } from '../../../app/central/mdm/nanomdm/store.ts';
import type { Database } from '../../../app/central/database.ts';
import { provenFacts, type ProvenFact } from '../../../app/domain/mdm-evidence.ts';
import { createNanomdmDouble, type NanomdmDouble } from '../../../app/simulator/mdm/nanomdm-double.ts';
import type { Misbehaviour } from '../../../app/simulator/world/mdm-records.ts';
import { createMdm, type Mdm } from '../../../app/simulator/world/mdm.ts';
import { seededRandom } from '../../../app/simulator/world/random.ts';
import { createTablet, use, type Tablet } from '../../../app/simulator/world/tablet.ts';
import { served } from '../../support/served.ts';

export const START = Date.parse('2026-11-21T21:00:00Z');
export const PROFILE = 'ward-7-east';
export const API_KEY = 'the API key';
export const WEBHOOK_KEY = 'the webhook key';

export interface NanomdmBench {
  readonly mdm: Mdm;
  readonly double: NanomdmDouble;
  readonly tablet: Tablet;
  readonly serial: string;
  readonly adapter: MdmAdapter;
  readonly receive: ReceiveWebhook;
  /** The same adapter in another process, or with other options. */
  readonly adapterWith: (options: Partial<NanomdmOptions>) => MdmAdapter;
  readonly requests: string[];
  /** Bodies of the commands that were queued. */
  readonly sent: string[];
  /** Every webhook event as it came, and what was made of it. */
  readonly delivered: { readonly body: Buffer; readonly headers: Readonly<Record<string, string>> }[];
  readonly news: MdmNews[];
  readonly used: string[];
  readonly nowMs: () => number;
  /** Moves the world on and waits until the server has taken in every event. */
  seconds(count: number): Promise<void>;
  /** Waits until the server has taken in every event. */
  settled(): Promise<void>;
}

let tablets = 0;

/** NanoMDM's double over HTTP, one tablet that somebody used, and the adapter with its own tables; it ends with the test. */
export async function nanomdmBench(database: Database, storage: 'filekv' | 'pgsql' = 'filekv', options: Partial<NanomdmOptions> = {}, world: { serial?: string; startMs?: number } = {}): Promise<NanomdmBench> {
  let worldMs = world.startMs ?? START;
  const serial = world.serial ?? `DMPX${String((tablets += 1)).padStart(8, '0')}`;
  const mdm = createMdm({ random: seededRandom(7), clockMs: worldMs });
  const tablet = createTablet({ serial, profile: PROFILE });
  const others = [createTablet({ serial: `${serial}A`, profile: PROFILE })];
  const delivered: { body: Buffer; headers: Readonly<Record<string, string>> }[] = [];
  const news: MdmNews[] = [];
  let delivery = Promise.resolve();
  const double = createNanomdmDouble({
    mdm,
    tablets: () => [tablet, ...others],
    apiKey: API_KEY,
    webhookKey: WEBHOOK_KEY,
    storage,
    retryAfterS: 7,
    webhook(body, headers) {
      delivered.push({ body, headers });
      delivery = delivery.then(async () => {
        const told = await receive(body, headers);
        if (!told.ok) throw new Error(`an event was refused: ${told.reason.detail}`);
        news.push(told.value);
      });
    },
  });
  const requests: string[] = [];
  const sent: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url?.split(/[?]/)[0]}`);
    request.on('data', (chunk: Buffer) => sent.push(chunk.toString('utf8')));
    double.listener(request, response);
  });
  const baseUrl = await served(server);
  const used: string[] = [];
  const store = createNanomdmStore(database);
  const create = (changes: Partial<NanomdmOptions>): ReturnType<typeof createNanomdm> =>
    createNanomdm({
      baseUrl,
      apiKey: () => Promise.resolve(API_KEY),
      webhookKey: () => Promise.resolve(WEBHOOK_KEY),
      store,
      now: () => worldMs,
      returnToService: { wifiProfile: Buffer.from('wi-fi'), mdmProfile: Buffer.from('mdm') },
      profiles: { [PROFILE]: { profile: `org.example.${PROFILE}`, applications: ['org.example.wardround'] } },
      osFloor: '26.6',
      pinsOneCertificate: storage === 'filekv',
      grantsPasscodeRemoval: false,
      eraseEndsJailbreak: true,
      used: ({ name, purpose }, outcome) => used.push(`${name.replace(/:\d+$/, '')}: ${purpose}: ${outcome}`),
      ...options,
      ...changes,
    });
  const { adapter, receiveWebhook: receive } = create({});
  const settled = (): Promise<void> => delivery;
  const seconds = async (count: number): Promise<void> => {
    double.tick((worldMs += count * 1000));
    await settled();
  };
  for (const one of [tablet, ...others]) mdm.admit(one);
  await seconds(1);
  use(tablet, 'maria');
  return { mdm, double, tablet, serial, adapter, receive, adapterWith: (changes) => create(changes).adapter, requests, sent, delivered, news, used, nowMs: () => worldMs, seconds, settled };
}

export async function value<T>(answer: Promise<{ ok: true; value: T } | { ok: false; reason: unknown }>): Promise<T> {
  const given = await answer;
  if (!given.ok) throw new Error(`refused: ${JSON.stringify(given.reason)}`);
  return given.value;
}

/** Requests are never the same for two tablets. */
export const requestOf = (on: NanomdmBench, number = 1): string => `${on.serial}-${number}`;

/** A night in small: the enrolment is found, the tablet wiped, and the server looks every two seconds. */
export async function wipeAndWatch(on: NanomdmBench, faults: readonly Misbehaviour[] = [], watchedSeconds = 12, number = 1) {
  const previous = (await value(on.adapter.findEnrolment(on.serial))).enrolment;
  await on.settled();
  await on.seconds(1);
  for (const fault of faults) on.mdm.misbehave({ fault, serial: on.serial });
  const command = await value(on.adapter.wipe({ request: requestOf(on, number), serial: on.serial, enrolment: previous, expiresInMs: 8 * 3_600_000 }));
  const facts = async (): Promise<readonly ProvenFact[]> => {
    const seen = await value(on.adapter.observe({ serial: on.serial, previous, command: command.command }));
    await on.settled();
    return provenFacts({ serial: on.serial, profile: PROFILE, previous }, seen);
  };
  for (let second = 0; second < watchedSeconds; second += 2) {
    await on.seconds(2);
    await facts();
  }
  const proven = await facts();
  return { previous, command, facts: proven, kinds: proven.map((fact) => fact.kind), look: facts };
}
