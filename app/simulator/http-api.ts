import { existsSync } from 'node:fs';
import { join } from 'node:path';
import swagger from '@fastify/swagger';
import staticFiles from '@fastify/static';
import websocket from '@fastify/websocket';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import type { WebSocket } from 'ws';
import { z } from 'zod';
import type { Staff } from './directory.ts';
import type { Happenings } from './happenings.ts';
import type { HostLink } from './host-link.ts';
import type { Network } from './network.ts';
import type { Night } from './night/night.ts';
import { MISCHIEF } from './mischief-words.ts';
import * as request from './requests.ts';
import { clockState, type ClockState } from './world-clock.ts';
import { worldView, type WorldView } from './world-view.ts';
import type { Cart, CartRefusal, SlotFault, TabletFault } from './world/cart.ts';

export interface ApiDeps {
  readonly panelDir: string;
  readonly log: (line: string) => void;
  readonly cart: Cart;
  readonly happenings: Happenings;
  readonly network: Network;
  readonly hostLink: HostLink;
  readonly staff: readonly Staff[];
  readonly act: <T>(deed: () => T) => T;
  readonly view: () => WorldView;
  readonly clock: () => ClockState;
  readonly tapped: (staff: string) => void;
  /** Staff id of whoever tapped in the last minute; empty: nobody. */
  readonly lastTapper: () => string;
  readonly advance: (ms: number) => void;
  readonly followClock: (socket: WebSocket) => void;
  readonly followWorld: (socket: WebSocket) => void;
  readonly night: Night;
  readonly random: () => number;
  readonly stationPid: () => number | undefined;
  /** SIGKILL; false where the process is gone already. */
  readonly kill: (pid: number) => boolean;
}

interface Refusal {
  readonly status: number;
  readonly reason: request.ApiReason;
  readonly message: string;
}
type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: Refusal };

const REFUSALS: Record<CartRefusal, Refusal> = {
  'unknown-slot': { status: 404, reason: 'unknown-slot', message: 'This cart has no such slot: GET /api/world lists them.' },
  'unknown-tablet': { status: 404, reason: 'unknown-tablet', message: 'There is no tablet with this serial: GET /api/world lists them.' },
  'slot-empty': { status: 409, reason: 'slot-empty', message: 'Nothing stands in this slot: pull one that is taken.' },
  'slot-taken': { status: 409, reason: 'slot-taken', message: 'A tablet stands in this slot already: choose an empty one.' },
  'tablet-docked': { status: 409, reason: 'tablet-docked', message: 'This tablet is in a slot already: pull it first.' },
};
const NIGHT_REFUSALS = {
  'no-night': { status: 409, reason: 'no-night', message: 'The rules of this ward say nothing of a night: its directory needs "overnight".' },
  'night-running': { status: 409, reason: 'night-running', message: 'A night is being played: stop it first.' },
  'not-playing': { status: 409, reason: 'no-night', message: 'No night is being played.' },
  'no-process': { status: 409, reason: 'no-process', message: 'No device host is connected: start the whole with npm start.' },
} as const satisfies Record<string, Refusal>;
const FAULT_WORDS: Record<SlotFault | TabletFault, string> = {
  none: 'mended',
  'no-data': 'its cable is broken; it charges, and tells no serial',
  dead: 'its port is dead',
  flat: 'its battery is empty',
  asleep: 'it sleeps and cannot be reached',
  rooted: 'somebody has rooted it',
  'adb-on': 'somebody has switched debugging on',
  'old-os': 'its operating system is out of date',
  'not-compliant': 'it breaks the ward’s policy',
};
const NO_PANEL = '<!doctype html><meta charset="utf-8"><title>Virtual cart</title><p>The panel is not built. Run <code>npm run build</code>, or use the HTTP API: <a href="/openapi.json">/openapi.json</a>.';

