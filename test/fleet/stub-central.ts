import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { signInRequest } from '../../app/contract/fleet.ts';
import type { FleetEvent, FleetView } from '../../app/contract/fleet.ts';
import { answerCertificates, type Certificates } from './stub-certificates.ts';
import { answerMdms, emptyMdms, type Mdms } from './stub-mdms.ts';
import { answerMorning, type Mornings } from './stub-morning.ts';
import { answerPast, emptyPast } from './stub-past.ts';
import type { Past, Reply } from './stub-past.ts';

/** As strict as a server can be: whatever the page tries inline, by eval or elsewhere is refused and shows as an error. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'";
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2' };

export interface StubCentral extends Past, Certificates, Mornings, Mdms {
  readonly url: string;
  events: FleetEvent[];
  /** `silent`: connections are cut before an answer, as by a server that died. */
  health: 'well' | 'silent' | 'overloaded';
  signedIn: boolean;
  lockedForSeconds: number | undefined;
  readonly seen: { unchanged: number; codes: { ward: string; cart: string }[]; historyQueries: string[] };
  close(): Promise<void>;
}

/** The people's side of the server, small: the same paths, cookies, statuses and error bodies, over a view that the test sets. */
export async function startStubCentral(pageFolder: string, view: FleetView): Promise<StubCentral> {
  const stub: Omit<StubCentral, 'url' | 'close'> = { ...emptyPast(view), ...emptyMdms(), certificates: [], unsound: [], searched: [], mornings: {}, papers: [], events: [], health: 'well', signedIn: false, lockedForSeconds: undefined, seen: { unchanged: 0, codes: [], historyQueries: [] } };
  const server = createServer((request, response) => {
    answer(stub, pageFolder, request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : new Error(String(error))));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return Object.assign(stub, {
    url: `http://127.0.0.1:${port}/`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  });
}

type State = Omit<StubCentral, 'url' | 'close'>;

async function answer(stub: State, pageFolder: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://stub');
  if (!url.pathname.startsWith('/api/')) return sendFile(pageFolder, url.pathname === '/' ? '/index.html' : url.pathname, response);
  if (stub.health === 'silent') return void request.socket.destroy();
  if (stub.health === 'overloaded') return send(response, 503, { reason: 'unavailable', message: 'The database does not answer.' });
  const cookie = request.headers.cookie?.includes('session=1') === true;
  switch (`${request.method ?? ''} ${url.pathname}`) {
    case 'POST /api/sign-in':
      return signIn(stub, request, response);
    case 'POST /api/sign-out':
      stub.signedIn = false;
      response.setHeader('set-cookie', 'session=; Path=/; Max-Age=0');
      return send(response, 200, {});
  }
  if (!cookie || !stub.signedIn) return send(response, 401, { reason: 'not-authenticated', message: 'Sign in first.' });
  const morning = answerMorning(stub, url);
  if (morning !== undefined) return sendReply(response, morning);
  const certificates = answerCertificates(stub, url);
  if (certificates !== undefined) return sendReply(response, certificates);
  const mdms = await answerMdms(stub, request, url);
  if (mdms !== undefined) return sendReply(response, mdms);
  const past = await answerPast(stub, request, url);
  if (past === 'cut') return void request.socket.destroy();
  if (past !== undefined) return sendReply(response, past);
  switch (`${request.method ?? ''} ${url.pathname}`) {
    case 'GET /api/me':
      return send(response, 200, { user: 'admin', roles: stub.roles });
    case 'GET /api/fleet':
      return sendTagged(stub, request, response, { ...stub.view, at: '' }, { ...stub.view, at: new Date().toISOString() });
    case 'GET /api/history': {
      stub.seen.historyQueries.push(url.search);
      const device = url.searchParams.get('device');
      const events = stub.events.filter((event) => device === null || event.device === device).slice(0, Number(url.searchParams.get('limit') ?? 100));
      return sendTagged(stub, request, response, events, { events });
    }
    case 'POST /api/stations/codes': {
      stub.seen.codes.push(JSON.parse(await text(request)) as { ward: string; cart: string });
      return send(response, 200, { code: `K7QF-2M9T-4W5A-DGZY~${'0f1e2d3c'.repeat(8)}`, expiresAt: new Date(Date.now() + 15 * 60_000).toISOString() });
    }
    default:
      return send(response, 404, { reason: 'not-found', message: 'There is nothing here.' });
  }
}

async function signIn(stub: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const asked = signInRequest.parse(JSON.parse(await text(request)));
  if (stub.lockedForSeconds !== undefined) {
    response.setHeader('retry-after', String(stub.lockedForSeconds));
    return send(response, 429, { reason: 'slow-down', message: 'Too many tries.' });
  }
  if (asked.user !== 'admin' || asked.password !== 'correct horse') return send(response, 401, { reason: 'not-authenticated', message: 'Name and password do not match.' });
  stub.signedIn = true;
  response.setHeader('set-cookie', 'session=1; Path=/; HttpOnly; SameSite=Strict');
  return send(response, 200, {});
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}

/** What is no JSON goes out as it is. */
function sendReply(response: ServerResponse, { status, body, headers }: Reply): void {
  if (headers === undefined) return send(response, status, body);
  response.writeHead(status, headers);
  response.end(body);
}

/** 304 while what matters (`tagged`, without the time of asking) is the same. */
function sendTagged(stub: State, request: IncomingMessage, response: ServerResponse, tagged: unknown, body: unknown): void {
  const etag = `"${createHash('sha256').update(JSON.stringify(tagged)).digest('hex').slice(0, 16)}"`;
  response.setHeader('etag', etag);
  if (request.headers['if-none-match'] !== etag) return send(response, 200, body);
  stub.seen.unchanged += 1;
  response.writeHead(304);
  response.end();
}

async function sendFile(folder: string, path: string, response: ServerResponse): Promise<void> {
  const file = await readFile(join(folder, path)).catch(() => undefined);
  if (file === undefined) return send(response, 404, { reason: 'not-found', message: 'No such file.' });
  response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream', 'content-security-policy': POLICY, 'x-content-type-options': 'nosniff' });
  response.end(file);
}
