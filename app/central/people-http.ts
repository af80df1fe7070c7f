import { existsSync } from 'node:fs';
import path from 'node:path';
import cookie from '@fastify/cookie';
import files from '@fastify/static';
import swagger from '@fastify/swagger';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { fleetHistory, fleetView, me, signInRequest } from '../contract/fleet.ts';
import type { RecordedEntry } from '../domain/entries.ts';
import type { CartView, Change } from '../domain/tables.ts';
import { serveCertificates } from './certificates-http.ts';
import { serveCredentialUses, type CredentialUses } from './credential-use.ts';
import { serveCustody } from './custody-http.ts';
import { SESSION_LIFE_MS, signIn, signOut, whoIs, type AdministratorDeps } from './administrators.ts';
import { denyStation, makeCode, type EnrolmentDeps } from './enrolment.ts';
import { readFleet } from './fleet-view.ts';
import { historyQuery, readHistory } from './history.ts';
import { serveIncidents } from './incidents-http.ts';
import { serveMdmSettings } from './mdm-settings-http.ts';
import { serveMdmWebhooks } from './mdm-webhooks-http.ts';
import type { MdmsInUse } from './mdms-in-use.ts';
import { described, type Guards } from './people-routes.ts';
import { answerErrors, closingOf, parseWire, sendRefusal, sendResult, WIRE_OPTIONS, type Log } from './http-reply.ts';
import { serveKeyRotation } from './key-rotation-http.ts';
import { serveLogs } from './log-http.ts';
import { serveMorning } from './morning-http.ts';
import { serveRekeying } from './rekeying-http.ts';
import type { PemPair } from './authority.ts';
import { serveReceipts } from './receipts.ts';

export interface PeopleHttpDeps extends EnrolmentDeps, AdministratorDeps {
  /** Without it the listener speaks plain HTTP and answers only under loopback names. */
  readonly tls: PemPair | undefined;
  /** Folder of the built fleet page. */
  readonly fleetFolder: string;
  readonly mdms: MdmsInUse;
  readonly uses: CredentialUses;
  readonly project: (view: CartView, entry: RecordedEntry) => readonly Change[];
  readonly log: Log;
}

const COOKIE = 'dockward';
const LOOPBACK_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/;
const CONTENT_SECURITY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const placeRequest = z.strictObject({ ward: z.string().min(1).max(40), cart: z.string().trim().min(1).max(80) });
const codeResponse = z.strictObject({ code: z.string(), expiresAt: z.string() });
const denyResponse = z.strictObject({ rotate: z.boolean() });
const denyRequest = z.strictObject({ station: z.string().min(1).max(64) });
const empty = z.strictObject({});