/** The panel's page and the HTTP API of the virtual cart. JSON in and out; refusals are `{reason, message}`. */
export async function createApi(deps: ApiDeps): Promise<FastifyInstance> {
  const { cart, happenings, network, hostLink } = deps;
  const app = fastify({ bodyLimit: 16 * 1024, forceCloseConnections: true });
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.removeContentTypeParser('text/plain');
  app.addHook('onRequest', async (incoming, reply) => {
    if (!isFromHere(incoming.headers.host, incoming.headers.origin)) await refuse(reply, { status: 403, reason: 'foreign-origin', message: 'Only pages of this simulator may ask it: open it at its own address.' });
  });
  app.setErrorHandler(async (error: Error & { statusCode?: number }, _, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) deps.log(`simulator: ${error.stack ?? error.message}`);
    await refuse(reply, status >= 500 ? { status, reason: 'failed', message: 'The simulator failed; its log says why.' } : { status, reason: 'malformed', message: `${error.message}. Send JSON as /openapi.json says.` });
  });
  app.setNotFoundHandler((_, reply) => refuse(reply, { status: 404, reason: 'not-found', message: 'There is nothing here: see /openapi.json.' }));
  await app.register(swagger, { openapi: { openapi: '3.1.0', info: { title: 'Dockward virtual cart', version: '1' } } });
  await app.register(websocket, { options: { maxPayload: 64 * 1024 } });

  function post<Input, Answer>(url: string, summary: string, input: z.ZodType<Input>, answer: z.ZodType<Answer>, perform: (given: Input) => Outcome<Answer>): void {
    const schema = { summary, body: json(input, 'input'), response: { 200: json(answer, 'output'), '4xx': json(request.apiError, 'output') } };
    app.post(url, { schema }, async (incoming, reply) => {
      const given = input.safeParse(incoming.body ?? {});
      if (!given.success) return refuse(reply, { status: 400, reason: 'malformed', message: `${whatIsWrong(given.error)}. See /openapi.json.` });
      const outcome = deps.act(() => perform(given.data));
      return outcome.ok ? reply.send(outcome.value) : refuse(reply, outcome.refusal);
    });
  }

  const done: Outcome<{ done: true }> = { ok: true, value: { done: true } };
  const no = (refusal: Refusal): { ok: false; refusal: Refusal } => ({ ok: false, refusal });

  app.route({ method: 'GET', url: '/clock', schema: { summary: 'How far the simulated clocks are from the machine’s; also a WebSocket', response: { 200: json(clockState, 'output') } }, handler: () => Promise.resolve(deps.clock()), wsHandler: deps.followClock });
  app.get('/api/world', { schema: { summary: 'The truth about everything', response: { 200: json(worldView, 'output') } } }, () => Promise.resolve(deps.view()));
  app.get('/live', { websocket: true, schema: { hide: true } }, deps.followWorld);
  app.get('/hardware', { websocket: true, schema: { hide: true } }, (socket) => hostLink.join(socket));
  app.get('/openapi.json', { schema: { hide: true } }, () => Promise.resolve(app.swagger()));

  post('/api/tap', 'Hold a badge to the reader', request.tapRequest, request.tapAnswer, ({ staff, uid, proves }) => {
    const person = staff === undefined ? deps.staff.find((one) => one.badgeUid === uid) : deps.staff.find((one) => one.id === staff);
    if (staff !== undefined && !person) return no({ status: 404, reason: 'unknown-staff', message: 'Nobody has this staff id: GET /api/world lists them.' });
    if (!hostLink.readerPresent()) return no({ status: 409, reason: 'no-reader', message: 'The badge reader is unplugged: POST /api/readers {"present":true} first.' });
    const heard = hostLink.tap(person?.badgeUid ?? uid ?? '', proves ? 'crypto' : 'uid');
    if (person) deps.tapped(person.id);
    happenings.say('tap', `${person?.short ?? `A card ${uid}`} tapped${person ? ' a badge' : ''}${heard ? '' : '; nothing heard it'}`);
    return { ok: true, value: { heard } };
  });

  post('/api/undock', 'Pull a tablet out; it is used from then on', request.undockRequest, request.undockAnswer, ({ slot, staff }) => {
    if (staff !== undefined && !deps.staff.some((one) => one.id === staff)) return no({ status: 404, reason: 'unknown-staff', message: 'Nobody has this staff id: GET /api/world lists them.' });
    const person = staff ?? deps.lastTapper();
    const outcome = cart.undock(slot, person);
    if (!outcome.ok) return no(REFUSALS[outcome.reason]);
    happenings.say('pull', `${happenings.person(person)} pulled ${happenings.tablet(outcome.serial)} out of slot ${slot}`);
    return { ok: true, value: { serial: outcome.serial } };
  });

  post('/api/dock', 'Put a tablet into a slot', request.dockRequest, request.done, ({ serial, slot }) => {
    const holder = cart.hands.get(serial);
    const outcome = cart.dock(serial, slot);
    if (!outcome.ok) return no(REFUSALS[outcome.reason]);
    happenings.say('dock', `${happenings.person(holder ?? '')} put ${happenings.tablet(serial)} into slot ${slot}`);
    return done;
  });

  post('/api/break', 'Break a slot or a tablet, or mend it (none)', request.breakRequest, request.done, (wanted) => {
    const outcome = 'slot' in wanted ? cart.breakSlot(wanted.slot, wanted.fault) : cart.breakTablet(wanted.serial, wanted.fault);
    if (!outcome.ok) return no(REFUSALS[outcome.reason]);
    happenings.say('break', `${'slot' in wanted ? `Slot ${wanted.slot}` : happenings.tablet(wanted.serial)}: ${FAULT_WORDS[wanted.fault]}`);
    return done;
  });

  post('/api/network', 'Cut or restore the network between station and central server', request.networkRequest, request.done, ({ up, delayMs }) => {
    network.set({ up, ...(delayMs === undefined ? {} : { delayMs }) });
    happenings.say('network', up ? `The network is up${delayMs ? `, ${delayMs} ms slower each way` : ''}` : 'The network is cut');
    return done;
  });

  post('/api/clock/advance', 'Jump ahead in time', request.advanceRequest, request.clockAnswer, ({ ms }) => {
    deps.advance(ms);
    happenings.say('clock', `Time jumped ahead by ${inWords(ms)}`);
    return { ok: true, value: { at: deps.view().at } };
  });

  post('/api/mdm/misbehave', 'Let the MDM do something wrong', request.misbehaveRequest, request.done, ({ fault, serial, times, ms }) => {
    if (serial !== undefined && !cart.tablets.has(serial)) return no(REFUSALS['unknown-tablet']);
    cart.mdm.misbehave({ fault, times, ...(serial === undefined ? {} : { serial }), ...(ms === undefined ? {} : { ms }) });
    happenings.say('mischief', `MDM mischief is waiting${serial === undefined ? '' : ` for ${happenings.tablet(serial)}`}${times === 1 ? '' : `, ${times} times`}: ${MISCHIEF.find((one) => one.fault === fault)?.title ?? fault}`);
    return done;
  });

  post('/api/readers', 'Plug the badge reader in or out', request.readersRequest, request.done, ({ present }) => {
    hostLink.setReader(present);
    happenings.say('reader', present ? 'The badge reader is plugged in' : 'The badge reader is unplugged');
    return done;
  });

  const kill = (what: string, pid: number | undefined): Outcome<{ done: true }> => {
    if (pid === undefined) return no({ status: 409, reason: 'no-process', message: `The simulator does not know of a running ${what}: start the whole with npm start.` });
    if (deps.night.running()) {
      // In fast-forward time slows down first, or the seconds that a start takes would be minutes.
      deps.night.calmly(() => void (deps.kill(pid) && happenings.say('process', `The ${what} was killed`)));
      return done;
    }
    if (!deps.kill(pid)) return no({ status: 409, reason: 'no-process', message: `The ${what} is gone already; it is being started again.` });
    happenings.say('process', `The ${what} was killed`);
    return done;
  };
  post('/api/night', 'Play the night in fast-forward, until the shift begins', request.nightRequest, request.nightAnswer, ({ seed = Math.floor(deps.random() * 0x1_0000_0000), ...options }) => {
    const played = deps.night.play({ ...options, seed });
    return played.ok ? { ok: true, value: { seed, until: new Date(played.untilMs).toISOString() } } : no(NIGHT_REFUSALS[played.reason]);
  });
  post('/api/night/stop', 'Let time run at its own pace again', request.nothing, request.done, () => (deps.night.stop() ? done : no(NIGHT_REFUSALS['not-playing'])));
  post('/api/device-host/kill', 'Kill the device host (SIGKILL)', request.nothing, request.done, () => kill('device host', hostLink.pid()));
  post('/api/station/kill', 'Kill the station (SIGKILL)', request.nothing, request.done, () => kill('station', deps.stationPid()));

  if (existsSync(join(deps.panelDir, 'index.html'))) await app.register(staticFiles, { root: deps.panelDir });
  else app.get('/', { schema: { hide: true } }, (_, reply) => reply.type('text/html').send(NO_PANEL));
  return app;
}

const refuse = (reply: FastifyReply, { status, reason, message }: Refusal): FastifyReply => reply.code(status).send({ reason, message });

function json(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}

const whatIsWrong = (error: z.ZodError): string => error.issues.map((issue) => `${issue.path.join('.') || 'the body'}: ${issue.message}`).join('; ');

/** Names that only this machine answers to, and no page of another origin: a web site cannot play with the cart. */
function isFromHere(host: string | undefined, origin: string | undefined): boolean {
  const name = host?.replace(/:\d+$/, '');
  if (name !== '127.0.0.1' && name !== 'localhost' && name !== '[::1]') return false;
  return origin === undefined || origin === `http://${host}`;
}

const UNITS = [
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
  [1000, 'second'],
] as const;
function inWords(ms: number): string {
  const [size, unit] = UNITS.find(([length]) => ms >= length && ms % length === 0) ?? [1, 'millisecond'];
  const count = ms / size;
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
