import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MdmRecord } from '../world/mdm-records.ts';
import type { Mdm } from '../world/mdm.ts';
import { isOnline, type Tablet } from '../world/tablet.ts';
import { answerTo, authenticate, plist, tokenUpdate, udidOf, webhookEvent } from './nanomdm-shapes.ts';

const BODY_LIMIT = 1024 * 1024;
/** NanoMDM gives no command up. */
const FOR_EVER_MS = 365 * 86_400_000;

export interface NanomdmDoubleDeps {
  readonly mdm: Mdm;
  readonly tablets: () => readonly Tablet[];
  readonly apiKey: string;
  readonly webhookKey: string;
  /** `filekv` keeps one certificate per tablet; `pgsql` keeps accepting every one that ever enrolled. */
  readonly storage: 'filekv' | 'pgsql';
  /** Where events go, as NanoMDM sends them: once, whatever comes of it. */
  readonly webhook: (body: Buffer, headers: Readonly<Record<string, string>>) => void;
  readonly beforeEach?: () => void;
  readonly onChange?: () => void;
  readonly retryAfterS?: number;
}

/** What goes wrong with Apple tablets and NanoMDM beyond what the world knows. */
export interface NanomdmTroubles {
  /** Events that are never delivered, by topic. */
  readonly lost: Set<string>;
  /** Serials whose tablets enrol with the certificate they had. */
  readonly sameCertificate: Set<string>;
  /** Serials whose enrolment stops after Authenticate: their certificate is still being renewed. */
  readonly stranded: Set<string>;
  /** Serials whose tablets put every command off. */
  readonly busy: Set<string>;
}

export interface NanomdmDouble {
  readonly listener: (request: IncomingMessage, response: ServerResponse) => void;
  /** Lets the world go on until `worldMs`, event by event, so that every webhook event has its own true time. */
  tick(worldMs: number): void;
  /** Sends what the webhook has to say of the world as it is. */
  notice(): void;
  readonly troubles: NanomdmTroubles;
}

interface Queued {
  readonly uuid: string;
  readonly requestType: string;
  readonly erase: boolean;
}