/** The people's listener: the fleet page, its API behind a session cookie, and the published ledgers for auditors. */
export async function createPeopleHttp(deps: PeopleHttpDeps): Promise<FastifyInstance> {
  const app: FastifyInstance = deps.tls ? Fastify({ ...WIRE_OPTIONS, https: { key: deps.tls.keyPem, cert: deps.tls.certificatePem, minVersion: 'TLSv1.2' } }) : Fastify(WIRE_OPTIONS);
  answerErrors(app, deps.log);
  closingOf(app);
  // The schemas describe; parsing is zod's, in the handlers.
  app.setValidatorCompiler(() => (value) => ({ value }));
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));
  guard(app, deps);
  await app.register(cookie);
  await app.register(swagger, { openapi: { openapi: '3.1.0', info: { title: 'Dockward central: people and auditors', version: '1' }, components: { securitySchemes: { session: { type: 'apiKey', in: 'cookie', name: COOKIE }, auditor: { type: 'http', scheme: 'bearer' } } } } });

  const people = new WeakMap<FastifyRequest, z.infer<typeof me>>();
  const person = (request: FastifyRequest): z.infer<typeof me> => {
    const found = people.get(request);
    if (!found) throw new Error('a route for signed-in people was reached without the check');
    return found;
  };
  /** Routes below answer only who is signed in. */
  const signedIn = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const token = request.cookies[COOKIE];
    const found = token === undefined ? undefined : await whoIs(deps, token);
    if (found) people.set(request, found);
    else await sendRefusal(reply, { reason: 'not-authenticated', message: 'Sign in first. A session lasts 12 hours.' });
  };
  const administrator = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    await signedIn(request, reply);
    if (!reply.sent && !person(request).roles.includes('administrator')) await sendRefusal(reply, { reason: 'denied', message: 'Only an administrator may do this.' });
  };

  const guards: Guards = { signedIn, administrator, person };

  await app.register(async (routes) => {
    routes.post('/api/sign-in', { bodyLimit: 8 * 1024, schema: described('Opens a session', { body: signInRequest, ok: me }) }, async (request, reply) => {
      const body = parseWire(signInRequest, request.body);
      if (!body.ok) return sendRefusal(reply, body.reason);
      const opened = await signIn(deps, body.value.user, body.value.password);
      if (!opened.ok) return sendRefusal(reply, opened.reason);
      return reply.setCookie(COOKIE, opened.value.token, { ...cookieAttributes(deps), maxAge: SESSION_LIFE_MS / 1_000 }).send(opened.value.me);
    });
    routes.post('/api/sign-out', { schema: described('Ends the session', { ok: empty }) }, async (request, reply) => {
      const token = request.cookies[COOKIE];
      if (token !== undefined) await signOut(deps, token);
      return reply.clearCookie(COOKIE, cookieAttributes(deps)).send({});
    });
    routes.get('/api/me', { onRequest: signedIn, schema: described('Who is signed in', { ok: me }) }, async (request) => person(request));
    routes.get('/api/fleet', { onRequest: signedIn, schema: described('Every device, station and ward as the ledgers last told', { ok: fleetView }) }, () => readFleet(deps.database, deps.now()));
    routes.get('/api/history', { onRequest: signedIn, schema: described('Ledger entries, newest first', { query: historyQuery, ok: fleetHistory }) }, async (request, reply) => {
      const query = parseWire(historyQuery, request.query);
      return query.ok ? readHistory(deps.database, query.value) : sendRefusal(reply, query.reason);
    });
    routes.post('/api/stations/codes', { onRequest: administrator, schema: described('Makes a one-time code that enrols one station at this place', { body: placeRequest, ok: codeResponse }) }, async (request, reply) => {
      const body = parseWire(placeRequest, request.body);
      if (!body.ok) return sendRefusal(reply, body.reason);
      const made = await makeCode(deps, body.value);
      return made.ok ? { code: made.value.code, expiresAt: new Date(made.value.expiresAtMs).toISOString() } : sendRefusal(reply, made.reason);
    });
    routes.post('/api/stations/deny', { onRequest: administrator, schema: described('Puts a station on the deny-list; `rotate` advises to rotate what it was given (POST /api/secrets/rotate)', { body: denyRequest, ok: denyResponse }) }, async (request, reply) => {
      const body = parseWire(denyRequest, request.body);
      if (!body.ok) return sendRefusal(reply, body.reason);
      return sendResult(reply, await denyStation(deps, body.value.station));
    });
    routes.get('/health', { schema: { summary: 'Whether the server and its database answer', tags: ['operation'] } }, async () => {
      await deps.database.query('select 1');
      return { status: 'ok' };
    });
    serveIncidents(routes, deps, guards);
    serveRekeying(routes, deps, guards);
    serveKeyRotation(routes, deps, guards);
    serveReceipts(routes, deps, guards);
    serveCertificates(routes, deps, guards);
    serveCustody(routes, deps, guards);
    serveMorning(routes, deps, guards);
    serveLogs(routes, deps);
    serveCredentialUses(routes, deps, guards);
    serveMdmSettings(routes, { ...deps, used: deps.uses.used, written: deps.uses.write }, guards);
    serveMdmWebhooks(routes, deps, deps.mdms);
    routes.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
  });
  await serveFleetPage(app, deps.fleetFolder);
  return app;
}

const cookieAttributes = ({ tls }: PeopleHttpDeps): { path: string; httpOnly: true; sameSite: 'strict'; secure: boolean } => ({ path: '/', httpOnly: true, sameSite: 'strict', secure: tls !== undefined });

/** Headers on every answer; refuses foreign pages and, on plain HTTP, names that are not this machine's (DNS rebinding). */
function guard(app: FastifyInstance, { tls }: PeopleHttpDeps): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'content-security-policy': CONTENT_SECURITY,
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'permissions-policy': 'camera=(), microphone=(), geolocation=(), usb=()',
      ...(tls ? { 'strict-transport-security': 'max-age=31536000' } : {}),
      ...(request.url.startsWith('/api/') ? { 'cache-control': 'no-store' } : {}),
    });
    const host = request.headers.host ?? '';
    if (!tls && !LOOPBACK_HOST.test(host)) {
      await sendRefusal(reply, { reason: 'denied', message: 'Without a certificate this server answers only as localhost.' });
      return;
    }
    const { origin } = request.headers;
    const safe = request.method === 'GET' || request.method === 'HEAD';
    if (!safe && origin !== undefined && origin !== `${tls ? 'https' : 'http'}://${host}`) {
      await sendRefusal(reply, { reason: 'denied', message: 'This request was made by a page of another site.' });
    }
  });
}

async function serveFleetPage(app: FastifyInstance, folder: string): Promise<void> {
  if (existsSync(path.join(folder, 'index.html'))) {
    await app.register(files, { root: folder });
    return;
  }
  app.get('/', { schema: { hide: true } }, (_request, reply) =>
    reply.type('text/html; charset=utf-8').send('<!doctype html><html lang="en"><title>Dockward</title><h1>The fleet page is not built</h1><p>Run <code>npm run build</code> and start the server again. Its API is described in <a href="/openapi.json">openapi.json</a>.</p>'),
  );
}
