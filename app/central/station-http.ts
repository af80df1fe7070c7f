import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { enrolRequest, epochRequest, renewalNonceRequest, renewExpiredRequest, renewRequest, uploadRequest, UPLOAD_MAX_BYTES } from '../contract/station-http.ts';
import { rekeyedRequest } from '../contract/secrets.ts';
import { ok, refused, type Result } from '../domain/result.ts';
import { stationOfCertificate, type PemPair } from './authority.ts';
import type { BundleStore } from './bundle.ts';
import { answerDownlink, type DownlinkSource } from './downlink.ts';
import { enrol, renew, type EnrolmentDeps } from './enrolment.ts';
import { openEpoch } from './epochs.ts';
import { answerErrors, closingOf, parseWire, sendRefusal, sendResult, WIRE_OPTIONS, type Log, type Refusal } from './http-reply.ts';
import type { Ingest } from './ingest.ts';
import { takeRekeyed } from './rekeyed.ts';
import { makeRenewalNonce, renewExpired } from './renewal.ts';
import { noteHeld } from './server-key-rotation.ts';
import { secretsFor } from './tenant-secrets.ts';
import { queueBehind, statementsAfter } from './statements.ts';
import type { Wakener } from './wakener.ts';

export interface StationHttpDeps extends EnrolmentDeps {
  readonly ingest: Ingest;
  readonly bundles: BundleStore;
  readonly wakener: Wakener;
  readonly server: PemPair;
  readonly log: Log;
}

const downlinkQuery = z.strictObject({
  bundle: z.coerce.number().int().min(0).default(0),
  // Far above any cursor that the clock gives, and counting on from it stays exact.
  after: z.coerce.number().int().min(0).max(2 ** 52).default(0),
  waitMs: z.coerce.number().int().min(0).max(25_000).default(0),
});

const secretsQuery = z.strictObject({ held: z.coerce.number().int().min(1).max(1_000_000) });

/** base64 of the entries, their JSON quoting and the checkpoint. */
const UPLOAD_BODY_BYTES = Math.ceil((UPLOAD_MAX_BYTES * 4) / 3) + 64 * 1024;
const ENROL_TRIES_PER_MINUTE = 30;
/** After a long outage a whole hospital may come back from behind one address; each renewal is two requests. */
const RENEWAL_REQUESTS_PER_MINUTE = 120;
/** Each holds a connection to the database, of which there are ten: the deny-list and the downlinks need some too. */
const MOST_UPLOADS_AT_ONCE = 8;

/** What answers a client without a valid certificate of our own authority. */
const OPEN_PATHS: ReadonlySet<string | undefined> = new Set(['/v1/enrol', '/v1/renewal-nonce', '/v1/renew-expired']);