/** NanoMDM v0.9 over HTTP and its webhook, on top of the world's tablets. The world knows of erases and enrolments; everything else is asked of the tablet itself. */
export function createNanomdmDouble(deps: NanomdmDoubleDeps): NanomdmDouble {
  const { mdm, retryAfterS = 1 } = deps;
  const troubles: NanomdmTroubles = { lost: new Set(), sameCertificate: new Set(), stranded: new Set(), busy: new Set() };
  const announced = new Set<string>();
  const answered = new Set<string>();
  const commands = new Set<string>();
  const queues = new Map<string, Queued[]>();
  const certificates = new Map<string, Buffer>();
  /** Pushes that no tablet has followed yet: Apple keeps the last one for a tablet that is off. */
  const pushes = new Set<string>();

  const tabletOf = (udid: string): Tablet | undefined => deps.tablets().find((tablet) => udidOf(tablet.serial) === udid);
  const currentOf = (tablet: Tablet): MdmRecord | undefined => (tablet.enrolment === null ? undefined : mdm.find(tablet.enrolment));

  function emit(topic: string, atMs: number, about: Omit<Parameters<typeof webhookEvent>[2], 'eventId'>): void {
    if (troubles.lost.has(topic)) return;
    const body = Buffer.from(webhookEvent(topic, atMs, { ...about, eventId: randomBytes(8).toString('hex') }));
    const signature = createHmac('sha256', deps.webhookKey).update(body).digest('base64');
    deps.webhook(body, { 'content-type': 'application/json; charset=utf-8', 'x-hmac-signature': signature });
  }

  const report = (tablet: Tablet, uuid: string, status: string, more: Parameters<typeof plist>[0] & object = {}): void =>
    emit('mdm.Connect', mdm.nowMs(), {
      udid: udidOf(tablet.serial),
      status,
      command: uuid,
      raw: plist({ ...(more as Record<string, string>), CommandUUID: uuid, Status: status, UDID: udidOf(tablet.serial) }),
    });

  function enrolled(record: MdmRecord): void {
    const udid = udidOf(record.tablet);
    const earlier = mdm.state.records.filter((one) => one.tablet === record.tablet && announced.has(one.name));
    const kept = earlier.map((one) => certificates.get(one.name)).at(-1);
    const certificate = troubles.sameCertificate.has(record.tablet) && kept ? kept : createHash('sha256').update(`identity ${record.name}`).digest();
    certificates.set(record.name, certificate);
    announced.add(record.name);
    // A new certificate takes the place of the one before; with the other storages that stays good for as long as it is valid.
    if (deps.storage === 'filekv' && !troubles.sameCertificate.has(record.tablet)) for (const old of earlier) mdm.remove(old.name);
    queues.set(udid, []);
    emit('mdm.Authenticate', record.enrolledMs, { udid, raw: authenticate(udid, record.serial) });
    if (troubles.stranded.has(record.tablet)) return;
    const tablet = tabletOf(udid);
    emit('mdm.TokenUpdate', record.enrolledMs + 20, { udid, tally: 1, raw: tokenUpdate(udid, tablet?.unlockKnown ? randomBytes(64) : undefined) });
  }

  function connect(tablet: Tablet): void {
    const udid = udidOf(tablet.serial);
    const queue = queues.get(udid) ?? [];
    const record = currentOf(tablet);
    if (!pushes.has(udid) || !record || !announced.has(record.name) || troubles.stranded.has(tablet.serial) || !isOnline(tablet)) return;
    while (queue.length > 0) {
      // First in, first out: an erase that the world has not delivered holds up what is behind it.
      if (mdm.operationsOf(record.name).some((operation) => operation.type === 'WIPE' && operation.state === 'pending') || queue[0]?.erase) return;
      const next = queue[0];
      if (!next) return;
      if (troubles.busy.has(tablet.serial)) {
        if (!answered.has(`NotNow ${next.uuid}`)) report(tablet, next.uuid, 'NotNow');
        answered.add(`NotNow ${next.uuid}`);
        return;
      }
      queue.shift();
      const answer = answerTo(next.requestType, tablet, certificates.get(record.name) ?? Buffer.alloc(0));
      report(tablet, next.uuid, 'Acknowledged', answer ?? {});
    }
    pushes.delete(udid);
  }

  function notice(): void {
    for (const operation of mdm.state.operations) {
      if (operation.type !== 'WIPE' || operation.state !== 'confirmed' || answered.has(operation.name)) continue;
      answered.add(operation.name);
      const record = mdm.state.records.find((one) => one.name === operation.device);
      const udid = udidOf(record?.tablet ?? '');
      const tablet = tabletOf(udid);
      const queue = queues.get(udid) ?? [];
      queues.set(udid, queue.filter((queued) => queued.uuid !== operation.reason));
      if (tablet) report(tablet, operation.reason, 'Acknowledged');
    }
    for (const record of mdm.state.records) if (!announced.has(record.name) && record.state !== 'deleted') enrolled(record);
    for (const tablet of deps.tablets()) connect(tablet);
  }

  function enqueue(udid: string, body: string, push: boolean): Answer {
    const uuid = /<key>CommandUUID<\/key>\s*<string>([^<]+)<\/string>/.exec(body)?.[1];
    const requestType = /<key>RequestType<\/key>\s*<string>([^<]+)<\/string>/.exec(body)?.[1];
    if (uuid === undefined || requestType === undefined) return { status: 500, body: { command_error: 'decoding command: invalid command' } };
    const named = { command_uuid: uuid, request_type: requestType };
    const held = deps.storage === 'filekv' ? `command already exists: ${uuid}` : 'pq: duplicate key value violates unique constraint "commands_pkey"';
    if (commands.has(uuid)) return { status: 500, body: { ...named, command_error: held } };
    commands.add(uuid);
    const tablet = tabletOf(udid);
    const record = tablet && currentOf(tablet);
    const queue = queues.get(udid) ?? [];
    queues.set(udid, queue);
    queue.push({ uuid, requestType, erase: requestType === 'EraseDevice' });
    if (requestType === 'EraseDevice' && record) {
      if (!/<key>ReturnToService<\/key>\s*<dict>\s*<key>Enabled<\/key>\s*<true\/>/.test(body)) mdm.misbehave({ fault: 'late-enrolment', serial: record.tablet, ms: FOR_EVER_MS });
      if (deps.storage === 'pgsql') mdm.misbehave({ fault: 'stale-enrolment-record', serial: record.tablet });
      mdm.issueWipe(record.name, { request: uuid, expiresInMs: FOR_EVER_MS });
    }
    if (!push) return { status: 200, body: { no_push: true, ...named } };
    const pushed = pushTo(udid);
    return { status: pushed.status, body: { ...pushed.body, ...named } };
  }

  function pushTo(udid: string): Answer {
    const tablet = tabletOf(udid);
    if (!tablet) return { status: 500, body: { status: { [udid]: { push_error: 'missing push info' } } } };
    pushes.add(udid);
    connect(tablet);
    return { status: 200, body: { status: { [udid]: { push_result: randomBytes(16).toString('hex').toUpperCase() } } } };
  }

  function answer(method: string, url: URL, authorization: string | undefined, body: string): Answer {
    deps.beforeEach?.();
    if (url.pathname === '/version') return { status: 200, body: { version: 'v0.9.0' } };
    const given = Buffer.from(authorization?.replace(/^Basic /, '') ?? '', 'base64');
    const due = Buffer.from(`nanomdm:${deps.apiKey}`);
    if (given.length !== due.length || !timingSafeEqual(given, due) || mdm.takeMischief('token-rejected')) return { status: 401, body: {} };
    if (mdm.takeMischief('throttled')) return { status: 429, body: {}, retryAfterS };
    if (mdm.takeMischief('server-error')) return { status: 503, body: {}, retryAfterS };
    const [, action, udid = ''] = /^\/v1\/(enqueue|push)\/([^/]+)$/.exec(decodeURIComponent(url.pathname)) ?? [];
    if (action === 'enqueue' && method === 'PUT') {
      const given = enqueue(udid, body, url.searchParams.get('nopush') === null);
      deps.onChange?.();
      return given;
    }
    return action === 'push' ? pushTo(udid) : { status: 404, body: {} };
  }

  return {
    troubles,
    notice,
    tick(worldMs) {
      // What waited for a tablet that can be reached again is due now.
      mdm.tick(0);
      for (let due = mdm.nextDueMs(); due !== undefined && due <= worldMs; due = mdm.nextDueMs()) {
        mdm.tick(due);
        notice();
      }
      mdm.tick(worldMs);
      notice();
    },
    listener(request, response) {
      void readBody(request)
        .then((body) => {
          const given = answer(request.method ?? 'GET', new URL(request.url ?? '/', 'http://localhost'), request.headers.authorization, body);
          const text = JSON.stringify(given.body, undefined, '\t');
          response.writeHead(given.status, {
            'content-type': 'application/json',
            date: new Date(mdm.nowMs()).toUTCString(),
            ...(given.status === 401 ? { 'www-authenticate': 'Basic realm="nanomdm"' } : {}),
            ...(given.retryAfterS === undefined ? {} : { 'retry-after': String(given.retryAfterS) }),
          });
          response.end(text);
        })
        .catch(() => response.destroy());
    },
  };
}

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly retryAfterS?: number;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT) throw new Error('too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