/** The stations' listener: mutual TLS; only enrolment and the renewal of what expired are open without a valid certificate. */
export function createStationHttp(deps: StationHttpDeps): FastifyInstance {
  const authority = new X509Certificate(deps.keys.authority.certificatePem);
  const app: FastifyInstance = Fastify({
    ...WIRE_OPTIONS,
    bodyLimit: UPLOAD_BODY_BYTES,
    // Judged below, request by request, so that a refusal can be told in words and the deny-list always counts.
    https: { key: deps.server.keyPem, cert: `${deps.server.certificatePem}\n${deps.keys.authority.certificatePem}`, ca: deps.keys.authority.certificatePem, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.3' },
  });
  answerErrors(app, deps.log);

  const closing = closingOf(app);
  const stations = new WeakMap<FastifyRequest, string>();
  const stationOf = (request: FastifyRequest): string => {
    const station = stations.get(request);
    if (station === undefined) throw new Error('a route without a station was reached without the check');
    return station;
  };
  app.addHook('onRequest', async (request, reply) => {
    if (request.method === 'POST' && OPEN_PATHS.has(request.routeOptions.url)) return;
    const station = await authenticate(request);
    if (!station.ok) {
      await sendRefusal(reply, station.reason);
      return;
    }
    stations.set(request, station.value);
  });

  async function authenticate(request: FastifyRequest): Promise<Result<string, Refusal>> {
    const certificate = (request.raw.socket as TLSSocket).getPeerX509Certificate();
    if (!certificate) return refused({ reason: 'not-authenticated', message: 'This address is for enrolled stations: the connection brought no client certificate.' });
    const station = stationOfCertificate(certificate, authority, deps.now());
    if (!station.ok) {
      const message = station.reason === 'expired' ? 'The station certificate is not valid at this time. It can be renewed with the key it names.' : 'The client certificate was not issued by this server.';
      return refused({ reason: 'not-authenticated', message });
    }
    const found = await deps.database.query<{ denied_at_ms: number | null }>('select denied_at_ms from station where id = $1', [station.value]);
    const row = found.rows[0];
    if (!row) return refused({ reason: 'not-authenticated', message: 'This server does not know the station.' });
    if (row.denied_at_ms !== null) return refused({ reason: 'denied', message: 'This station is on the deny-list. An administrator of the central server put it there.' });
    return ok(station.value);
  }

  const attempts = createAttemptWindow(ENROL_TRIES_PER_MINUTE);
  app.post('/v1/enrol', { bodyLimit: 64 * 1024 }, async (request, reply) => {
    if (!attempts(request.ip)) return slowDown(reply, 60, 'Too many enrolments from this address. Wait a minute.');
    const body = parseWire(enrolRequest, request.body);
    return sendResult(reply, body.ok ? await enrol(deps, body.value) : body);
  });
  const renewals = createAttemptWindow(RENEWAL_REQUESTS_PER_MINUTE);
  const TOO_MANY_RENEWALS = 'Too many renewals from this address. Wait a minute.';
  app.post('/v1/renewal-nonce', { bodyLimit: 1024 }, async (request, reply) => {
    if (!renewals(request.ip)) return slowDown(reply, 60, TOO_MANY_RENEWALS);
    const body = parseWire(renewalNonceRequest, request.body);
    return sendResult(reply, body.ok ? ok(await makeRenewalNonce(deps)) : body);
  });
  app.post('/v1/renew-expired', { bodyLimit: 64 * 1024 }, async (request, reply) => {
    if (!renewals(request.ip)) return slowDown(reply, 60, TOO_MANY_RENEWALS);
    const body = parseWire(renewExpiredRequest, request.body);
    return sendResult(reply, body.ok ? await renewExpired(deps, authority, body.value) : body);
  });
  app.post('/v1/renew', async (request, reply) => {
    const body = parseWire(renewRequest, request.body);
    return sendResult(reply, body.ok ? await renew(deps, stationOf(request), body.value.csrPem) : body);
  });
  app.post('/v1/epochs', async (request, reply) => {
    const body = parseWire(epochRequest, request.body);
    const opened = body.ok ? await openEpoch(deps, stationOf(request), body.value) : body;
    return opened.ok || opened.reason.reason !== 'slow-down' ? sendResult(reply, opened) : slowDown(reply, 600, opened.reason.message);
  });
  let uploads = 0;
  app.post('/v1/log/entries', async (request, reply) => {
    const body = parseWire(uploadRequest, request.body);
    if (!body.ok) return sendRefusal(reply, body.reason);
    if (uploads >= MOST_UPLOADS_AT_ONCE) return slowDown(reply, 1, 'Too many uploads at once. Wait a second.');
    uploads += 1;
    try {
      return await sendResult(reply, await deps.ingest(stationOf(request), body.value));
    } finally {
      uploads -= 1;
    }
  });
  app.get('/v1/secrets', async (request, reply) => {
    const query = parseWire(secretsQuery, request.query);
    return sendResult(reply, query.ok ? await secretsFor(deps, stationOf(request), query.value.held) : query);
  });
  app.post('/v1/rekeyed', { bodyLimit: 128 * 1024 }, async (request, reply) => {
    const body = parseWire(rekeyedRequest, request.body);
    return sendResult(reply, body.ok ? ok(await takeRekeyed(deps, stationOf(request), body.value)) : body);
  });
  const downlinkSource: DownlinkSource = { ...deps, statementsAfter: (station, after) => statementsAfter(deps.database, station, after), monoMs: () => performance.now() };
  app.get('/v1/downlink', async (request, reply) => {
    const query = parseWire(downlinkQuery, request.query);
    if (!query.ok) return sendRefusal(reply, query.reason);
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    if (query.value.after > 0) await queueBehind(deps.database, stationOf(request), query.value.after);
    await noteHeld(deps, stationOf(request), query.value);
    return answerDownlink(downlinkSource, { station: stationOf(request), ...query.value }, AbortSignal.any([gone.signal, closing]));
  });
  return app;
}

function slowDown(reply: FastifyReply, afterSeconds: number, message: string): FastifyReply {
  return sendRefusal(reply.header('retry-after', String(afterSeconds)), { reason: 'slow-down', message });
}

/** Counts attempts per address in a window of one minute of this process's time; false once there were too many. */
function createAttemptWindow(most: number): (address: string) => boolean {
  let startedAt = performance.now();
  const counts = new Map<string, number>();
  return (address) => {
    if (performance.now() - startedAt > 60_000) {
      counts.clear();
      startedAt = performance.now();
    }
    const count = (counts.get(address) ?? 0) + 1;
    counts.set(address, count);
    return count <= most;
  };
}
